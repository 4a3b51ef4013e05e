"""A worker that really grows too large is replaced, and nobody notices but whoever watches it."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from shop_graphql.pulse import MIB, memory
from tests.chaos.server import Server, admin, server

ROOM = 24
"""MiB that a worker may grow: less than the texts that are kept of documents take in the end."""

GROWTH = "{ a: __typename " + "products { nodes { id } } " * 200 + "} # %d"
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
    limits = {"SHOP_MEMORY_LIMIT": str(usual + ROOM), "SHOP_DRAIN_DELAY": "1"}
    with server(database_url, workers=2, **limits) as shop:
        asyncio.run(shop.wait())
        yield shop


async def test_a_worker_that_outgrows_its_limit_is_replaced_and_no_request_fails(shop: Server) -> None:
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
    await _grow(shop)
    async with asyncio.timeout(25):
        while len(_replaced(shop)) == 0 or len(shop.workers()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*people)
    (ended,) = _replaced(shop)
    assert ended in before
    assert f"Finished server process [{ended}]" in shop.said()
    assert readiness.keys() == {200, 503}
    assert met.keys() == {"200"}, met
    assert met["200"] > 100
    assert "Traceback" not in shop.said()


async def _grow(shop: Server) -> None:
    """Send documents that nobody has sent before over one connection, and so to one worker, until it will end."""
    async with httpx.AsyncClient(base_url=shop.address, headers=admin()) as http:
        for number in range(500):
            if (await http.get("/ready")).status_code == 503:
                return
            response = await http.post("/graphql", json={"query": GROWTH % number})
            assert response.status_code == 200, response.text
    raise AssertionError("the worker did not grow")


def _replaced(shop: Server) -> set[int]:
    return {int(pid) for pid in re.findall(r"Child process \[(\d+)\] died", shop.said())}
