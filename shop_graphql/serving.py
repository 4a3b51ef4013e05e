"""How the server runs: on a socket that is taken first, until a signal ends it in order."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from errno import EACCES, EADDRINUSE
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn
from uvicorn._types import ASGIApplication
from uvicorn.config import LOGGING_CONFIG, STARTUP_FAILURE
from uvicorn.importer import import_from_string
from uvicorn.supervisors import ChangeReload, Multiprocess
from uvicorn.supervisors.multiprocess import Process

from shop_graphql.draining import Handler, draining
from shop_graphql.errors import StartupError
from shop_graphql.sockets import Sockets

FACTORY = "shop_graphql.app:create_app"
APP = "shop_graphql.serving:app"
WORKER_APP = "shop_graphql.serving:worker_app"
PROTOCOL = "shop_graphql.protocol:Guarded"
"""By name, since httptools is not to be had everywhere."""

YOUNG = 10_000
"""Objects that are made before the youngest are looked through for garbage. By Python's own 700, hundreds of requests
under way are looked through again and again, and none of it is garbage.
"""

GRACE = 10
"""Seconds that requests under way may take once the server has been asked to stop."""

SEND_TIMEOUT = 30.0

logger = logging.getLogger("uvicorn.error")

ENDINGS = (signal.SIGINT, signal.SIGTERM)
HANG_UP = (signal.SIGHUP,) if sys.platform != "win32" else ()


class Ended(SystemExit):
    """Somebody asked this process to end; contexts are left in order on the way out."""


@contextmanager
def signals() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into Ended, once: further ones cannot cut the way out short.

    uvicorn puts its own handlers in their place while it serves, and afterwards raises what it caught again.
    """
    previous = {number: signal.signal(number, _end) for number in ENDINGS}
    previous |= {number: signal.signal(number, _hang_up) for number in HANG_UP}
    try:
        yield
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


@contextmanager
def postponed() -> Iterator[Callable[[], None]]:
    """Let signals wait, inside an event loop; calling what is yielded raises Ended for the first that came.

    An exception out of nowhere would have asyncio cancel a statement that is under way, and wait for it for ever.
    """
    loop, caught = asyncio.get_running_loop(), list[int]()
    previous = {number: signal.getsignal(number) for number in (*ENDINGS, *HANG_UP)}

    def end_now() -> None:
        if caught:
            raise Ended(128 + caught[0])

    with suppress(NotImplementedError):  # Windows has none inside a loop
        for number in previous:
            loop.add_signal_handler(number, caught.append, number)
    try:
        yield end_now
    finally:
        for number, handler in previous.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    for ending in (*ENDINGS, *HANG_UP):
        signal.signal(ending, signal.SIG_IGN)
    raise Ended(128 + number)


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    """uvicorn leaves SIGHUP alone, or restarts its workers, and a terminal that is gone cannot be told."""
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def listening(host: str, port: int, send_timeout: float = SEND_TIMEOUT) -> Iterator[socket.socket]:
    """Take the port before anything else is started; who connects early waits. Raises StartupError.

    A connection ends by itself when its client has taken nothing of what waits to be sent for so many seconds.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise StartupError(_why_not(host, port, error)) from None
    with listener:
        _end_unread(listener, send_timeout)
        yield listener


def _end_unread(listener: socket.socket, seconds: float) -> None:
    """Have the kernel end connections that stand still, which inherit this, and of which it alone knows.

    What uvicorn has written waits in a transport without a limit, and one that is closed waits for it to be read.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))


def address(listener: socket.socket) -> str:
    """Return the address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(frozen=True)
class Limits:
    """What the connections of clients may take of a worker."""

    head_timeout: float = 5.0
    connections: int = 800
    keep_alive: int = 5
    head: int = 65_536
    """Bytes of a request's first line and headers."""
    body: int = 131_072


@dataclass(frozen=True)
class Serving:
    """How the server deals with its clients."""

    limits: Limits = field(default_factory=Limits)
    sockets: Sockets = field(default_factory=Sockets)
    log_level: str = "info"


