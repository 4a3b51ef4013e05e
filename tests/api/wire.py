"""The wire between the server and PostgreSQL, in the hands of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url


class Wire:
    """Passes bytes on to the database of `url`, until it is cut or falls silent."""

    def __init__(self, url: str) -> None:
        target = make_url(url)
        self._sockets = target.query.get("host")
        self._host, self._port = target.host, int(target.query.get("port") or target.port or 5432)  # type: ignore[arg-type]
        self._target = target.difference_update_query(["host", "port"])
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.silent = False
        self.port = 0

    @property
    def url(self) -> str:
        """The database as it is reached through the wire."""
        return self._target.set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.silent:
            return
        if isinstance(self._sockets, str):
            path = f"{self._sockets}/.s.PGSQL.{self._port}"
            server_reader, server_writer = await asyncio.open_unix_connection(path)
        else:
            server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        self._writers.add(server_writer)
        await asyncio.gather(_pass_on(reader, server_writer), _pass_on(server_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """Open a wire to the database of `url`, and cut it in the end."""
    wire = Wire(url)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
