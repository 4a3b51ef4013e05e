"""A live server, and the ways to speak with it: bytes, HTTP, WebSockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from tests.attack.frames import CLOSE, Talk, frame, listen
from tests.attack.judging import judge, judge_talk
from tests.attack.wire import Reply, Unfinished, replies
from tests.chaos.server import SECRET, admin

__all__ = ["AWAIT", "HANDSHAKE", "Heard", "Reply", "Step", "Target", "judge", "judge_talk"]

PATH = "/graphql"
PATIENCE = 10.0
"""Seconds after which there is no answer."""
ENDLESS = 10**9
JSON = {"content-type": "application/json"}
HANDSHAKE = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "graphql-transport-ws",
}

AWAIT = None
"""A step of a talk: wait until the server has said something more."""

Step = bytes | float | None
"""What is sent, seconds to wait, or AWAIT."""


@dataclass(frozen=True)
class Heard:
    """All that came over a connection, and whether the server has closed it."""

    data: bytes
    is_closed: bool
    is_head: bool = False

    @property
    def replies(self) -> list[Reply]:
        """The answers; one that is not whole is left out. Raises Malformed."""
        with suppress(Unfinished):
            return replies(self.data, is_closed=self.is_closed, is_head=self.is_head)
        return []

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        try:
            return bool(replies(self.data, is_closed=self.is_closed, is_head=self.is_head))
        except Unfinished:
            return False


@dataclass(frozen=True)
class Target:
    """A server to attack, and what is known of its shop: `names` are filled into what is sent, see `filled`."""

    host: str
    port: int
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, address: str, names: Mapping[str, str] | None = None) -> "Target":
        """Return the server at a URL."""
        url = urlsplit(address)
        assert url.hostname
        return cls(url.hostname, url.port or 80, names or {})

    @property
    def admin(self) -> dict[str, str]:
        """Headers of somebody who may do everything."""
        return admin()

    @property
    def customer(self) -> dict[str, str]:
        """Headers of a customer, user_1 unless `names` has another."""
        return self.user(self.names.get("customer", "user_1"))

    def user(self, id: str, role: Role = Role.CUSTOMER) -> dict[str, str]:
        """Return the headers of somebody who is signed in."""
        return {"authorization": f"Bearer {Tokens([SECRET]).issue(int(id.partition('_')[2]), role)}"}

    def headers(self, who: str | None) -> dict[str, str]:
        """Return the headers of `admin`, of `customer`, or of nobody."""
        return {"admin": self.admin, "customer": self.customer}[who] if who else {}

    def filled(self, data: bytes) -> bytes:
        """Return what is sent, with a name in place of each `<<name>>`."""
        for name, value in self.names.items():
            data = data.replace(f"<<{name}>>".encode(), value.encode())
        return data

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection for the block."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=2**24)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def exchange(
        self,
        *pieces: bytes,
        answers: int = 1,
        pause: float = 0.0,
        patience: float = PATIENCE,
        linger: float = 0.0,
        is_head: bool = False,
    ) -> Heard:
        """Send bytes as they are, in pieces; return what comes until so many answers are whole, or nothing comes.

        Afterwards listen for `linger` seconds more, in which nothing ought to come.
        """
        async with self.connection() as (reader, writer):
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
            heard = Heard(b"", is_closed=False, is_head=is_head)
            heard = await _hear(reader, heard, answers, patience)
            return await _hear(reader, heard, ENDLESS, linger) if linger else heard

    async def http(
        self,
        method: str = "POST",
        path: str = PATH,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        patience: float = PATIENCE,
    ) -> Reply:
        """Ask once and return the answer; one of the status 0 when there was none."""
        heard = await self.exchange(
            self.head(method, path, headers, len(body)) + body, patience=patience, is_head=method == "HEAD"
        )
        found = heard.replies
        return found[0] if found else Reply()

    def head(self, method: str, path: str, headers: Mapping[str, str] | None = None, length: int = 0) -> bytes:
        """Return the head of a request, with `Host` and `Content-Length` unless `headers` have these."""
        named = {"host": f"{self.host}:{self.port}", **(headers or {})}
        if length and "content-length" not in named and "transfer-encoding" not in named:
            named["content-length"] = str(length)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send an operation, with names filled in."""
        body = self.filled(json.dumps({"query": query, "variables": variables or {}}).encode())
        return await self.http(headers={**JSON, **(headers or {})}, body=body)

    async def talk(
        self,
        steps: Sequence[Step] = (),
        headers: Mapping[str, str] | None = None,
        *,
        messages: int | None = None,
        patience: float = PATIENCE,
    ) -> Talk:
        """Open a WebSocket, take steps, and listen until the server closes or has sent so many messages."""
        talk = Talk()
        async with self.connection() as (reader, writer):
            writer.write(self.head("GET", PATH, HANDSHAKE | dict(headers or {})))
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(patience):
                    await _handshake(reader, talk)
                    if talk.handshake.status == 101:
                        await _converse(self, reader, writer, talk, steps, messages)
        return talk


async def _hear(reader: asyncio.StreamReader, heard: Heard, answers: int, patience: float) -> Heard:
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not heard.is_closed and not (heard.is_whole and len(heard.replies) >= answers):
                try:
                    piece = await reader.read(2**20)
                except ConnectionError:
                    piece = b""
                heard = Heard(heard.data + piece, not piece, heard.is_head)
    return heard


async def _handshake(reader: asyncio.StreamReader, talk: Talk) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        found = replies(head + await reader.read(), is_closed=True)
        talk.handshake = found[0]
        return
    talk.handshake = replies(head, is_closed=False)[0]


async def _converse(
    target: Target,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    talk: Talk,
    steps: Sequence[Step],
    messages: int | None,
) -> None:
    for step in steps:
        if step is AWAIT:
            await listen(reader, talk)
        elif isinstance(step, float):
            await asyncio.sleep(step)
        else:
            writer.write(step)
            with suppress(ConnectionError):
                await writer.drain()
    while talk.close is None and (messages is None or len(talk.messages) < messages):
        await listen(reader, talk)
    if talk.close is None:
        writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
