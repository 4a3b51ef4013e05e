"""People who send requests at their own pace, whether or not the server keeps up: an open load.

They share the machine with the server that is measured, so that a request costs them little: its bytes are made
beforehand, and of an answer they look at the status, the length and whether there are errors in it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

PATIENCE = 2.0
"""Seconds after which an answer is of no use any more."""

MOST_CONNECTIONS = 600
"""Fewer than a worker takes. Where all are busy a request is not sent, as by a proxy with so many."""

GIVEN_UP = 15.0
"""Seconds after which no answer is waited for any more."""


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return within how many of these seconds this share of them lies; 0 for none."""
    return sorted(seconds)[int(share * (len(seconds) - 1))] if seconds else 0.0


@dataclass
class Served:
    """What came of requests, by status, how long good answers took, and the seconds until the last answer."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def good(self) -> int:
        """How many were answered, and soon enough."""
        return sum(seconds <= PATIENCE for seconds in self.seconds)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.took

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the good answers came."""
        return percentile(self.seconds, share)


class People:
    """Sends requests to the server at `host:port`, one after the other on each of many connections."""

    def __init__(self, address: str, requests: Iterator[bytes]) -> None:
        self._host, port = address.split(":")
        self._port = int(port)
        self._requests = requests
        self._idle: dict[_Line, None] = {}
        self._busy: set[_Line] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._persist = False
        self._served = Served()

    async def closed(self, people: int, seconds: float) -> Served:
        """Let so many people send one request after the other."""
        self._served, begin = Served(), time.monotonic()
        self._persist = True
        for _ in range(people):
            self._ask(time.monotonic())
        await asyncio.sleep(seconds)
        self._persist = False
        return await self._end(begin)

    async def open(self, rate: float, seconds: float) -> Served:
        """Send so many requests a second, whatever becomes of them. Late ones count from when they were due."""
        self._served, begin, sent = Served(), time.monotonic(), 0
        while (elapsed := time.monotonic() - begin) < seconds:
            while sent < elapsed * rate:
                self._ask(begin + sent / rate)
                sent += 1
            await asyncio.sleep(0.002)
        return await self._end(begin)

    def close(self) -> None:
        """Close all connections."""
        for line in [*self._idle, *self._busy]:
            line.transport.abort()

    def _ask(self, due: float) -> None:
        if self._idle:
            line, _ = self._idle.popitem()
            self._send(line, next(self._requests), due)
        elif len(self._busy) + len(self._connecting) >= MOST_CONNECTIONS:
            self._served.statuses["no connection left"] += 1
        else:
            self._connect(next(self._requests), due)

    def _connect(self, request: bytes, due: float) -> None:
        async def connect() -> None:
            loop = asyncio.get_running_loop()
            try:
                _, line = await loop.create_connection(
                    lambda: _Line(self._answered, self._lost), self._host, self._port
                )
            except OSError as error:
                self._served.statuses[type(error).__name__] += 1
            else:
                self._send(line, request, due)

        task = asyncio.create_task(connect())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _send(self, line: "_Line", request: bytes, due: float) -> None:
        self._busy.add(line)
        line.request, line.due = request, due
        line.transport.write(request)

    def _answered(self, line: "_Line", status: str, *, is_good: bool) -> None:
        served, now = self._served, time.monotonic()
        self._busy.discard(line)
        served.statuses[status] += 1
        if is_good:
            served.seconds.append(now - line.due)
        if self._persist:
            self._send(line, next(self._requests), now)
        else:
            self._idle[line] = None

    def _lost(self, line: "_Line") -> None:
        """An idle connection may be closed at any time, also in the moment in which a request is sent."""
        self._idle.pop(line, None)
        if line in self._busy:
            self._busy.discard(line)
            if line.answers:
                self._connect(line.request, line.due)
            else:
                self._served.statuses["connection lost"] += 1

    async def _end(self, begin: float) -> Served:
        """Wait for the answers that are still to come."""
        deadline = time.monotonic() + GIVEN_UP
        while (self._busy or self._connecting) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        served = self._served
        served.took = time.monotonic() - begin
        for line in [*self._busy]:
            served.statuses["no answer"] += 1
            self._busy.discard(line)
            line.transport.abort()
        return served


class _Line(asyncio.Protocol):
    """A connection that tells of each answer, and of its end."""

    def __init__(self, answered: Callable[..., None], lost: Callable[["_Line"], None]) -> None:
        self.transport: asyncio.Transport
        self.request, self.due, self.answers = b"", 0.0, 0
        self._tell, self._tell_lost = answered, lost
        self._received, self._expected = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._tell_lost(self)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._expected:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._expected = end + 4 + _length(received[:end].lower())
        if len(received) < self._expected:
            return
        self._received, self._expected = b"", 0
        self.answers += 1
        status = received[9:12].decode()
        self._tell(self, status, is_good=status == "200" and b'"errors"' not in received)


def _length(head: bytes) -> int:
    start = head.index(b"content-length:") + 15
    end = head.find(b"\r", start)
    return int(head[start : end if end > 0 else None])
