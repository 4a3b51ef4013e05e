"""Subscriptions beneath their protocols: both ways to an event, statements that are shared, and outages."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from shop_graphql import watches
from shop_graphql.access import Role, Viewer
from shop_graphql.api.context import Who
from shop_graphql.api.requests import Operation
from shop_graphql.api.subscribing import Refused, Shared, Subscriptions
from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.settings import Settings
from shop_graphql.watches import Watches
from tests.api.conftest import ADMIN, Client
from tests.api.live import live, until
from tests.api.mutating import document, keyed, mutate
from tests.conftest import SECRET
from tests.factories import Factory
from tests.faults.proxy import proxied

STAFF = Who(Viewer(Role.STAFF, 1), "")
ORDERS = "subscription { orderChanged { orderId } }"
WHOLE = """
subscription Whole($order: ID, $few: Boolean! = false) {
  change: orderChanged(id: $order) {
    ...Names
    order {
      id status totalAmount user { email } items { quantity product { name } } history @skip(if: $few) { status }
    }
  }
}
fragment Names on OrderChange { __typename orderId }
"""


@pytest.fixture(params=["compiled", "resolved"])
async def subscriptions(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Subscriptions]:
    is_compiled = request.param == "compiled"
    app = create_app(Settings(database_url=database_url, secrets=SECRET, compiler=is_compiled))
    async with app.router.lifespan_context(app):
        yield app.state.subscriptions


async def test_both_ways_show_the_same(subscriptions: Subscriptions, make: Factory, client: Client) -> None:
    product, user = await make.product("Lamp", price="2.50"), await make.user("ada@example.com")
    items = [{"productId": f"prod_{product.id}", "quantity": 2}]
    id = (await mutate(client, "createOrder", "order { id }", userId=f"user_{user.id}", items=items))["order"]["id"]
    order: dict[str, Any] = {
        "id": id,
        "status": "PENDING",
        "totalAmount": "5.00",
        "user": {"email": "ada@example.com"},
        "items": [{"quantity": 2, "product": {"name": "Lamp"}}],
        "history": [{"status": "PENDING"}],
    }
    async with aclosing(await subscriptions.begin(Operation(WHOLE, {"order": id}, "Whole"), STAFF)) as events:
        first = await anext(events)
        await mutate(client, "completeOrder", orderId=id)
        second = await anext(events)
        await mutate(client, "deleteOrder", orderId=id)
        third = await anext(events)
    done = order | {"status": "COMPLETED", "history": [{"status": "PENDING"}, {"status": "COMPLETED"}]}
    assert [json.loads(body) for body in (first, second, third)] == [
        {"data": {"change": {"__typename": "OrderChange", "orderId": id, "order": shown}}}
        for shown in (order, done, None)
    ]


@pytest.mark.parametrize("field", ["orderChanged { orderId }", "orderChanged(id: null) { orderId }"])
async def test_without_an_id_only_what_changes_is_told(
    subscriptions: Subscriptions, make: Factory, client: Client, field: str
) -> None:
    await make.order()
    order = await make.order()
    events = await subscriptions.begin(Operation(f"subscription {{ {field} }}", None, None), STAFF)
    following = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)
    assert not following.done()
    await mutate(client, "completeOrder", orderId=f"ord_{order.id}")
    assert json.loads(await following) == {"data": {"orderChanged": {"orderId": f"ord_{order.id}"}}}
    await events.aclose()


@pytest.mark.parametrize("id", ["ord_999", "prod_1", "nonsense", "ord_99999999999999999999"])
async def test_what_an_id_does_not_name_is_null(subscriptions: Subscriptions, empty_shop: None, id: str) -> None:
    async with aclosing(await subscriptions.begin(Operation(WHOLE, {"order": id}, None), STAFF)) as events:
        found = json.loads(await anext(events))
    assert found["data"]["change"] == {"__typename": "OrderChange", "orderId": id, "order": None}


async def test_what_shows_nothing_new_is_not_sent(app: Starlette, make: Factory, client: Client) -> None:
    product = await make.product("Lamp", stock=1)
    id = f"prod_{product.id}"
    query = f'subscription {{ productChanged(ids: ["{id}"]) {{ product {{ stockQuantity }} }} }}'
    async with aclosing(await app.state.subscriptions.begin(Operation(query, None, None), STAFF)) as events:
        await anext(events)
        await mutate(client, "updateProduct", productId=id, name="Lantern")
        await asyncio.sleep(0.3)
        await mutate(client, "adjustStock", productId=id, delta=1)
        assert json.loads(await anext(events))["data"]["productChanged"]["product"] == {"stockQuantity": 2}


async def test_an_event_that_is_too_long_ends_the_subscription(database_url: str, make: Factory) -> None:
    product = await make.product("x" * 200)
    app = create_app(Settings(database_url=database_url, secrets=SECRET, response_limit=1000))
    names = " ".join(f"n{number}: name" for number in range(5))
    query = f'subscription {{ productChanged(ids: ["prod_{product.id}"]) {{ product {{ {names} }} }} }}'
    async with app.router.lifespan_context(app):
        with pytest.raises(Refused) as refused:
            await anext(await app.state.subscriptions.begin(Operation(query, None, None), STAFF))
    assert refused.value.errors[0]["extensions"]["code"] == "RESPONSE_TOO_LARGE"


async def test_statements_that_are_the_same_are_sent_once_until_the_outbox_is_read_again(database: Database) -> None:
    sent = []

    async def fetch(sql: str, parameters: Sequence[Any]) -> str:
        sent.append((sql, *parameters))
        await asyncio.sleep(0.1)
        return sql

    watching = Watches(database.direct_writes)
    shared = Shared(fetch, watching)

    async def ask() -> list[str]:
        return await asyncio.gather(*(shared.fetch(sql, [[1]]) for sql in "aab"))

    early = asyncio.create_task(ask())
    await until(lambda: len(sent) == 2)
    watching.looks += 1
    assert [await ask(), await early] == [["a", "a", "b"], ["a", "a", "b"]]
    assert sorted(sent) == [("a", [1]), ("a", [1]), ("b", [1]), ("b", [1])]


async def test_an_event_is_shown_once_the_database_answers_again(
    database_url: str, make: Factory, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(watches, "PAUSE", 0.05)
    order = await make.order()
    async with proxied(database_url) as line:
        app = create_app(Settings(database_url=line.url, secrets=SECRET))
        async with app.router.lifespan_context(app):
            operation = Operation(WHOLE, {"order": f"ord_{order.id}"}, None)
            async with aclosing(await app.state.subscriptions.begin(operation, STAFF)) as events:
                await anext(events)
                await line.cut()
                following = asyncio.ensure_future(anext(events))
                await mutate(client, "completeOrder", orderId=f"ord_{order.id}")
                await asyncio.sleep(0.3)
                assert not following.done()
                await line.mend()
                shown = json.loads(await asyncio.wait_for(following, 10))
    assert shown["data"]["change"]["order"]["status"] == "COMPLETED"


async def test_a_subscription_cannot_begin_without_the_database(database_url: str) -> None:
    async with proxied(database_url) as line:
        app = create_app(Settings(database_url=line.url, secrets=SECRET))
        async with app.router.lifespan_context(app):
            await line.cut()
            with pytest.raises(Refused) as refused:
                await anext(await app.state.subscriptions.begin(Operation(ORDERS, None, None), STAFF))
            await line.mend()
    assert refused.value.errors[0]["extensions"]["code"] == "UNAVAILABLE"


async def test_no_order_is_missed_while_connections_to_the_database_are_ended(
    database_url: str, database: Database, make: Factory
) -> None:
    product, user = await make.product(stock=1000), await make.user()
    async with live(database_url) as server, server.client(ADMIN) as socket:
        await socket.subscribe("1", ORDERS)
        await socket.subscribe("2", 'subscription { orderChanged(id: "ord_0") { orderId } }')
        await socket.receive()
        http = httpx.AsyncClient(base_url=f"http://{server.authority}", headers=ADMIN, trust_env=False, timeout=20)
        items = [{"productId": f"prod_{product.id}", "quantity": 1}]
        placed: set[str] = set()

        async def place() -> None:
            input = keyed("createOrder", {"userId": f"user_{user.id}", "items": items})
            query = document("createOrder", "order { id }")
            while True:
                answer = (await http.post("/graphql", json={"query": query, "variables": {"input": input}})).json()
                if answer.get("data") and "order" in answer["data"]["createOrder"]:
                    placed.add(answer["data"]["createOrder"]["order"]["id"])
                    return
                await asyncio.sleep(0.05)

        async def sabotage() -> None:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            while True:
                with suppress(Exception):
                    async with database.transaction() as session:
                        await session.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
                await asyncio.sleep(0.15)

        saboteur = asyncio.create_task(sabotage())
        for _ in range(20):
            await asyncio.gather(*(place() for _ in range(3)))
            await asyncio.sleep(0.05)
        saboteur.cancel()
        told = set[str]()
        while told < placed:
            told.add((await socket.next())["orderChanged"]["orderId"])
        await http.aclose()
    assert len(placed) == 60
    assert told == placed
