"""The embedded PostgreSQL: started with its first user, stopped with its last, whichever processes they are."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import URL

from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings

if sys.platform != "win32":
    import fcntl

    from shop_graphql.embedded import cluster

OPTIONS = {"max_connections": "200", "unix_socket_permissions": "0700", "timezone": "UTC", "log_timezone": "UTC"}
FAST = OPTIONS | {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}

LOCALE = "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
LOCKS = ("users", "turn")


@dataclass(frozen=True)
class Server:
    """An embedded PostgreSQL that runs, known by the folder of its socket."""

    sockets: Path

    def database(self, name: str) -> str:
        """Return the URL of the database `name`, created when missing. Raises StartupError. Not for an event loop."""
        try:
            asyncio.run(_create_database(self.sockets, name))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StartupError(f"The embedded PostgreSQL does not answer: {error}") from None
        query = {"host": str(self.sockets), "port": str(cluster.PORT)}
        return URL.create("postgresql", "postgres", database=name, query=query).render_as_string()


@contextmanager
def server(data_dir: Path, *, durable: bool = True) -> Iterator[Server]:
    """Start the embedded PostgreSQL in `data_dir`, or join the one already there; whoever leaves last stops it.

    It listens on a Unix socket that only the folder's owner can open, and asks for no password: right for a
    developer's shop, not for production. `durable=False` gives up crash safety for speed, for tests.

    Root cannot run PostgreSQL. Started by root it runs as the owner of the folder, or as `nobody` when that is root
    too, and the folders above it and above PostgreSQL's programs are opened to everybody for passing through.

    Raises StartupError, one sentence, when the folder cannot be used or PostgreSQL does not start.
    """
    if sys.platform == "win32":
        raise StartupError("The embedded PostgreSQL needs Linux or macOS; set DATABASE_URL to use another server.")
    home = _prepare(data_dir)
    with (home / "users").open("ab") as users:
        try:
            with _turn(home):
                # The kernel drops the lock of a process that is killed; an entry in a list of users would stay.
                fcntl.flock(users, fcntl.LOCK_SH)
                sockets = _start(home, durable)
            yield Server(sockets)
        finally:
            with _turn(home), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                cluster.stop(home / "postgres")


@contextmanager
def database(settings: Settings, name: str = "shop") -> Iterator[str]:
    """Return the URL of the database that the settings name, or else of the embedded database `name`."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with server(settings.data_dir) as running:
        yield running.database(name)


def _prepare(data_dir: Path) -> Path:
    home = data_dir.expanduser().resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "postgres").exists() and any(_foreign(entry.name) for entry in home.iterdir()):
            raise StartupError(f"The data folder {home} holds other files; choose another one with SHOP_DATA_DIR.")
        for name in LOCKS:
            (home / name).touch()
    except OSError as error:
        raise StartupError(f"The data folder {home} cannot be used: {error.strerror}.") from None
    return home


def _foreign(name: str) -> bool:
    return name not in {*LOCKS, "log", "lost+found", "postgres.new", "secret"} and not name.startswith(".")


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    with (home / "turn").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _start(home: Path, durable: bool) -> Path:
    folder = home / "postgres"
    try:
        cluster.create(folder, durable=durable)
        return cluster.running(folder) or cluster.start(folder, home / "log", OPTIONS if durable else FAST)
    except OSError as error:
        raise StartupError(f"The embedded PostgreSQL cannot use {home}: {error.strerror}.") from None


async def _create_database(sockets: Path, name: str) -> None:
    connection = await _connect(sockets)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {LOCALE}')
    finally:
        await connection.close()


async def _connect(sockets: Path) -> asyncpg.Connection:
    """A server joined while it still reads its log back, after a crash, asks to come again later."""
    deadline = time.monotonic() + cluster.START_TIMEOUT
    while True:
        try:
            return await asyncpg.connect(host=str(sockets), port=cluster.PORT, user="postgres", database="postgres")
        except asyncpg.CannotConnectNowError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
