"""Searches, figures and reports keep to their share of the connections, whichever way they are answered."""

import asyncio
import time

import pytest
from sqlalchemy import select, text

from shop_graphql.access import Role
from shop_graphql.api.compiled import compiler, texts
from shop_graphql.database import Database
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.pace import Pace, slow
from shop_graphql.settings import Settings
from shop_graphql.statements.visibility import VIEWER

NAP = "SELECT pg_sleep(0.6)::text"
RANGE = '{gte: "2025-01-01T00:00:00Z", lt: "2025-02-01T00:00:00Z"}'
SLOW = [
    '{ products(where: {search: "lamp"}) { nodes { id } } }',
    '{ products(where: {search: "lamp"}, orderBy: [{field: RELEVANCE}]) { totalCount { value } } }',
    "{ products { aggregate { stockValue } } }",
    "{ products { facets { categories { count } } } }",
    '{ products { facets { prices(bounds: ["1.00"]) { count } } } }',
    "{ orders { aggregate { totalAmount { sum } } } }",
    f"{{ reports {{ topProducts(range: {RANGE}) {{ revenue }} }} }}",
    f"{{ reports {{ sales(range: {RANGE}, interval: DAY) {{ revenue }} }} }}",
    '{ product(id: "prod_1") { id } products { aggregate { stockValue } } }',
]
QUICK = [
    '{ product(id: "prod_1") { id category { name } } }',
    "{ products(first: 5) { nodes { id } pageInfo { hasNextPage } totalCount { value } } }",
    '{ order(id: "ord_1") { items { product { name } } } }',
]


@pytest.mark.parametrize(("query", "is_slow"), [(query, True) for query in SLOW] + [(query, False) for query in QUICK])
async def test_statements_that_look_at_many_rows_are_known(query: str, is_slow: bool) -> None:
    plan, _ = await compiler(texts()).plan(query, None, {}, Role.ADMIN, {VIEWER: 1})
    assert plan.pace.is_slow is is_slow


@pytest.fixture
async def database(database_url: str) -> Database:
    return Database(Settings(pool_size=5, pool_overflow=0, pool_timeout=0.3, slow_share=0.4), database_url)


async def test_compiled_statements_that_are_slow_leave_connections_to_others(database: Database) -> None:
    napping = [asyncio.create_task(database.direct.fetch(NAP, [], Pace(is_slow=True))) for _ in range(6)]
    await asyncio.sleep(0.1)
    assert database.connections == 2
    asked = time.monotonic()
    await asyncio.gather(*(database.direct.fetch("SELECT 'a'", []) for _ in range(10)))
    assert time.monotonic() - asked < 0.3
    outcomes = await asyncio.gather(*napping, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConnectionsBusy"] * 4 + ["str"] * 2
    assert await database.direct.fetch(NAP, [], Pace(is_slow=True)) == ""
    await database.close()


async def test_resolvers_that_are_slow_leave_connections_to_others(database: Database) -> None:
    sessions = [database.reads() for _ in range(7)]
    nap = slow(select(text("1 FROM pg_sleep(0.6)")))
    napping = [asyncio.create_task(session.execute(nap)) for session in sessions[:6]]
    await asyncio.sleep(0.1)
    asked = time.monotonic()
    await sessions[6].execute(text("SELECT 1"))
    assert time.monotonic() - asked < 0.3
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
    await database.close()
