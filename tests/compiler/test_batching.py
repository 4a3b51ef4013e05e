"""Requests that wait at the same moment share statements, and nobody notices."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from shop_graphql.access import Role
from shop_graphql.api.short import ShortWay
from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.pace import Pace
from shop_graphql.settings import Settings
from shop_graphql.statements.visibility import VIEWER
from tests.api.conftest import Client
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

PRODUCT = "query ($id: ID!) { product(id: $id) { id name price } }"
ORDER = "query ($id: ID!) { order(id: $id) { id user { email } items { quantity } } }"
ME = "{ me { email } }"


class Shop:
    """A server of its own, and what it sends to the database."""

    def __init__(self, http: httpx.AsyncClient, short_way: ShortWay) -> None:
        self.http = http
        self.compiler = short_way.compiler
        self.batches = short_way.batches
        self.direct = short_way.batches._direct

    def of(self, user_id: int, role: Role = Role.CUSTOMER) -> Client:
        return Client(self.http, signed_in(user_id, role))

    async def ask(self, query: str, **variables: Any) -> Any:
        return await Client(self.http).ask(query, **variables)


@pytest.fixture(params=[True])
async def shop(request: pytest.FixtureRequest, database_url: str, empty_shop: None) -> AsyncIterator[Shop]:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, batching=request.param))
    (route,) = [route for route in app.routes if getattr(route, "path", None) == "/graphql"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        yield Shop(http, route.app.short_way)  # type: ignore[attr-defined]
    await app.state.accounts.close()
    await app.state.database.close()


@pytest.fixture
def make(database: Database, empty_shop: None) -> Factory:
    return Factory(database)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements pass for quick ones, however busy the machine is."""
    monkeypatch.setattr(Pace, "took", lambda pace, *_: setattr(pace, "seconds", 0.0001))
    monkeypatch.setattr("shop_graphql.api.batching.PATIENCE", 5)


