"""A PostgreSQL of the harness's own that can be made to crash."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from shop_graphql import embedded, migration
from shop_graphql.embedded import cluster
from shop_graphql.embedded.sharing import OPTIONS
from shop_graphql.errors import StartupError


class Postgres:
    """A durable PostgreSQL with the tables of the shop, in a folder that goes away with it."""

    def __init__(self, home: Path, url: str) -> None:
        self._home = home
        self._folder = home / "postgres"
        self.url = url
        self.log = ""

    async def crash(self, pause: float) -> None:
        """End it as a power cut would, writing nothing down, and start it `pause` seconds later."""
        os.kill(self.pid, signal.SIGQUIT)
        await self.restart(pause)

    async def restart(self, pause: float = 0) -> None:
        """Shut it down unless it is, and start it `pause` seconds later."""
        await asyncio.to_thread(cluster.stop, self._folder)
        await asyncio.sleep(pause)
        await asyncio.to_thread(cluster.start, self._folder, self._home / "log", OPTIONS)

    async def kill(self) -> None:
        """Kill it with SIGKILL, and start it as soon as the last of its processes has noticed."""
        os.kill(self.pid, signal.SIGKILL)
        for _ in range(100):
            try:
                return await self.restart()
            except StartupError:
                await asyncio.sleep(0.1)
        raise RuntimeError("PostgreSQL does not start any more")

    @property
    def pid(self) -> int:
        """Its first process."""
        return int((self._folder / "postmaster.pid").read_text().splitlines()[0])

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return cluster.running(self._folder) is not None

    async def terminate_backends(self, share: float) -> None:
        """Cut this share of the server's connections, whatever they are doing."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(self.url, timeout=2)
            try:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'shop-graphql' AND random() < $1",
                    share,
                )
            finally:
                await connection.close(timeout=1)


@contextmanager
def postgres(place: Path | None = None) -> Iterator[Postgres]:
    """Start a PostgreSQL that survives crashes, make the tables, and remove it all in the end."""
    with TemporaryDirectory(prefix="chaos-", dir=place) as folder, embedded.server(Path(folder)) as server:
        url = server.database("shop")
        migration.upgrade(url)
        yield Postgres(Path(folder), url)
