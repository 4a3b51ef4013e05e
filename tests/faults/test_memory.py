"""A worker that really grows too large is replaced, and nobody notices but whoever watches it."""

import asyncio
import json
import re
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shop_graphql.database import Database
from shop_graphql.pulse import MIB, memory
from tests.chaos.server import Server, admin, server
from tests.factories import Factory

ROOM = 64
"""MiB that a worker may grow."""

LARGE = "{ products(first: 48) { nodes { description } } }"
FRESH = httpx.Limits(max_keepalive_connections=0)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture(scope="module")
def usual(database_url: str) -> int:
    """The MiB of a worker that has answered something."""
    with server(database_url, workers=1) as shop:
        asyncio.run(shop.wait())
        asyncio.run(_ask_much(shop))
        return memory(shop.workers()[0]) // MIB


async def _ask_much(shop: Server) -> None:
    async with httpx.AsyncClient(base_url=shop.address, headers=admin()) as http:
        for _ in range(50):
            assert await _read(http) == "200"


async def _read(http: httpx.AsyncClient) -> str:
    try:
        response = await http.post("/graphql", json={"query": "{ products { nodes { id name } } }"})
    except httpx.TransportError as error:
        return repr(error)
    return str(response.status_code)


@pytest.fixture
def shop(database_url: str, usual: int) -> Iterator[Server]:
    limits = {"SHOP_MEMORY_LIMIT": str(usual + ROOM), "SHOP_DRAIN_DELAY": "4"}
    with server(database_url, workers=2, **limits) as shop:
        asyncio.run(shop.wait())
        yield shop


async def test_a_worker_that_outgrows_its_limit_is_replaced_and_no_request_fails(
    shop: Server, database: Database, make: Factory
) -> None:
    category = await make.category()
    for _ in range(48):
        await make.product(category=category)
    async with database.transaction() as session:
        await session.execute(text("UPDATE products SET description = repeat('x', 100000)"))
    while len(before := shop.workers()) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    stop, met, readiness = asyncio.Event(), Counter[str](), Counter[int]()

    async def read(limits: httpx.Limits) -> None:
        async with httpx.AsyncClient(base_url=shop.address, headers=admin(), limits=limits, timeout=20) as http:
            while not stop.is_set():
                met[await _read(http)] += 1
                await asyncio.sleep(0.005)

    async def watch() -> None:
        async with httpx.AsyncClient(base_url=shop.address, limits=FRESH, timeout=20) as http:
            while not stop.is_set():
                readiness[(await http.get("/ready")).status_code] += 1
                await asyncio.sleep(0.02)

    everybody = [*(read(FRESH) for _ in range(4)), read(httpx.Limits()), watch()]
    people = [asyncio.create_task(person) for person in everybody]
    async with asyncio.timeout(60):
        with _grown(shop, before[0]) as growing:
            while not readiness[503]:
                next(growing)
                await asyncio.sleep(0.05)
        while len(_replaced(shop)) == 0 or len(shop.workers()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*people)
    (ended,) = _replaced(shop)
    assert ended == before[0]
    assert f"Finished server process [{ended}]" in shop.said()
    assert readiness.keys() == {200, 503}
    assert met.keys() == {"200"}, met
    assert met["200"] > 100
    assert "Traceback" not in shop.said()


@contextmanager
def _grown(shop: Server, pid: int) -> Iterator[Iterator[None]]:
    """Open connections on which a large answer waits that nobody reads, one each time, and close them in the end.

    Which worker takes one is the kernel's choice; those that another takes are closed at once.
    """
    host, port = shop.address.removeprefix("http://").split(":")
    body = json.dumps({"query": LARGE}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"

    def opened(connections: ExitStack) -> Iterator[None]:
        while True:
            connection = connections.enter_context(socket.create_connection((host, int(port))))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
            while not any(_has_taken(each, connection) for each in shop.workers()):
                yield
            if _has_taken(pid, connection):
                connection.sendall(f"{head}\r\n\r\n".encode() + body)
            else:
                connection.close()
            yield

    with ExitStack() as connections:
        yield opened(connections)


def _has_taken(pid: int, connection: socket.socket) -> bool:
    """Tell whether a process has the other end of a connection."""
    ports = connection.getpeername()[1], connection.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *rest = line.split()
        if (int(local[-4:], 16), int(remote[-4:], 16)) == ports:
            with suppress(FileNotFoundError):  # it closes something, or ends, in this moment
                return any(str(file.readlink()) == f"socket:[{rest[6]}]" for file in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _replaced(shop: Server) -> set[int]:
    return {int(pid) for pid in re.findall(r"Child process \[(\d+)\] died", shop.said())}
