"""The scratch folder of the benchmark: what is installed, the databases, the logs. One run at a time uses it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.compare.catalogue import FOLDER
from shop_graphql.errors import StartupError

WORK = FOLDER / ".work"
NPM = WORK / "npm"
NODE = WORK / "node"
VENV = WORK / "venv"
LOGS = WORK / "logs"
CLUSTER = WORK / "postgres"


@contextmanager
def reserved() -> Iterator[None]:
    """Keep the folder for this process. Raises StartupError when another benchmark runs."""
    try:
        LOGS.mkdir(parents=True, exist_ok=True)
        lock = (WORK / "lock").open("ab")
    except OSError as error:
        raise StartupError(f"{WORK} cannot be used: {os.strerror(error.errno or 0)}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError("Another benchmark is running in this clone; wait for its end.") from None
        yield
