"""Compiled queries over HTTP: one statement each, the same errors, limits, and what a response tells of itself."""

import logging
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from shop_graphql.direct import Direct
from shop_graphql.settings import Settings
from tests.api.conftest import ADMIN, Client
from tests.compiler.conftest import record, served
from tests.conftest import SECRET
from tests.factories import Factory

DEEP = """
{
  a: products(first: 2) { nodes { id category { name stats { productCount } } } totalCount { value } }
  b: orders { edges { cursor node { items { product { name } } user { email } } } aggregate { totalAmount { sum } } }
  me { id }
}
"""


@pytest.fixture
def compiled(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every compiled statement that the application sends."""
    sent: list[str] = []
    monkeypatch.setattr(app.state.database.direct, "fetch", app.state.database.direct.fetch)
    record(app, sent.append)
    return sent


async def test_a_query_is_one_statement_whatever_it_asks_for(
    client: Client, make: Factory, compiled: list[str]
) -> None:
    user, product = await make.user(), await make.product(name="Lamp", price="2.50")
    await make.order(user, [(product, 2)])
    data = await client.ask(DEEP)
    assert data["a"]["nodes"] == [{"id": "prod_1", "category": {"name": "Category 2", "stats": {"productCount": 1}}}]
    assert data["b"]["edges"][0]["node"] == {
        "items": [{"product": {"name": "Lamp"}}],
        "user": {"email": "user1@example.com"},
    }
    assert (data["b"]["aggregate"], data["me"]) == ({"totalAmount": {"sum": "5.00"}}, None)
    assert len(compiled) == 1


@pytest.mark.parametrize("query", ["{ __typename }", "{ __schema { queryType { name } } }", "{ exportUserData }"])
async def test_what_is_not_compiled_is_answered_all_the_same(client: Client, compiled: list[str], query: str) -> None:
    assert "errors" not in await client.send(query)
    assert compiled == []


async def test_a_statement_that_postgresql_refuses_is_logged_and_covered_up(
    client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await make.product()

    async def broken(self: Direct, sql: str, parameters: Any) -> str:
        raise asyncpg.UndefinedTableError("no such table")

    monkeypatch.setattr(Direct, "fetch", broken)
    assert await client.ask('{ product(id: "prod_1") { id } }') == {"product": {"id": "prod_1"}}
    (logged,) = [record for record in caplog.records if record.name == "shop_graphql"]
    assert logged.getMessage().startswith("Bug in a compiled statement, which the resolvers cover up: SELECT")


@pytest.mark.parametrize("compiler", [True, False])
async def test_a_longer_answer_than_allowed_is_refused(database_url: str, make: Factory, compiler: bool) -> None:
    for _ in range(30):
        await make.product()
    limited = Settings(database_url=database_url, secrets=SECRET, compiler=compiler, response_limit=1000)
    async with served(limited) as (_, http):
        short = await http.post("/graphql", json={"query": "{ products(first: 5) { nodes { id } } }"})
        long = await http.post("/graphql", json={"query": "{ products(first: 30) { nodes { id name sku } } }"})
        names = " ".join(f"a{number}: __typename" for number in range(80))
        write = {"query": f'mutation {{ archiveProduct(input: {{productId: "prod_1"}}) {{ {names} }} }}'}
        written = await http.post("/graphql", json=write, headers=ADMIN)
    assert "errors" not in short.json()
    assert long.json() == {
        "errors": [
            {
                "message": "The answer has more than 1,000 bytes; ask for less at once.",
                "extensions": {"code": "RESPONSE_TOO_LARGE"},
            }
        ]
    }
    assert len(written.content) > 1000
    assert "errors" not in written.json()


@pytest.mark.parametrize(("compiler", "statements"), [(True, 1), (False, 2)])
async def test_a_response_tells_what_it_cost_when_asked_to(
    database_url: str, make: Factory, compiler: bool, statements: int
) -> None:
    await make.product()
    debugging = Settings(database_url=database_url, secrets=SECRET, compiler=compiler, debug=True)
    async with served(debugging) as (_, http):
        query = {"query": '{ product(id: "prod_1") { id category { id } } }'}
        content = (await http.post("/graphql", json=query)).json()
    assert content["data"] == {"product": {"id": "prod_1", "category": {"id": "cat_1"}}}
    assert content["extensions"]["statements"] == statements
    assert 0 < content["extensions"]["databaseMilliseconds"] < content["extensions"]["totalMilliseconds"]


async def test_statements_are_logged_when_asked_to(
    database_url: str, empty_shop: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shop_graphql.sql")
    async with served(Settings(database_url=database_url, secrets=SECRET, echo_sql=True)) as (_, http):
        await http.post("/graphql", json={"query": '{ product(id: "prod_1") { id } }'})
    assert any(message.startswith("SELECT concat") for message in caplog.messages)


async def test_a_query_comes_by_get_too(http: httpx.AsyncClient, make: Factory, compiled: list[str]) -> None:
    await make.product()
    got = await http.get("/graphql", params={"query": '{ product(id: "prod_1") { id } }'})
    assert got.content == b'{"data":{"product":{"id":"prod_1"}}}'
    assert len(compiled) == 1
