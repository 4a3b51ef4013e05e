"""Programs that the benchmark runs: to their end, or in the background until a block is left."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from shop_graphql.errors import StartupError

START_TIMEOUT = 60
STOP_TIMEOUT = 15

Command = Sequence[str | Path]


def run(command: Command, what: str, *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program to its end and return what it printed. Raises StartupError with its last words.

    It runs in a session of its own, so that all it started ends with it when this process is interrupted.
    """
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise StartupError(f"{what} failed: {os.strerror(error.errno or 0)}.") from None
    try:
        output, complaint = process.communicate()
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        raise StartupError(f"{what} failed: {_last_line(complaint or output)}")
    return output


@contextmanager
def running(command: Command, what: str, log: Path, *, port: int, env: Mapping[str, str], cwd: Path) -> Iterator[int]:
    """Run a web server in the background and yield its process id once it answers. Raises StartupError."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait_for(process, what, log, port)
            yield process.pid
        finally:
            _end(process)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], what: str, log: Path, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(port):
        if process.poll() is not None:
            raise StartupError(f"{what} did not start: {_last_line(log.read_text(errors='replace'))}")
        if time.monotonic() > deadline:
            raise StartupError(f"{what} did not answer within {START_TIMEOUT} seconds; see {log}.")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    """Any answer of HTTP will do: not every server knows this query."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", b'{"query":"{__typename}"}', {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ask the process to end; what is left of its session after that is killed."""
    if process.poll() is None:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."
