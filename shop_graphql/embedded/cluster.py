"""One PostgreSQL data folder: made, started and stopped. Callers see to it that one process at a time does so."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from shop_graphql.embedded import accounts, programs
from shop_graphql.errors import StartupError

PORT = 5432
"""Part of the name of the socket. Nothing listens on the network."""

START_TIMEOUT = 120
"""Seconds. The first start after a power cut reads the log back and takes longer than any other."""

STOP_TIMEOUT = 20
"""Seconds for a stop that writes everything down; after that a stop that leaves it to the next start."""

_children: dict[Path, subprocess.Popen[bytes]] = {}
"""The servers that this process started, by their data folders. A child stays a zombie until it is waited for."""


def create(cluster: Path, *, durable: bool) -> None:
    """Make the data folder `cluster` unless it is there: UTF-8, and the same order of text on every machine.

    It appears whole or not at all. Raises StartupError, OSError.
    """
    if (cluster / "PG_VERSION").exists():
        return
    if cluster.exists() and any(cluster.iterdir()):
        raise StartupError(f"{cluster} is not a PostgreSQL data folder.")
    unfinished = cluster.with_name(cluster.name + ".new")
    rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    accounts.give_away(unfinished)
    locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    sync = [] if durable else ["--no-sync"]
    initdb = subprocess.run(  # noqa: S603
        [
            programs.find("initdb"),
            "-D",
            unfinished,
            "-U",
            "postgres",
            "--auth=trust",
            "--no-instructions",
            *locale,
            *sync,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        env=programs.environment(),
        start_new_session=True,
        check=False,
        **accounts.owner(unfinished),
    )
    if initdb.returncode != 0:
        rmtree(unfinished, ignore_errors=True)
        raise StartupError(f"PostgreSQL could not set up {cluster}: {programs.complaint(initdb.stderr)}.")
    unfinished.rename(cluster)


def start(cluster: Path, log: Path, options: Mapping[str, str]) -> Path:
    """Start PostgreSQL in `cluster`, wait until it answers and return the folder of its socket.

    It runs in a session of its own, so that Ctrl-C in the terminal ends this program and not, before it, the database.
    Raises StartupError, OSError.
    """
    programs.check_version(cluster)
    accounts.open_way(cluster)
    # Nothing answered on the socket, so whatever has the pids in these files now is not our server. Should there be one
    # after all, PostgreSQL notices its shared memory and refuses to start.
    for stale in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
        (cluster / stale).unlink(missing_ok=True)
    sockets = _socket_folder(cluster)
    options = {"port": str(PORT), "listen_addresses": "", "unix_socket_directories": str(sockets), **options}
    try:
        _launch(cluster, log, options)
        _wait_until_ready(_children[cluster], cluster, log)
    except BaseException:
        _stop_child(cluster)
        _remove(sockets, cluster)
        raise
    return sockets


def _launch(cluster: Path, log: Path, options: Mapping[str, str]) -> None:
    # An exception out of a signal handler must not come between the birth of the process and its entry in the list.
    # The child inherits the blocked signals; PostgreSQL begins by setting its own.
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        with log.open("wb") as output:
            _children[cluster] = subprocess.Popen(  # noqa: S603
                [programs.find("postgres"), "-D", cluster, *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=programs.environment(),
                start_new_session=True,
                **accounts.owner(cluster),
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def running(cluster: Path) -> Path | None:
    """Return the folder of the socket of the server that runs in `cluster`, or None when there is none."""
    server = _server(cluster)
    return server[1] if server else None


def stop(cluster: Path) -> None:
    """Stop the server that runs in `cluster`, if any, and wait until it has."""
    server = _server(cluster)
    if not _stop_child(cluster) and server is not None:
        _stop_other(cluster, server[0])
    if server is not None:
        _remove(server[1], cluster)


def _stop_child(cluster: Path) -> bool:
    """Stop the server if this process started it, and tell whether it did."""
    child = _children.get(cluster)
    if child is None:
        return False
    was_running = child.poll() is None
    if was_running:
        _end(child.pid, lambda: child.poll() is not None)
    if child.poll() is not None:
        del _children[cluster]
    return was_running


def _stop_other(cluster: Path, pid: int) -> None:
    """The last that a server does is to remove its pid file, unless it is killed."""
    _end(pid, lambda: not _exists(pid) or not (cluster / "postmaster.pid").exists())


def _end(pid: int, has_ended: Callable[[], bool]) -> None:
    """Ask for a stop that writes everything down and, when that takes too long, for one that leaves it to the log."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + STOP_TIMEOUT
        while not has_ended() and time.monotonic() < deadline:
            time.sleep(0.02)
        if has_ended():
            return


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _remove(sockets: Path, cluster: Path) -> None:
    if sockets != cluster:
        rmtree(sockets, ignore_errors=True)


def _server(cluster: Path) -> tuple[int, Path] | None:
    """The pid file alone proves nothing: only a server that listens on the socket it names is running."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, sockets = int(lines[0]), Path(lines[4])
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(sockets / f".s.PGSQL.{PORT}"))
    except (OSError, IndexError, ValueError):
        return None
    return pid, sockets


def _wait_until_ready(process: subprocess.Popen[bytes], cluster: Path, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _says_ready(cluster):
        if process.poll() is not None:
            raise StartupError(f"PostgreSQL did not start in {cluster}: {programs.complaint(log.read_bytes())}.")
        if time.monotonic() > deadline:
            raise StartupError(f"PostgreSQL did not start in {cluster} within {START_TIMEOUT} seconds; see {log}.")
        time.sleep(0.02)


def _says_ready(cluster: Path) -> bool:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _socket_folder(cluster: Path) -> Path:
    """A socket's path is short, and PostgreSQL and SQLAlchemy split such lists at commas."""
    if len(os.fsencode(cluster)) < 80 and not set(",\"'") & set(str(cluster)):
        return cluster
    folder = Path(tempfile.mkdtemp(prefix="shop-"))
    accounts.give_away(folder)
    return folder