def run(listener: socket.socket, how: Serving = Serving(), *, workers: int = 1, reload: bool = False) -> None:
    """Serve until a signal ends it, which is success. The app reads its settings from the environment.

    Raises SystemExit when the app does not start.
    """
    config = _Config(
        WORKER_APP if reload or workers > 1 else APP,
        how,
        factory=True,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        log_level=how.log_level,
        access_log=how.log_level in {"debug", "info"},
        lifespan="on",
        timeout_graceful_shutdown=GRACE,
    )
    with suppress(Ended):
        if config.should_reload:
            ChangeReload(config, target=_Server(config).run, sockets=[listener]).run()
        elif workers > 1:
            _Workers(config, [listener]).run()
        else:
            _Server(config).run(sockets=[listener])


def app() -> ASGIApplication:
    """Return the app. What it consists of lives as long as the process, so that no collection of garbage looks at it.

    Such a look takes some 80 ms, during which all requests wait.
    """
    made = cast(ASGIApplication, import_from_string(FACTORY)())
    end = signal.getsignal(signal.SIGTERM)
    if isinstance(getattr(end, "__self__", None), uvicorn.Server):
        signal.signal(signal.SIGTERM, draining(cast(Handler, end)))
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    return made


def worker_app() -> ASGIApplication:
    """Return the app for a process whose parent deals with Ctrl-C and a closed terminal, and ends it by SIGTERM."""
    for number in (signal.SIGINT, *HANG_UP):
        signal.signal(number, signal.SIG_IGN)
    return app()


class _Config(uvicorn.Config):
    """uvicorn's configuration and ours, which go to other processes together."""

    def __init__(self, app: str | ASGIApplication, how: Serving, **options: Any) -> None:
        protocol = PROTOCOL if find_spec("httptools") else "auto"
        options |= how.sockets.options()
        options.setdefault("log_config", _logging(how.log_level))
        super().__init__(app, http=protocol, timeout_keep_alive=how.limits.keep_alive, **options)
        self.limits = how.limits


def _logging(level: str) -> dict[str, Any]:
    """Return uvicorn's configuration of logging, and ours for what the shop itself has to say."""
    ours = {"handlers": ["default"], "level": level.upper(), "propagate": False}
    return {**LOGGING_CONFIG, "loggers": {**LOGGING_CONFIG["loggers"], "shop_graphql": ours}}


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the app in order even when a second Ctrl-C cut the requests short, which uvicorn does not."""
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()


class _Workers(Multiprocess):
    _have_served = False

    def keep_subprocess_alive(self) -> None:
        """Start a worker again that did not start, once any has: then it is the database that is away for a moment.

        uvicorn takes it for a broken app and ends the others too.
        """
        if self.should_exit.is_set():
            return
        self._have_served = self._have_served or any(
            worker.process.is_alive() and worker.is_ready() for worker in self.processes
        )
        super().keep_subprocess_alive()
        if self._have_served and any(worker.exitcode == STARTUP_FAILURE for worker in self.processes):
            self.should_exit.clear()
            self.processes = [self._again(worker) for worker in self.processes]

    def _again(self, worker: Process) -> Process:
        if worker.exitcode != STARTUP_FAILURE:
            return worker
        logger.info("Child process [%s] is replaced, since the app has started before", worker.pid)
        successor = Process(self.config, self.sockets)
        successor.start()
        return successor

    def handle_hup(self) -> None:
        """End when the terminal is closed, instead of starting new workers that nobody would ever end."""
        self.should_exit.set()

    def run(self) -> None:
        """Raise SystemExit when it was not a signal that ended it."""
        super().run()
        if any(worker.exitcode == STARTUP_FAILURE for worker in self.processes):
            raise SystemExit(STARTUP_FAILURE)


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == EADDRINUSE:
        return f"Port {port} of {host} is in use; choose another one with --port."
    if error.errno == EACCES:
        return f"Port {port} is for root only; choose one above 1023 with --port."
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
    return f"Cannot listen on {host}: {reason}; choose an address of this machine with --host."
