"""Clients that take their time: each must be sent away after the seconds that the settings allow by default.

These attacks take as long, so they are not among the quick ones.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.attack.frames import TEXT, frame, message
from tests.attack.named.kinds import Attack, Scripted, refused
from tests.attack.target import AWAIT, HANDSHAKE, JSON, Target, judge, judge_talk

LONGEST = 9.0
"""Seconds after which a client that sends nothing whole must be gone: SHOP_HEAD_TIMEOUT and the like, and some."""

CLOSING = b"\x88"
"""How a frame begins that ends a WebSocket; for its answer the server waits some seconds more."""

GET = b"GET /health HTTP/1.1\r\nhost: shop\r\n"
POST = b"POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n"


@dataclass(frozen=True)
class Slow:
    """Sends a beginning at once, then a byte again and again, and waits until the server ends it."""

    name: str
    begin: bytes
    drip: bytes = b""
    every: float = 0.5

    async def against(self, target: Target) -> list[str]:
        """Do so."""
        began = time.monotonic()
        async with target.connection() as (reader, writer):
            writer.write(self.begin)
            dripping = asyncio.create_task(self._drip(writer))
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(LONGEST):
                    while (said := await reader.read(2**20)) and not said.startswith(CLOSING):
                        pass
            dripping.cancel()
        seconds = time.monotonic() - began
        return [] if seconds < LONGEST else [f"the connection is still open after {seconds:.0f} seconds"]

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        while self.drip:
            await asyncio.sleep(self.every)
            writer.write(self.drip)


def _upgrade(**headers: str) -> bytes:
    named = HANDSHAKE | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in {"host": "shop", **named}.items()]
    return "\r\n".join(["GET /graphql HTTP/1.1", *lines, "", ""]).encode()


_ROWS: Mapping[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "one-byte": (b"G", b""),
    "slowloris-line": (b"GET /", b"a"),
    "slowloris-headers": (GET, b"x: y\r\n"),
    "slowloris-value": (GET + b"x: ", b"a"),
    "slow-body": (POST + b"content-length: 1000\r\n\r\n", b" "),
    "silent-body": (POST + b"content-length: 1000\r\n\r\n{", b""),
    "slow-chunks": (POST + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "slow-chunk-size": (POST + b"transfer-encoding: chunked\r\n\r\n", b"0"),
    "slow-extension": (POST + b"transfer-encoding: chunked\r\n\r\n1;", b"a"),
    "slow-trailers": (POST + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n"),
    "expects-to-go-on": (POST + b"content-length: 10\r\nexpect: 100-continue\r\n\r\n", b""),
    "empty-lines": (b"\r\n", b"\r\n"),
    "idle-after-an-answer": (GET + b"\r\n", b""),
    "half-a-handshake": (_upgrade()[:-2], b""),
    "handshake-and-silence": (_upgrade(), b""),
    "handshake-and-half-a-frame": (_upgrade() + b"\x81", b""),
    "handshake-and-a-slow-frame": (_upgrade() + b"\x81\xfe\xff\xff\0\0\0\0", b" "),
    "handshake-and-pings": (_upgrade(), frame(TEXT, b'{"type":"ping"}')),
    "handshake-and-empty-pieces": (_upgrade() + frame(TEXT, b"", fin=False), frame(0, b"", fin=False)),
    "no-handshake": (_upgrade(x="a" * 9000), b""),
    "tls": (b"\x16\x03\x01", b""),
}


@asynccontextmanager
async def _held(target: Target, count: int, begin: bytes) -> AsyncIterator[None]:
    """Hold connections on which nothing is whole open inside the block."""
    opened = await asyncio.gather(*(asyncio.open_connection(target.host, target.port) for _ in range(count)))
    for _, writer in opened:
        writer.write(begin)
    try:
        yield
    finally:
        for _, writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0.5)  # until the server has noticed


async def _half_open(target: Target) -> list[str]:
    """Open more connections than a worker keeps, none of which sends a whole request: others must be answered."""
    async with _held(target, 900, b"POST /graphql HTTP/1.1\r\n"):
        replies = [await target.graphql("{ __typename }") for _ in range(20)]
    return [complaint for reply in replies for complaint in judge(reply)]


async def _no_handshakes(target: Target) -> list[str]:
    """Open as many by handshakes that are none."""
    async with _held(target, 900, _upgrade(x="a" * 9000)):
        replies = [await target.graphql("{ __typename }") for _ in range(20)]
    return [complaint for reply in replies for complaint in judge(reply)]


async def _unread_answers(target: Target) -> list[str]:
    """Ask again and again over connections whose answers are never read: others must be answered."""
    query = json.dumps({"query": "{ __schema { types { name description fields { name description } } } }"}).encode()
    request = target.head("POST", "/graphql", JSON, len(query)) + query
    async with _held(target, 20, request * 10):
        await asyncio.sleep(1)
        replies = [await target.graphql("{ __typename }") for _ in range(20)]
    return [complaint for reply in replies for complaint in judge(reply)]


async def _many_streams(target: Target) -> list[str]:
    """Begin one stream more than an address may have open."""
    body = json.dumps({"query": 'subscription { productChanged(ids: ["prod_0"]) { productId } }'}).encode()
    request = target.head("POST", "/graphql", {**JSON, "accept": "text/event-stream"}, len(body)) + body
    async with _held(target, 100, request):
        await asyncio.sleep(1)
        reply = (await target.exchange(request)).replies[0]
    return judge(reply) + refused("TOO_MANY_CONNECTIONS", status=429)(reply)


async def _many_sockets(target: Target) -> list[str]:
    """Open one WebSocket more than a user may have open."""
    init = message(type="connection_init")
    opened = [asyncio.create_task(target.talk([init, AWAIT, 2.0], target.customer, messages=1)) for _ in range(20)]
    await asyncio.sleep(1)
    talk = await target.talk([init], target.customer)
    talks = await asyncio.gather(*opened)
    right = talk.close == 1013 and all(other.types == ["connection_ack"] for other in talks)
    return judge_talk(talk) + ([] if right else [f"it ended with {talk.close}: {[other.types for other in talks]}"])


ATTACKS: Sequence[Attack] = [Slow(f"slow/{name}", begin, drip) for name, (begin, drip) in _ROWS.items()]

CROWDS: Sequence[Attack] = [
    Scripted("crowd/900-half-open", _half_open),
    Scripted("crowd/900-no-handshakes", _no_handshakes),
    Scripted("crowd/unread-answers", _unread_answers),
    Scripted("crowd/101-streams", _many_streams),
    Scripted("crowd/21-sockets-of-a-user", _many_sockets),
]
"""Attacks by so many connections that a worker lets go of others; to be done one after the other."""
