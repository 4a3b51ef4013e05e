"""Subscriptions as server-sent events: the stream, its limits and its ends."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from tests.api.conftest import ADMIN, Client
from tests.api.live import Live, live, until
from tests.api.mutating import mutate
from tests.conftest import SECRET
from tests.factories import Factory

STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { product { stockQuantity } } }"
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture(scope="module")
async def server(database_url: str) -> AsyncIterator[Live]:
    async with live(database_url, heartbeat=0.3, connections_per_address=4, connections_per_user=2) as running:
        yield running


@pytest.fixture(autouse=True)
async def _all_is_let_go(server: Live, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    yield
    await server.are_gone()
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


def shown(stock: int) -> dict[str, Any]:
    return {"data": {"productChanged": {"product": {"stockQuantity": stock}}}}


async def test_a_subscriber_is_told_the_present_state_and_each_change(
    server: Live, make: Factory, client: Client
) -> None:
    product = await make.product(stock=5)
    id = f"prod_{product.id}"
    async with server.stream(STOCK, ids=[id]) as stream:
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store"
        states = [await stream.next()]
        await mutate(client, "adjustStock", productId=id, delta=2)
        states.append(await stream.next())
    assert states == [shown(5), shown(7)]


async def test_a_url_can_be_subscribed_to_as_browsers_do(server: Live, make: Factory) -> None:
    product = await make.product(stock=5)
    query = f'subscription {{ productChanged(ids: ["prod_{product.id}"]) {{ product {{ stockQuantity }} }} }}'
    async with (
        httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http,
        http.stream("GET", "/graphql", params={"query": query}, headers=EVENTS) as response,
    ):
        lines = response.aiter_lines()
        found = [line async for line in _first(lines, 5)]
    assert found == [":", "", "event: next", 'data: {"data":{"productChanged":{"product":{"stockQuantity":5}}}}', ""]


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield await anext(lines)


async def test_a_stream_shows_that_it_lives_when_nothing_changes(server: Live, empty_shop: None) -> None:
    async with server.stream(STOCK, ids=["prod_1"]) as stream:
        assert await stream.next() == {"data": {"productChanged": {"product": None}}}
        assert [await stream.event(), await stream.event()] == [(":", None), (":", None)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { orderChanged { orderId } }", "UNAUTHENTICATED"),
        ("subscription { productChanged(ids: []) { productId } }", "BAD_USER_INPUT"),
        ("{ products { nodes { id } } }", "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_the_only_event(server: Live, query: str, code: str) -> None:
    async with server.stream(query) as stream:
        body = await stream.next()
        assert {error["extensions"]["code"] for error in body["errors"]} == {code}
        assert [await stream.event(), await stream.event()] == [("complete", None), ("", None)]


async def test_a_token_that_is_not_valid_is_told(server: Live) -> None:
    async with server.stream("subscription { orderChanged { orderId } }", {"authorization": "Bearer no"}) as stream:
        assert (await stream.next())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        ("[]", {"content-type": "application/json"}, 400, "BATCHING_UNSUPPORTED"),
        ('{"query": "", "query": ""}', {"content-type": "application/json"}, 400, "DUPLICATE_KEY"),
        ("{}", {"content-type": "text/plain"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    ],
)
async def test_what_is_no_request_is_refused_as_such(
    server: Live, content: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http:
        response = await http.post("/graphql", content=content, headers={**EVENTS, **headers})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize("accept", ["application/json, text/event-stream", "*/*"])
async def test_who_takes_json_is_told_how_to_subscribe(server: Live, accept: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http:
        content = {"query": "subscription { productChanged(ids: []) { productId } }"}
        response = await http.post("/graphql", json=content, headers={"accept": accept})
    assert response.status_code == 400
    assert "text/event-stream" in response.json()["errors"][0]["message"]


async def test_an_address_and_a_user_have_no_more_streams_than_are_allowed(server: Live, empty_shop: None) -> None:
    async with AsyncExitStack() as streams:
        for _ in range(2):
            await streams.enter_async_context(server.stream(STOCK, ADMIN, ids=["prod_1"]))
        async with server.stream(STOCK, ADMIN, ids=["prod_1"]) as more:
            assert (more.response.status_code, more.response.headers["retry-after"]) == (429, "10")
        for _ in range(2):
            await streams.enter_async_context(server.stream(STOCK, ids=["prod_1"]))
        async with server.stream(STOCK, ids=["prod_1"]) as more:
            assert more.response.status_code == 429
        async with server.socket() as websocket:
            assert await websocket.closed() == 1013


async def test_a_stream_ends_with_its_token_as_one_to_ask_for_again(server: Live, empty_shop: None) -> None:
    token = Tokens([SECRET]).issue(1, Role.STAFF, lifetime=timedelta(seconds=-3))
    async with server.stream(STOCK, {"authorization": f"Bearer {token}"}, ids=["prod_1"]) as stream:
        kinds = [(await stream.event())[0]]
        while kinds[-1]:
            kinds.append((await stream.event())[0])
    assert kinds[:2] == [":", "next"]
    assert "complete" not in kinds


async def test_a_client_that_vanishes_leaves_nothing(server: Live, make: Factory) -> None:
    product = await make.product()
    async with server.stream(STOCK, ids=[f"prod_{product.id}"]) as stream:
        await stream.next()
        assert len(server.app.state.watches) == 1
    await until(lambda: not len(server.app.state.watches))


async def test_health_tells_how_many_subscriptions_and_websockets_there_are(server: Live, empty_shop: None) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http:

        async def told() -> tuple[int, int]:
            figures = (await http.get("/health")).json()
            return figures["streams"], figures["sockets"]

        async with server.stream(STOCK, ids=["prod_1"]) as stream, server.client() as socket, server.client():
            await stream.next()
            for id in ("1", "2"):
                await socket.subscribe(id, STOCK, ids=["prod_1"])
                await socket.next()
            assert await told() == (3, 2)
        await server.are_gone()
        assert await told() == (0, 0)


async def test_a_server_that_stops_ends_its_streams(database_url: str, empty_shop: None) -> None:
    streams = AsyncExitStack()
    async with live(database_url) as server:
        stream = await streams.enter_async_context(server.stream(STOCK, ids=["prod_1"]))
        await stream.next()
        start = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - start < 2
    assert await stream.event() == ("", None)
    await streams.aclose()
