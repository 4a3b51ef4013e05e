"""Searches, figures and reports keep to their share of the connections, whichever way they are answered."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from shop_graphql.access import Role
from shop_graphql.api.compiled import compiler, texts
from shop_graphql.database import Database
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.pace import Pace, slow
from shop_graphql.settings import Settings
from shop_graphql.statements.visibility import VIEWER
from tests.factories import Factory
from tests.faults.test_timeouts import ask, served

NAP = "SELECT pg_sleep(2)::text"
RANGE = '{gte: "2025-01-01T00:00:00Z", lt: "2025-02-01T00:00:00Z"}'
SLOW = [
    '{ products(where: {search: "lamp"}) { nodes { id } } }',
    '{ products(where: {search: "lamp"}, orderBy: [{field: RELEVANCE}]) { totalCount { value } } }',
    "{ products { aggregate { stockValue } } }",
    "{ products(orderBy: [{field: STOCK_QUANTITY}]) { nodes { id } } }",
    "{ products(orderBy: [{field: STOCK_QUANTITY}], where: {inStock: true}) { nodes { id } } }",
    '{ products(orderBy: [{field: STOCK_QUANTITY}], where: {price: {gte: "0"}}) { nodes { id } } }',
    "{ products(where: {stockQuantity: {gt: 199}}) { nodes { id } } }",
    "{ products(where: {stockQuantity: {gt: 199}}) { totalCount { value } } }",
    "{ products(where: {inStock: false}) { nodes { id } } }",
    "{ products(where: {not: {inStock: false}}) { nodes { id } } }",
    '{ products(where: {or: [{stockQuantity: {gt: 199}}, {name: {eq: "Lamp"}}]}) { nodes { id } } }',
    '{ products(where: {categoryIds: ["cat_1", "cat_2", "cat_3", "cat_4"], inStock: false}) { nodes { id } } }',
    "{ products(where: {everOrdered: false}) { nodes { id } } }",
    "{ categories { nodes { products(orderBy: [{field: STOCK_QUANTITY}]) { nodes { id } } } } }",
    "{ categoryStats { totalValue } }",
    "{ categories { nodes { stats { productCount } } } }",
    "{ products { facets { categories { count } } } }",
    '{ products { facets { prices(bounds: ["1.00"]) { count } } } }',
    "{ orders { aggregate { totalAmount { sum } } } }",
    f"{{ reports {{ topProducts(range: {RANGE}) {{ revenue }} }} }}",
    f"{{ reports {{ sales(range: {RANGE}, interval: DAY) {{ revenue }} }} }}",
    '{ product(id: "prod_1") { id } products { aggregate { stockValue } } }',
]
QUICK = [
    '{ product(id: "prod_1") { id category { name } } }',
    "{ products(where: {inStock: true}) { nodes { id } } }",
    '{ products(where: {inStock: true, search: " "}) { nodes { id } } }',
    "{ products(orderBy: [{field: PRICE}, {field: STOCK_QUANTITY}]) { nodes { id } } }",
    '{ products(orderBy: [{field: STOCK_QUANTITY}], where: {ids: ["prod_1"]}) { nodes { id } } }',
    '{ products(where: {categoryIds: ["cat_1"], inStock: false}) { nodes { id } } }',
    '{ products(where: {sku: {eq: "A-1"}, stockQuantity: {gt: 199}}) { nodes { id } } }',
    "{ products(first: 5) { nodes { id } pageInfo { hasNextPage } totalCount { value } } }",
    '{ order(id: "ord_1") { items { product { name } } } }',
]


@pytest.mark.parametrize(("query", "is_slow"), [(query, True) for query in SLOW] + [(query, False) for query in QUICK])
async def test_statements_that_look_at_many_rows_are_known(query: str, is_slow: bool) -> None:
    plan, _ = await compiler(texts()).plan(query, None, {}, Role.ADMIN, {VIEWER: 1})
    assert plan.pace.is_slow is is_slow


@pytest.mark.parametrize("compiler", [True, False], ids=["compiled", "resolved"])
async def test_slow_lists_wait_for_each_other_and_quick_ones_for_nobody(
    database_url: str, make: Factory, compiler: bool
) -> None:
    await make.product()
    async with served(database_url, compiler=compiler, pool_timeout=0.02) as (app, http):
        database = app.state.database
        for places in (database.direct._slow_permits, database._fresh_reads.slow):
            while not places.locked():
                await places.acquire()
        answers = {query: (await ask(http, query)).text for query in SLOW + QUICK}
    assert [query for query, answer in answers.items() if "UNAVAILABLE" in answer] == SLOW
    assert [
        query for query, answer in answers.items() if '"data":{"' in answer and "UNAVAILABLE" not in answer
    ] == QUICK


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    settings = Settings(pool_size=5, pool_overflow=0, pool_timeout=1.5, slow_share=0.4)
    database = Database(settings, database_url)
    yield database
    await database.close()


async def test_compiled_statements_that_are_slow_leave_connections_to_others(database: Database) -> None:
    napping = [asyncio.create_task(database.direct.fetch(NAP, [], Pace(is_slow=True))) for _ in range(6)]
    await asyncio.sleep(0.1)
    assert database.connections == 2
    asked = time.monotonic()
    await asyncio.gather(*(database.direct.fetch("SELECT 'a'", []) for _ in range(10)))
    assert time.monotonic() - asked < 1.3
    outcomes = await asyncio.gather(*napping, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConnectionsBusy"] * 4 + ["str"] * 2
    assert await database.direct.fetch(NAP, [], Pace(is_slow=True)) == ""


async def test_resolvers_that_are_slow_leave_connections_to_others(database: Database) -> None:
    sessions = [database.reads() for _ in range(7)]
    nap = slow(select(text("1 FROM pg_sleep(2)")))
    napping = [asyncio.create_task(session.execute(nap)) for session in sessions[:6]]
    await asyncio.sleep(0.1)
    asked = time.monotonic()
    await sessions[6].execute(text("SELECT 1"))
    assert time.monotonic() - asked < 1.3
    with pytest.raises(ConnectionsBusy):  # whoever holds a connection does not wait for a place as well
        await sessions[6].execute(nap)
    outcomes = await asyncio.gather(*napping, return_exceptions=True)
    assert sum(isinstance(outcome, ConnectionsBusy) for outcome in outcomes) == 4
    for session in sessions:
        await session.end()
    again = database.reads()
    await again.execute(nap)
    await again.end()
    assert database.connections == 0