class Held:
    """Statements that were answered by the database, and whose answers are kept back until they are released."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.release = asyncio.Event()
        self.began = asyncio.Event()
        for name in ("fetch", "lines"):
            monkeypatch.setattr(shop.direct, name, self._holding(getattr(shop.direct, name)))

    def _holding(self, send: Any) -> Any:
        async def hold(*arguments: Any) -> Any:
            found = await send(*arguments)
            self.began.set()
            await self.release.wait()
            return found

        return hold


async def test_everybody_gets_their_own_answer_by_few_statements(shop: Shop, make: Factory, quick: None) -> None:
    names = {f"prod_{(await make.product()).id}": None for _ in range(20)}
    await shop.ask(PRODUCT, id="prod_1")  # a plan that is there is found at once
    ids = random.choices([*names, "prod_99", "prod_x", "ord_1", "", "prod_0"], k=200)
    answers = await asyncio.gather(*(shop.ask(PRODUCT, id=id) for id in ids))
    for id, answer in zip(ids, answers, strict=True):
        assert (answer["product"] or {"id": None})["id"] == (id if id in names else None)
    assert shop.batches.saved.requests == 201
    assert shop.batches.saved.statements < 20


async def test_equal_pages_are_read_once(shop: Shop, make: Factory, quick: None) -> None:
    await make.product()
    query = "query ($n: Int!) { products(first: $n) { nodes { id } totalCount { value } } }"
    expected = {"products": {"nodes": [{"id": "prod_1"}], "totalCount": {"value": 1}}}
    assert await shop.ask(query, n=3) == expected
    assert await asyncio.gather(*(shop.ask(query, n=n) for n in [3, 4] * 50)) == [expected] * 100
    assert shop.batches.saved.statements <= 5


async def test_nobody_waits_for_a_statement_that_nobody_sends(shop: Shop, make: Factory) -> None:
    id = (await make.product()).id
    plan, parameters = await shop.compiler.plan(PRODUCT, None, {"id": f"prod_{id}"}, None, {VIEWER: None})

    async def ask(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        assert str(id) in await shop.batches.fetch(plan, parameters)

    # Each comes a few turns of the loop later than another, when that one's answer comes back at the latest.
    async with asyncio.timeout(30):
        for _ in range(30):
            await asyncio.gather(*(ask(turns) for turns in range(120) for _ in range(2)))
    assert shop.batches._lanes == {}


async def test_nobody_is_answered_from_a_statement_that_began_before_they_asked(
    shop: Shop, make: Factory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make.product(price="1.00")
    held = Held(shop, monkeypatch)
    early = [asyncio.create_task(shop.ask(PRODUCT, id="prod_1"))]
    await held.began.wait()
    async with database.transaction() as session:
        await session.execute(text("UPDATE products SET price = 2"))
    late = [asyncio.create_task(shop.ask(PRODUCT, id="prod_1")) for _ in range(5)]
    await asyncio.sleep(0.05)
    held.release.set()
    assert [(await answer)["product"]["price"] for answer in early + late] == ["1.00"] + ["2.00"] * 5


async def test_what_depends_on_the_viewer_is_shared_by_nobody_else(shop: Shop, make: Factory) -> None:
    users = [await make.user(f"user{number}@example.com") for number in range(3)]
    product = await make.product()
    orders = [await make.order(user, [(product, 1)]) for user in users]
    asked = [(user, order) for user in users for order in orders] * 5
    random.shuffle(asked)
    found = await asyncio.gather(*(shop.of(user.id).ask(ORDER, id=f"ord_{order.id}") for user, order in asked))
    for (user, order), answer in zip(asked, found, strict=True):
        own = {"id": f"ord_{order.id}", "user": {"email": user.email}, "items": [{"quantity": 1}]}
        assert answer["order"] == (own if order.user_id == user.id else None)
    mine = await asyncio.gather(*(shop.of(user.id).ask(ME) for user in users * 5))
    assert [answer["me"]["email"] for answer in mine] == [user.email for user in users * 5]


async def test_roles_share_nothing(shop: Shop, make: Factory) -> None:
    order = await make.order(await make.user(), [(await make.product(), 1)])
    viewers = [shop.of(order.user_id), shop.of(99), shop.of(99, Role.STAFF), shop.of(99, Role.ADMIN)] * 10
    found = await asyncio.gather(*(viewer.ask(ORDER, id="ord_1") for viewer in viewers))
    assert [answer["order"] is not None for answer in found] == [True, False, True, True] * 10


async def test_whoever_goes_away_leaves_the_statement_to_the_others(
    shop: Shop, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make.product("Lamp")
    held = Held(shop, monkeypatch)
    asked = [asyncio.create_task(shop.ask(PRODUCT, id="prod_1")) for _ in range(6)]
    await held.began.wait()
    for task in asked[::2]:
        task.cancel()
    held.release.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results[::2]] == [asyncio.CancelledError] * 3
    assert [result["product"]["name"] for result in results[1::2] if isinstance(result, dict)] == ["Lamp"] * 3


async def test_a_shared_statement_that_fails_harms_nobody(
    shop: Shop, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await make.product()

    async def fail(*arguments: Any) -> Any:
        raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")

    monkeypatch.setattr(shop.direct, "lines", fail)
    found = await asyncio.gather(*(shop.ask(PRODUCT, id=f"prod_{number % 5 + 1}") for number in range(50)))
    assert [answer["product"]["id"] for answer in found] == [f"prod_{number % 5 + 1}" for number in range(50)]


async def test_a_backend_that_is_terminated_in_between_is_not_noticed(
    shop: Shop, make: Factory, database: Database
) -> None:
    await make.product()

    async def terminate() -> None:
        for _ in range(2):
            async with database.transaction() as session:
                others = (
                    "pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'shop-graphql'"
                )
                await session.execute(
                    text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others} AND state = 'idle'")
                )
            await asyncio.sleep(0.5)

    async def ask() -> None:
        for _ in range(20):
            assert (await shop.ask(PRODUCT, id="prod_1"))["product"]["id"] == "prod_1"

    await asyncio.gather(terminate(), *(ask() for _ in range(8)))


@pytest.mark.parametrize("shop", [False], indirect=True)
async def test_it_can_be_turned_off(shop: Shop, make: Factory) -> None:
    await make.product()
    await asyncio.gather(*(shop.ask(PRODUCT, id="prod_1") for _ in range(20)))
    assert shop.batches.saved.statements == 20


async def test_texts_are_keys_too(shop: Shop, make: Factory, quick: None) -> None:
    for number in range(5):
        await make.category(f'Category {number}, "quoted"')
    query = "query ($name: String!) { category(by: {name: $name}) { name } }"
    names = [f'Category {number % 7}, "quoted"' for number in range(70)]
    found = await asyncio.gather(*(shop.ask(query, name=name) for name in names))
    assert [(answer["category"] or {}).get("name") for answer in found] == [
        name if "5" not in name and "6" not in name else None for name in names
    ]
    assert shop.batches.saved.statements < 20
