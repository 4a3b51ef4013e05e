"""Many half-open connections at a real server, with its default limits: good traffic goes on, and nothing is left."""

import asyncio
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shop_graphql.pulse import MIB, memory
from shop_graphql.settings import Settings
from tests.chaos.server import Server, admin, server

HEAD_TIMEOUT = 4
HEAD = b"POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n"
KINDS = {
    "nothing": b"",
    "half a line": b"POST /gra",
    "half a head": HEAD,
    "half a body": HEAD + b'content-length: 40\r\n\r\n{"query":',
    "half a handshake": b"GET /graphql HTTP/1.1\r\nhost: shop\r\nupgrade: websocket\r\nconnection: Upgrade\r\n",
}
DESCRIPTORS = 4096

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells descriptors and memory")


@pytest.fixture(scope="module")
def shop(database_url: str) -> Iterator[Server]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < DESCRIPTORS:
        pytest.skip(f"needs {DESCRIPTORS} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], DESCRIPTORS), before[1]))
    try:
        with server(database_url, workers=1, SHOP_HEAD_TIMEOUT=str(HEAD_TIMEOUT)) as shop:
            asyncio.run(shop.wait())
            yield shop
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("kinds", "count"),
    [(list(KINDS), 900), (list(KINDS), 2 * Settings().max_connections), (["half a body"], 900)],
    ids=["900 of all kinds", "twice the limit", "900 half bodies"],
)
async def test_half_open_connections_keep_nobody_out_and_leave_nothing_behind(
    shop: Server, kinds: list[str], count: int
) -> None:
    await _read(shop, 20)
    (pid,) = shop.workers()
    before = _descriptors(pid), memory(pid)
    port = int(shop.address.rpartition(":")[2])
    ends = [asyncio.create_task(_hold(port, KINDS[kinds[n % len(kinds)]])) for n in range(count)]
    answers, most = Counter[int](), 0
    while not all(end.done() for end in ends):
        answers += await _read(shop, 5)
        most = max(most, _descriptors(pid))
    assert set(answers) == {200}
    assert min(count, 700) < most - before[0] <= Settings().max_connections + 50
    told = Counter(end.result()[:12] for end in ends)
    assert set(told) <= {b"HTTP/1.1 408", b""}
    assert told[b"HTTP/1.1 408"] > 400
    await asyncio.sleep(0.2)
    assert _descriptors(pid) <= before[0] + 5
    assert memory(pid) - before[1] < 20 * MIB


async def _hold(port: int, sent: bytes) -> bytes:
    """Connect, send so much and wait for the end; return what was told."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(25):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _read(shop: Server, times: int) -> Counter[int]:
    """Ask for something over one new connection after the other."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=shop.address, headers=admin(), limits=limits, timeout=5) as http:
        query = {"query": "{ products { nodes { id } } }"}
        return Counter([(await http.post("/graphql", json=query)).status_code for _ in range(times)])


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
