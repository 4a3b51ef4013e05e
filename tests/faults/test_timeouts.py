"""Each wait has an end, and the inner one ends first."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings, read_settings
from tests.api.conftest import ADMIN
from tests.api.live import until
from tests.conftest import PATIENT, SECRET
from tests.factories import Factory
from tests.faults.proxy import Proxy

QUICK = {"lock_timeout": 0.2, "statement_timeout": 0.3, "silence_timeout": 0.5, "read_patience": 0}
READ = "{ products { nodes { id } } }"
SEARCH = '{ products(where: {search: "lamp"}) { nodes { id } } }'
ORDER = """
mutation { createOrder(input: {idempotencyKey: "k", userId: "user_1", items: [{productId: "prod_1", quantity: 1}]}) {
  ... on CreateOrderSuccess { replayed order { id } } ... on UserError { code }
} }
"""


@asynccontextmanager
async def served(url: str, **settings: Any) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    # What contradicts is refused at the start of a server; a test may want a request to end before its statement.
    app = create_app(Settings(database_url=url, secrets=SECRET).model_copy(update=settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=ADMIN) as http:
        yield app, http
    await app.state.accounts.close()
    await app.state.database.close()


async def ask(http: httpx.AsyncClient, query: str) -> httpx.Response:
    return await http.post("/graphql", json={"query": query})


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SHOP_STATEMENT_TIMEOUT", "2", "2 seconds must be more than SHOP_LOCK_TIMEOUT, which is 2"),
        ("SHOP_SILENCE_TIMEOUT", "1", "1 seconds must be more than SHOP_STATEMENT_TIMEOUT, which is 5"),
        ("SHOP_REQUEST_TIMEOUT", "6", "6 seconds must be more than SHOP_SILENCE_TIMEOUT, which is 6"),
    ],
)
def test_a_timeout_that_would_end_before_what_it_encloses_is_refused_at_the_start(
    name: str, value: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError, match=f"{name}: {complaint}"):
        read_settings()


async def test_a_pool_that_is_waited_for_longer_than_a_request_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_POOL_TIMEOUT", "11")
    with pytest.raises(StartupError, match="SHOP_REQUEST_TIMEOUT: 10 seconds must be more than SHOP_POOL_TIMEOUT"):
        read_settings()


@pytest.mark.parametrize("compiler", [True, False])
@pytest.mark.parametrize("query", [READ, ORDER], ids=["a read", "a write"])
async def test_a_connection_that_falls_silent_in_mid_statement_hangs_nobody(
    line: Proxy, make: Factory, query: str, compiler: bool
) -> None:
    await make.user()
    await make.product(stock=5)
    async with served(line.url, **QUICK, compiler=compiler) as (app, http):
        assert (await ask(http, READ)).status_code == 200
        line.silent = True
        asked = time.monotonic()
        response = await ask(http, query)
        assert (response.status_code, response.json()["errors"][0]["extensions"]) == (503, {"code": "UNAVAILABLE"})
        assert time.monotonic() - asked < 4
        assert app.state.database.connections == 0
        line.silent = False
        assert (await ask(http, READ)).status_code == 200


async def test_a_connection_that_fell_silent_while_nobody_used_it_is_noticed_before_it_is_used(
    line: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop_graphql.direct.REST", 0.0)
    monkeypatch.setattr("shop_graphql.direct.TEST_TIMEOUT", 0.2)
    database = Database(Settings(silence_timeout=9), line.url)
    await database.direct.fetch("SELECT 'a'", [])
    line.silent = True
    asking = asyncio.create_task(database.direct.fetch("SELECT 'a'", []))
    await asyncio.sleep(0.4)
    line.silent = False
    async with asyncio.timeout(2):
        assert await asking == "a"
    await database.close()


async def test_a_read_that_takes_too_long_is_told_so_and_its_statement_is_cancelled(
    database_url: str, database: Database, make: Factory
) -> None:
    async with served(database_url, **PATIENT | {"request_timeout": 1, "lock_timeout": 20}) as (app, http):
        async with database.transaction() as session:
            await session.execute(text("LOCK TABLE products"))
            response = await ask(http, READ)
            assert response.status_code == 504
            assert response.json()["errors"][0]["extensions"] == {"code": "DEADLINE_EXCEEDED"}
            assert response.headers["retry-after"] == "1"
            await until(lambda: app.state.database.connections == 0)
            async with asyncio.timeout(10):
                while await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert (await ask(http, READ)).status_code == 200
        assert (await http.get("/health")).json()["late"] == 1


@pytest.mark.parametrize("compiler", [True, False])
async def test_a_write_that_takes_too_long_is_finished_and_its_key_tells_what_came_of_it(
    database_url: str, database: Database, make: Factory, compiler: bool
) -> None:
    await make.user()
    await make.product(stock=5)
    async with served(database_url, request_timeout=1, compiler=compiler) as (_, http):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1 FROM products FOR UPDATE"))
            response = await ask(http, ORDER)
            assert response.status_code == 504
            assert "idempotencyKey" in response.json()["errors"][0]["message"]
        await asyncio.sleep(0.3)
        answer = (await ask(http, ORDER)).json()
    assert answer == {"data": {"createOrder": {"replayed": True, "order": {"id": "ord_1"}}}}


@pytest.mark.parametrize("query", [READ, SEARCH], ids=["any read", "a search"])
async def test_without_a_free_connection_reads_are_refused_in_time_and_health_does_not_wait(
    database_url: str, make: Factory, query: str
) -> None:
    async with served(database_url, pool_size=1, pool_timeout=1.5) as (app, http):
        held = asyncio.create_task(app.state.database.direct.fetch("SELECT pg_sleep(3)::text", []))
        await asyncio.sleep(0.1)
        asked = time.monotonic()
        asking = asyncio.create_task(ask(http, query))
        await asyncio.sleep(0)
        assert (await http.get("/health")).status_code == 200
        assert time.monotonic() - asked < 1.2
        response = await asking
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - asked < 2.1
        await held


@pytest.mark.parametrize("compiler", [True, False], ids=["compiled", "resolved"])
@pytest.mark.parametrize("query", [READ, ORDER], ids=["a read", "a write"])
async def test_with_every_connection_taken_whoever_asks_is_refused_in_time(
    database_url: str, make: Factory, query: str, compiler: bool
) -> None:
    await make.user()
    await make.product(stock=5)
    settings = {"pool_size": 1, "pool_overflow": 0, "pool_timeout": 1}
    async with served(database_url, **settings, compiler=compiler) as (app, http):
        shop = app.state.database
        async with shop.transaction() as session:
            await session.execute(text("SELECT 1"))
            held = asyncio.create_task(shop.direct.fetch("SELECT pg_sleep(3)::text", []))
            await asyncio.sleep(0.1)
            asked = time.monotonic()
            response = await ask(http, query)
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert response.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
            assert 0.9 < time.monotonic() - asked < 1.4
            await held
        answer = (await ask(http, query)).json()
        assert "errors" not in answer


async def test_a_restart_of_two_seconds_is_not_noticed_by_reads(line: Proxy, make: Factory) -> None:
    await make.product()
    async with served(line.url) as (app, http):
        await ask(http, READ)
        await line.cut()
        asking = [asyncio.create_task(ask(http, READ)) for _ in range(30)]
        reads = app.state.database.reads()
        resolved = asyncio.create_task(reads.execute(text("SELECT 1")))
        await asyncio.sleep(2)
        assert not resolved.done()
        await line.mend()
        assert {response.status_code for response in await asyncio.gather(*asking)} == {200}
        assert (await resolved).scalar_one() == 1
        await reads.end()


async def test_who_reads_while_a_database_stays_away_is_told_at_once(line: Proxy, make: Factory) -> None:
    async with served(line.url, read_patience=1) as (_, http):
        await ask(http, READ)
        await line.cut()
        await ask(http, READ)
        asked = time.monotonic()
        assert (await ask(http, READ)).status_code == 503
        assert time.monotonic() - asked < 0.8
