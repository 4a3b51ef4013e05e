"""A streaming standby of an embedded PostgreSQL, which can be stopped, killed and started."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from shop_graphql.embedded import accounts, programs
from shop_graphql.embedded.sharing import FAST

START_TIMEOUT = 30


class Standby:
    """It runs from the beginning, and reads what its primary writes without delay."""

    def __init__(self, primary: str, folder: Path) -> None:
        url = make_url(primary)
        self._folder = folder
        self.url = url.update_query_dict({"host": str(folder)}).render_as_string()
        self._run("pg_basebackup", "-h", str(url.query["host"]), "-U", "postgres", *BACKUP, "-D", str(folder)).wait(60)
        self.start()

    def start(self) -> None:
        """Start it, and return once it answers."""
        for stale in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self._folder / stale).unlink(missing_ok=True)
        options = FAST | {"listen_addresses": "", "unix_socket_directories": str(self._folder)} | NO_DELAY
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._process = self._run("postgres", "-D", str(self._folder), *arguments)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the standby did not start: {self._log.read_text()}")
            time.sleep(0.02)

    def freeze(self) -> None:
        """Let it fall silent: nothing it runs goes on."""
        self._send_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send_all(signal.SIGCONT)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(START_TIMEOUT)

    def _send_all(self, number: int) -> None:
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for process in (first, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @property
    def _log(self) -> Path:
        return self._folder.with_name("log")

    def _answers(self) -> bool:
        try:
            return (self._folder / "postmaster.pid").read_text().splitlines()[7].strip() in {"ready", "standby"}
        except (OSError, IndexError):
            return False

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(programs.find(program)), *arguments]
        with self._log.open("ab") as log:
            account = accounts.owner(self._folder)
            return subprocess.Popen(
                command, stdout=log, stderr=log, cwd="/", env=programs.environment(), start_new_session=True, **account
            )


BACKUP = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
NO_DELAY = {"max_standby_streaming_delay": "0", "wal_retrieve_retry_interval": "50ms"}


@contextmanager
def standby(primary: str) -> Iterator[Standby]:
    """Make a standby of an embedded PostgreSQL, and remove it in the end."""
    with TemporaryDirectory(prefix="standby-") as home:
        folder = Path(home, "postgres")
        folder.mkdir(mode=0o700)
        accounts.give_away(folder)
        running = Standby(primary, folder)
        try:
            yield running
        finally:
            running.stop(signal.SIGQUIT)
