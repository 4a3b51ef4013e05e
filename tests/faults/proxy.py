"""The wire between the server and PostgreSQL, in the hands of a test: cut, silent, slow or refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

CHUNK = 65536


class Proxy:
    """Passes bytes on to the database of `url`, as well as it is told to."""

    def __init__(self, url: str) -> None:
        self.lead_to(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.latency = 0.0
        """Seconds by which whatever passes is late."""
        self.rate = 0.0
        """Bytes that pass in a second, on each connection and in each direction; 0: as many as there are."""
        self.port = 0

    def lead_to(self, url: str) -> None:
        """Lead new connections to the database of `url`; those that are open stay where they are."""
        target = make_url(url)
        self._sockets = target.query.get("host")
        self._host, self._port = target.host, int(target.query.get("port") or target.port or 5432)  # type: ignore[arg-type]
        self._target = target.difference_update_query(["host", "port"])

    @property
    def url(self) -> str:
        """The database as it is reached through the wire."""
        return self._target.set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    @property
    def silent(self) -> bool:
        """Whether nothing passes, though connections seem to be open and new ones can be made."""
        return not self._speaks.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._speaks.clear()
        else:
            self._speaks.set()

    async def mend(self) -> None:
        """Let connections through again, at full speed."""
        self.silent, self.latency, self.rate = False, 0.0, 0.0
        if self._server is None:
            self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Let no new connection through."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        await self.refuse()
        await self.snap()

    async def snap(self) -> None:
        """Break all connections; new ones can be made at once."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError):
            await self._speaks.wait()
            server_reader, server_writer = await self._reach()
            self._writers.add(server_writer)
            await asyncio.gather(self._pass_on(reader, server_writer), self._pass_on(server_reader, writer))
            self._writers.discard(server_writer)
        self._writers.discard(writer)
        writer.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._sockets, str):
            return await asyncio.open_unix_connection(f"{self._sockets}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, self._port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if self.latency:
                    await asyncio.sleep(self.latency)
                await self._write(data, writer)
        writer.close()

    async def _write(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while data:
            await self._speaks.wait()
            size = max(1, int(self.rate / 20)) if self.rate else CHUNK
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            if self.rate:
                await asyncio.sleep(len(piece) / self.rate)


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Open a wire to the database of `url`, and cut it in the end."""
    proxy = Proxy(url)
    await proxy.mend()
    try:
        yield proxy
    finally:
        proxy.silent = False
        await proxy.cut()
