"""Looks at a server ten times a second, from a thread of its own: how soon it answers, how it feels, what it logs."""

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.server import Server
from tests.faults.load import percentile

EVERY = 0.1
PATIENCE = 5.0

LAG = 0.1
"""Seconds for which the event loop may come to nobody else."""

HEALTH = 0.05
"""Seconds within which 99 of 100 looks at /health are answered."""

GROWTH = 50 * 2**20
"""Bytes that may be left behind."""

BUG = re.compile(  # what follows is told until another record begins
    r"^(?:Bug |Traceback |Exception in|Task .*never retrieved|.*never awaited).*(?:\n(?!INFO|Refused|Bug ).+)*",
    re.MULTILINE,
)
"""What stands in a log that somebody should look at, with the lines that belong to it."""

TOLD = 1500
"""The last characters of it that are told."""


@dataclass
class Sight:
    """What was seen of a server over a while."""

    seconds: list[float] = field(default_factory=list)
    """How long /health took, look by look."""
    lags: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the looks was answered."""
        return percentile(self.seconds, share)

    def complaints(self, *, in_time: bool = True) -> list[str]:
        """Return what may not be, what depends on how quick the machine is included only `in_time`."""
        found = [f"/health: {failure}" for failure in sorted(set(self.failures))]
        if in_time and max(self.lags, default=0) > LAG:
            found.append(f"the event loop came to nobody for {max(self.lags) * 1000:.0f} ms")
        if in_time and self.percentile(0.99) > HEALTH:
            found.append(f"/health took {self.percentile(0.99) * 1000:.0f} ms in one of a hundred looks")
        return found


class Watch:
    """Looks at a server inside the block."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pid = server.workers()
        self._begin = len(server.said())
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.sight = Sight()

    def __enter__(self) -> "Watch":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._end.set()
        self._thread.join()

    @property
    def memory(self) -> int:
        """The bytes that the server held when it was looked at last."""
        return self.sight.memory[-1] if self.sight.memory else 0

    def complaints(self) -> list[str]:
        """Return whether the server has died or has logged a bug."""
        found = [] if self._server.is_running else ["the server has ended"]
        if self._server.workers() != self._pid:
            found.append("the worker was replaced")
        return found + bugs(self._server.said()[self._begin :])

    def _look_on(self) -> None:
        host, _, port = self._server.address.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        while not self._end.wait(EVERY):
            began = time.monotonic()
            try:
                figures = _look(connection)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.sight.failures.append(type(error).__name__)
                connection.close()
                continue
            self.sight.seconds.append(time.monotonic() - began)
            self.sight.lags.append(figures["loopLagSeconds"])
            self.sight.memory.append(figures["memoryBytes"])
        connection.close()


def _look(connection: http.client.HTTPConnection) -> Any:
    connection.request("GET", "/health")
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise ValueError(f"the status is {response.status}")
    return json.loads(content)


def bugs(log: str) -> list[str]:
    """Return what a log says of mistakes of the server, each once."""
    return [f"logged: {found[-TOLD:]}" for found in dict.fromkeys(BUG.findall(log))]
