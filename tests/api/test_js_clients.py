"""The clients that pages use, graphql-ws and graphql-sse, on a real server."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from tests.api.conftest import Client
from tests.api.live import WAIT, Live, live
from tests.api.mutating import mutate
from tests.conftest import SECRET
from tests.factories import Factory

JS = Path(__file__).parents[1] / "js"
STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { product { stockQuantity } } }"
ORDERS = 'subscription { orderChanged(id: "ord_1") { orderId } }'
WAYS = ("socket", "events")


@pytest.fixture(scope="module")
def node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("There is no Node with npm")
    installed = JS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (JS / "package-lock.json").stat().st_mtime:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        found = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=300, check=False)
        if found.returncode:
            pytest.skip(f"npm ci failed: {found.stderr[-200:]}")
    return node


class Subscriber:
    """A process in which a client of JavaScript subscribes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(await asyncio.wait_for(self._process.stdout.readline(), WAIT))

    async def stock(self) -> int:
        event = await self.says()
        assert "data" in event, event
        stock: int = event["data"]["productChanged"]["product"]["stockQuantity"]
        return stock


@asynccontextmanager
async def subscribed(
    node: str, server: Live, over: str, query: str, tokens: list[str], **variables: Any
) -> AsyncIterator[Subscriber]:
    asked = {"over": over, "authority": server.authority, "query": query, "variables": variables, "tokens": tokens}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, JS / "subscribe.mjs", json.dumps(asked), cwd=JS, stdin=pipe, stdout=pipe
    )
    try:
        yield Subscriber(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), WAIT)


def token(seconds: int = 600) -> str:
    return Tokens([SECRET]).issue(1, Role.STAFF, lifetime=timedelta(seconds=seconds))


@pytest.mark.parametrize("over", WAYS)
async def test_a_client_is_told_the_present_state_and_each_change_also_after_a_restart(
    database_url: str, make: Factory, client: Client, node: str, over: str
) -> None:
    product = await make.product(stock=5)
    id = f"prod_{product.id}"
    async with live(database_url) as first, subscribed(node, first, over, STOCK, [], ids=[id]) as subscriber:
        seen = [await subscriber.stock()]
        await mutate(client, "adjustStock", productId=id, delta=1)
        seen.append(await subscriber.stock())
        await first.stop()
        await mutate(client, "adjustStock", productId=id, delta=1)
        async with live(database_url, port=first.port):
            seen.append(await subscriber.stock())
            await mutate(client, "adjustStock", productId=id, delta=1)
            seen.append(await subscriber.stock())
    assert seen == [5, 6, 7, 8]


@pytest.mark.parametrize("over", WAYS)
async def test_a_client_comes_again_with_another_token_when_one_expires(
    database_url: str, empty_shop: None, node: str, over: str
) -> None:
    async with live(database_url) as server:
        async with subscribed(node, server, over, ORDERS, [token(-1), token()]) as subscriber:
            assert [await subscriber.says(), await subscriber.says()] == 2 * [
                {"data": {"orderChanged": {"orderId": "ord_1"}}}
            ]
        await server.are_gone()


@pytest.mark.parametrize("over", WAYS)
async def test_a_client_is_told_why_it_is_refused(database_url: str, empty_shop: None, node: str, over: str) -> None:
    async with live(database_url) as server, subscribed(node, server, over, ORDERS, []) as subscriber:
        assert "Subscription.orderChanged needs a sign-in" in json.dumps(await subscriber.says())
