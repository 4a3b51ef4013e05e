"""Clients that do not read what they have asked for, and those that read slowly, on real sockets."""

import asyncio
import gc
import json
import math
import socket
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from shop_graphql.database import Database
from tests.api.live import Live, live, until
from tests.factories import Factory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell who reads nothing")

CLIENTS = 8
ANSWER = "{ products(first: 48) { nodes { description stockQuantity } } }"
EVENT = "subscription { productChanged(ids: [%s]) { product { description stockQuantity } } }"
LENGTH = 100_000


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Live]:
    async with live(database_url, send_timeout=1, heartbeat=0.2) as running:
        yield running


@pytest.fixture
async def ids(database: Database, make: Factory) -> list[int]:
    """The products of an answer of 4.8 MB."""
    category = await make.category()
    made = [(await make.product(category=category)).id for _ in range(48)]
    await run(database, f"UPDATE products SET description = repeat('x', {LENGTH})")
    return made


async def run(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


async def asking(server: Live, query: str, accept: str = "application/json") -> socket.socket:
    """Send a request, on a connection that takes a few KiB before anybody reads."""
    asked = socket.socket()
    asked.setblocking(False)
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(asked, ("127.0.0.1", server.port))
    body = json.dumps({"query": query}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: shop\r\naccept: {accept}\r\ncontent-type: application/json\r\n"
    await loop.sock_sendall(asked, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return asked


async def read(asked: socket.socket, wait: float = 0, enough: float = math.inf) -> int:
    """Read to the end or until there is enough, waiting after each piece; return how many bytes there were."""
    loop, count = asyncio.get_running_loop(), 0
    with suppress(ConnectionError):
        while count < enough and (piece := await loop.sock_recv(asked, 65_536)):
            count += len(piece)
            await asyncio.sleep(wait)
    return count


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_answers_that_nobody_reads_are_let_go_with_their_connections(server: Live, ids: list[int]) -> None:
    tracemalloc.start()
    before, opened = tracemalloc.get_traced_memory()[0], descriptors()
    with ExitStack() as clients:
        began = time.monotonic()
        for _ in range(CLIENTS):
            clients.enter_context(await asking(server, ANSWER))
        await until(lambda: tracemalloc.get_traced_memory()[0] - before > CLIENTS * len(ids) * LENGTH / 5)
        held = time.monotonic()
        assert len(server.connections) == CLIENTS
        await until(lambda: not server.connections)
        assert time.monotonic() - began >= 1
        assert time.monotonic() - held < 4
    gc.collect()
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert left < len(ids) * LENGTH
    assert descriptors() <= opened + 12  # what the pools keep of their connections to PostgreSQL


async def test_who_reads_slowly_but_steadily_gets_the_whole_answer(server: Live, ids: list[int]) -> None:
    with await asking(server, ANSWER) as asked:
        began = time.monotonic()
        assert await read(asked, wait=0.05) > len(ids) * LENGTH
        assert time.monotonic() - began > 3


async def test_who_reads_a_part_and_then_stands_still_is_cut_off(server: Live, ids: list[int]) -> None:
    with await asking(server, ANSWER) as asked:
        assert await asyncio.get_running_loop().sock_recv(asked, 1_000)
        await until(lambda: not server.connections)
        assert await read(asked) < len(ids) * LENGTH


async def test_a_stream_that_nobody_reads_is_ended_with_what_it_held(
    server: Live, database: Database, ids: list[int]
) -> None:
    named = ", ".join(f'"prod_{id}"' for id in ids)
    with await asking(server, EVENT % named, "text/event-stream"):
        await until(lambda: len(server.app.state.watches) == 1)
        connection = next(iter(server.connections))
        await until(lambda: connection.flow.write_paused)
        assert connection.transport.get_write_buffer_size() < 65_536 + 2 * LENGTH
        await until(lambda: not server.connections and not len(server.app.state.watches))
    assert not len(server.app.state.listeners)


async def test_a_stream_whose_client_reads_slowly_goes_on(server: Live, ids: list[int]) -> None:
    named = ", ".join(f'"prod_{id}"' for id in ids)
    with await asking(server, EVENT % named, "text/event-stream") as asked:
        began, enough = time.monotonic(), len(ids) * LENGTH
        assert await read(asked, wait=0.05, enough=enough) >= enough
        assert time.monotonic() - began > 3
        assert len(server.app.state.watches) == 1
    await server.are_gone()
