"""The real server with several workers, in processes that can be killed."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from shop_graphql import serving
from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from tests.conftest import UNBOUNDED

WORKERS = 3
SECRET = os.environ.setdefault("CHAOS_SECRET", secrets.token_urlsafe(48))
"""Another one each time. Processes that a harness starts know it too."""
START_TIMEOUT = 60
"""Seconds until a server that was started must answer."""


class Server:
    """`shop-graphql serve` with workers. Its log is where the workers' process ids are found."""

    def __init__(self, url: str, log: Path, workers: int = WORKERS, **environment: str) -> None:
        with serving.listening("127.0.0.1", 0) as listener:
            self._port = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._environment = UNBOUNDED | environment | {"DATABASE_URL": url, "SHOP_SECRETS": SECRET}
        self._workers_wanted = workers
        self._log = log
        self._killed: set[int] = set()
        self._process = self._start()
        self.restarts = 0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def said(self) -> str:
        """Return all that the server has logged."""
        return self._log.read_text(errors="replace")

    def kill_worker(self) -> bool:
        """Kill the worker that has lived longest with SIGKILL, whatever it is doing; tell whether there was one."""
        if not (workers := self.workers()):
            return False
        pid = workers[0]
        self._killed.add(pid)
        os.kill(pid, signal.SIGKILL)
        return True

    def terminate(self) -> None:
        """Ask the server to end in order."""
        self._process.send_signal(signal.SIGTERM)

    async def keep(self) -> None:
        """Start the whole server again whenever it has ended, until cancelled."""
        while True:
            await asyncio.sleep(0.5)
            if self._process.poll() is not None:
                self._process = self._start()
                self.restarts += 1

    async def wait(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + START_TIMEOUT
        async with httpx.AsyncClient(base_url=self.address, timeout=2) as client:
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get("/ready")).status_code == 200:
                        return
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start:\n{self.said()[-4000:]}")
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End the server with all its workers."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "shop_graphql", "serve", "--port", str(self._port), "--workers"]
        command.append(str(self._workers_wanted))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment | self._environment,
                start_new_session=True,
            )

    def workers(self) -> list[int]:
        """Return the process ids of the workers, the oldest first. Without several, the server is its own worker."""
        if self._workers_wanted == 1:
            return [self._process.pid]
        started = [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", self.said())]
        return [pid for pid in started if pid not in self._killed and self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        """A process id may have been given to somebody else's process since."""
        with suppress(ProcessLookupError):
            return os.getpgid(pid) == self._process.pid
        return False


def admin(hours: float = 24, id: int = 10**9) -> dict[str, str]:
    """Return the headers of somebody who may do everything, for as long as a run can last."""
    token = Tokens([SECRET]).issue(id, Role.ADMIN, lifetime=timedelta(hours=hours))
    return {"authorization": f"Bearer {token}"}


@contextmanager
def server(url: str, workers: int = WORKERS, **environment: str) -> Iterator[Server]:
    """Start a server on a free port, and end it."""
    with TemporaryDirectory(prefix="chaos-log-") as folder:
        running = Server(url, Path(folder, "log"), workers, **environment)
        try:
            yield running
        finally:
            running.stop()
