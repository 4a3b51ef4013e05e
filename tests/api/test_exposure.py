"""What the server tells of itself, in development and in production."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from shop_graphql.settings import Settings
from tests.compiler.conftest import served
from tests.conftest import LEAK, SECRET

BROWSER = {"accept": "text/html,*/*;q=0.8"}
MISSPELT: list[tuple[str, dict[str, Any] | None, str]] = [
    ("{ prodacts { nodes { id } } }", None, "Cannot query field 'prodacts' on type 'Query'."),
    ("{ products(frist: 1) { nodes { id } } }", None, "Unknown argument 'frist' on field 'Query.products'."),
    ("{ products { ... on Prodact { id } } }", None, "Unknown type 'Prodact'."),
    (
        "query ($o: [ProductSort!]) { products(orderBy: $o) { nodes { id } } }",
        {"o": [{"field": "NAMES"}]},
        "",
    ),
    ("query ($w: ProductWhere) { products(where: $w) { nodes { id } } }", {"w": {"nam": {}}}, ""),
]


@pytest.fixture
async def production(database_url: str, empty_shop: None) -> AsyncIterator[httpx.AsyncClient]:
    async with served(Settings(database_url=database_url, secrets=SECRET, env="production")) as (_, http):
        yield http


async def message(http: httpx.AsyncClient, query: str, variables: object = None) -> str:
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    text: str = response.json()["errors"][0]["message"]
    return text


@pytest.mark.parametrize(("query", "variables", "expected"), MISSPELT)
async def test_names_are_suggested_in_development_only(
    http: httpx.AsyncClient, production: httpx.AsyncClient, query: str, variables: object, expected: str
) -> None:
    assert "Did you mean" in await message(http, query, variables)
    said = await message(production, query, variables)
    assert "Did you mean" not in said
    assert said.startswith(expected)


@pytest.mark.parametrize("query", [get_introspection_query(), '{ ... { __type(name: "Product") { name } } }'])
async def test_the_schema_is_told_in_development_only(
    http: httpx.AsyncClient, production: httpx.AsyncClient, query: str
) -> None:
    assert "errors" not in (await http.post("/graphql", json={"query": query})).json()
    refused = (await production.post("/graphql", json={"query": query})).json()
    assert set(refused) == {"errors"}
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"INTROSPECTION_DISABLED"}
    typename = await production.post("/graphql", json={"query": "{ __typename }"})
    assert typename.json() == {"data": {"__typename": "Query"}}


async def test_graphiql_is_shown_in_development_only(http: httpx.AsyncClient, production: httpx.AsyncClient) -> None:
    assert "GraphiQL" in (await http.get("/graphql", headers=BROWSER)).text
    response = await production.get("/graphql", headers=BROWSER)
    assert (response.status_code, "GraphiQL" in response.text) == (400, False)


async def test_the_log_has_one_line_of_a_request_that_was_refused_and_nothing_of_its_values(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "shop_graphql")
    query = "mutation ($p: Int!) { login(input: {email: $p, password: $p}) { __typename } }"
    for variables in ({"p": "hunter2"}, {"p": 1}):
        await http.post("/graphql", json={"query": query, "variables": variables})
    await http.post("/graphql", content=b'{"query": "hunter2', headers={"content-type": "application/json"})
    assert [(record.levelname, record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("INFO", "Refused: GRAPHQL_VALIDATION_FAILED", None),
        ("INFO", "Refused: GRAPHQL_VALIDATION_FAILED", None),
        ("INFO", "Refused: INVALID_JSON", None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last)",
        "asyncpg.exceptions.UndefinedTableError",
        "(sqlalchemy.dialects…)",
        "SELECT users.id",
        "/srv/app/shop_graphql/api/http.py, line 3",
        "<Product object at 0x7f12ab>",
        "'NoneType' object has no attribute",
        "postgresql://shop:secret@db/shop",
        "KeyError('secret')",
    ],
)
def test_the_search_of_all_answers_finds_what_must_not_be_told(text: str) -> None:
    assert LEAK.search(f'{{"errors":[{{"message":"{text}"}}]}}')


async def test_others_are_served_while_the_schema_is_told(http: httpx.AsyncClient) -> None:
    types = " ".join(f"a{number}: types {{ fields {{ name args {{ name }} }} }}" for number in range(28))
    asking = asyncio.create_task(http.post("/graphql", json={"query": f"{{ __schema {{ {types} }} }}"}))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(asking.result().json()["data"]["__schema"]) == 28
    assert turns > 1000
