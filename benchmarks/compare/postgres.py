"""One PostgreSQL for all, and in it a database of the peers and one of the shop, filled with the same rows.

Each is made once, and copied afresh for every run.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from benchmarks.compare.catalogue import FOLDER, ROOT, Kind, Server
from benchmarks.compare.folders import CLUSTER, LOGS
from benchmarks.compare.processes import free_port
from shop_graphql import migration
from shop_graphql.embedded import cluster
from shop_graphql.errors import StartupError
from shop_graphql.sample.loading import HISTORY

DATA = FOLDER / "data"
ORDERS = 100_000
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "400",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
LOADING = "SET synchronous_commit = off; SET session_replication_role = replica; SET work_mem = '256MB';"
"""The rows refer to each other rightly, so foreign keys need not be checked one by one."""


@dataclass(frozen=True)
class Postgres:
    """The server, while it runs."""

    port: int
    pid: int

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, database: str, *scripts: str) -> None:
        """Run SQL scripts in one session. Raises StartupError."""
        asyncio.run(self._execute(database, scripts))

    def orders(self, server: Server) -> int:
        """Return how many orders are in the database of a server."""
        return self.value(database_of(kind_of(server)), "SELECT count(*) FROM orders")

    def value(self, database: str, query: str) -> int:
        """Return the one number that a query gives."""
        return asyncio.run(self._value(database, query))

    async def _execute(self, database: str, scripts: tuple[str, ...]) -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            for script in scripts:
                await connection.execute(script)
        except asyncpg.PostgresError as error:
            raise StartupError(f"The database {database} could not be filled: {error}") from None
        finally:
            await connection.close()

    async def _value(self, database: str, query: str) -> int:
        connection = await asyncpg.connect(self.url(database))
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()


def kind_of(server: Server) -> str:
    """Return whose tables a server has: those of the `shop` or those of the `peers`."""
    return "shop" if server.kind is Kind.SHOP else "peers"


def database_of(kind: str) -> str:
    """Return the name of the database that a run uses up."""
    return f"bench_{kind}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run the server. It listens on this machine only, without a password: nothing but made-up rows is in it."""
    cluster.create(CLUSTER, durable=True)
    port = free_port()
    try:
        cluster.start(CLUSTER, LOGS / "postgres.log", OPTIONS | {"port": str(port)})
        yield Postgres(port, int((CLUSTER / "postmaster.pid").read_text().split("\n", 1)[0]))
    finally:
        cluster.stop(CLUSTER)


def copies(server: Postgres, kinds: set[str], say: Callable[[str], None], orders: int = ORDERS) -> dict[str, str]:
    """Return the URLs of fresh databases: of the `peers`, of the `shop`, or of both."""
    urls = {}
    for kind in sorted(kinds):
        template, name = _template(server, kind, say, orders), database_of(kind)
        server.execute("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        urls[kind] = server.url(name)
    server.execute("postgres", "CHECKPOINT")
    return urls


def _template(server: Postgres, kind: str, say: Callable[[str], None], orders: int) -> str:
    prefix = f"{kind}_{orders}_"
    name = prefix + _digest(kind)
    if server.value("postgres", f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"):  # noqa: S608
        return name
    say(f"Loading {orders:,} orders for the {'shop' if kind == 'shop' else 'peers'}")
    unfinished = f"{prefix}new"
    old = asyncio.run(_names(server, prefix))
    for database in old:
        server.execute("postgres", f"DROP DATABASE {database} WITH (FORCE)")
    server.execute("postgres", f"CREATE DATABASE {unfinished}")
    if kind == "shop":
        migration.upgrade(server.url(unfinished))
    else:
        server.execute(unfinished, (DATA / "peers_schema.sql").read_text())
    size, rows = f"SET bench.orders = {orders};", (DATA / "rows.sql").read_text()
    server.execute(unfinished, LOADING, size, rows, (DATA / f"{kind}_rows.sql").read_text(), *_history(kind))
    server.execute(unfinished, "VACUUM (ANALYZE, FREEZE)")
    server.execute("postgres", f"ALTER DATABASE {unfinished} RENAME TO {name}")
    return name


def _history(kind: str) -> tuple[str, ...]:
    return HISTORY if kind == "shop" else ()


def _digest(kind: str) -> str:
    files = [DATA / "rows.sql", *sorted(DATA.glob(f"{kind}_*.sql"))]
    files += sorted((ROOT / "migrations" / "versions").glob("*.py")) if kind == "shop" else []
    text = "".join(path.read_text() for path in files) + "".join(_history(kind))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def _names(server: Postgres, prefix: str) -> list[str]:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        return [row["datname"] for row in await connection.fetch(query, prefix)]
    finally:
        await connection.close()
