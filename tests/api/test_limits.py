"""Limits over HTTP: the same on both ways, for queries and mutations; what a response tells of its cost."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shop_graphql.access import Role
from shop_graphql.api import bad_request, exposure
from shop_graphql.api.gate import limits
from shop_graphql.compiler import limits as document_limits
from shop_graphql.compiler.limits import Limits
from shop_graphql.settings import Settings
from tests.api.conftest import ADMIN
from tests.api.mutating import tables
from tests.compiler.conftest import served
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

GRAPHQL_JSON = {"accept": "application/graphql-response+json"}
CUSTOMER = signed_in(1, Role.CUSTOMER)
ROOT = Path(__file__).parents[2]
SETTINGS = {
    "document_limit": "length",
    "token_limit": "tokens",
    "comment_limit": "comments",
    "depth_limit": "depth",
    "introspection_depth_limit": "introspection_depth",
    "field_limit": "fields",
    "alias_limit": "aliases",
    "directive_limit": "directives",
    "root_field_limit": "root_fields",
    "mutation_limit": "mutation_fields",
    "introspection_limit": "introspections",
    "field_pair_limit": "pairs",
    "node_limit": "nodes",
    "cost_limit": "cost",
}
PAGE = "query ($n: Int) { products(first: $n) { nodes { id } } }"
ARCHIVE = 'archiveProduct(input: {productId: "prod_1"}) { __typename }'


@pytest.fixture(params=[True, False], ids=["compiled", "resolved"])
async def limited(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url,
        secrets=SECRET,
        compiler=request.param,
        depth_limit=4,
        alias_limit=2,
        cost_limit=20,
        cost_per_viewer="40/100seconds",
        cost_per_address="20/100seconds",
        cost_extension=True,
    )
    async with served(settings) as (_, http):
        yield http


async def ask(http: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
    response = await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    return response.json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ a: me { id } b: me { id } c: me { id } }", "TOO_MANY_ALIASES"),
        (f"mutation {{ a: {ARCHIVE} b: {ARCHIVE} c: {ARCHIVE} }}", "TOO_MANY_ALIASES"),
        ('{ product(id: "a") { category { products { nodes { id } } } } }', "QUERY_TOO_DEEP"),
        ("{ products(first: 100) { nodes { category { id } } } }", "QUERY_TOO_COSTLY"),
        (f"mutation {{ a: {ARCHIVE} b: {ARCHIVE} {ARCHIVE} }}", "QUERY_TOO_COSTLY"),
    ],
)
async def test_what_is_beyond_a_limit_is_refused_before_anything_is_done(
    limited: httpx.AsyncClient, make: Factory, database: Any, query: str, code: str
) -> None:
    await make.product()
    before = await tables(database)
    response = await limited.post("/graphql", json={"query": query}, headers=ADMIN | GRAPHQL_JSON)
    (error,) = response.json()["errors"]
    assert response.status_code == 400
    assert set(error["extensions"]) == {"code", "limit", "found"}
    assert error["extensions"]["code"] == code
    assert f"{error['extensions']['limit']:,} are allowed" in error["message"]
    assert await tables(database) == before


async def test_every_response_tells_what_it_cost_and_what_is_left(limited: httpx.AsyncClient, make: Factory) -> None:
    await make.product()
    answer = await ask(limited, PAGE, n=100)
    assert answer["data"] == {"products": {"nodes": [{"id": "prod_1"}]}}
    assert answer["extensions"] == {"cost": {"requested": 12, "limit": 20, "remaining": 7}}  # and a new document
    answer = await ask(limited, PAGE, CUSTOMER, n=10)
    assert answer["extensions"] == {"cost": {"requested": 3, "limit": 40, "remaining": 37}}
    answer = await ask(limited, f"mutation {{ {ARCHIVE} }}", ADMIN)
    assert answer["data"] == {"archiveProduct": {"__typename": "ArchiveProductSuccess"}}
    assert answer["extensions"]["cost"]["requested"] == 10


async def test_what_was_not_carried_out_costs_one_point(limited: httpx.AsyncClient, make: Factory) -> None:
    for query in (f"mutation {{ {ARCHIVE} }}", "mutation { nothing }", "{ products(first: 100) { nothing } }"):
        before = (await ask(limited, "{ __typename }", CUSTOMER))["extensions"]["cost"]["remaining"]
        refused = await ask(limited, query, CUSTOMER)
        assert "data" not in refused
        assert refused["extensions"]["cost"]["remaining"] >= before - 3  # one for itself, and it was new


async def test_who_has_asked_for_too_much_waits(limited: httpx.AsyncClient, make: Factory) -> None:
    await ask(limited, PAGE, n=100)
    response = await limited.post("/graphql", json={"query": PAGE, "variables": {"n": 100}})
    (error,) = response.json()["errors"]
    wait = int(response.headers["retry-after"])
    assert response.status_code == 429
    assert 20 <= wait <= 25
    assert error == {
        "message": f"You have asked for much in a short time; ask again in {wait} seconds.",
        "extensions": {"code": "RATE_LIMITED", "requested": 12, "limit": 20, "remaining": 7, "retryAfter": wait},
    }
    assert "data" in await ask(limited, PAGE, n=10)
    assert "data" in await ask(limited, PAGE, CUSTOMER, n=100)


async def test_the_costs_of_strangers_are_those_of_their_address(app: Starlette, database_url: str) -> None:
    settings = Settings(database_url=database_url, secrets=SECRET, cost_per_address="1/hour")
    async with served(settings) as (other, _):

        async def status(address: str) -> int:
            transport = httpx.ASGITransport(other, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                return (await http.post("/graphql", json={"query": "{ __typename }"})).status_code

        other.state.endpoint.gate.texts.read("{ __typename }")
        assert [await status("192.0.2.1"), await status("192.0.2.2"), await status("192.0.2.1")] == [200, 200, 429]
        assert [await status("2001:db8::1"), await status("2001:db8::ffff"), await status("2001:db8:0:1::1")] == [
            *(200, 429, 200)
        ]


async def test_costs_are_neither_told_nor_counted_when_that_is_switched_off(database_url: str) -> None:
    settings = Settings(database_url=database_url, secrets=SECRET, cost_extension=True)
    async with served(settings) as (_, http):
        assert await ask(http, "{ __typename }") == {
            "data": {"__typename": "Query"},
            "extensions": {"cost": {"requested": 1}},
        }
    async with served(Settings(database_url=database_url, secrets=SECRET, debug=True, cost_extension=True)) as (
        _,
        http,
    ):
        assert set((await ask(http, "{ __typename }"))["extensions"]) == {
            *("cost", "statements", "databaseMilliseconds", "totalMilliseconds")
        }
    async with served(Settings(database_url=database_url, secrets=SECRET)) as (_, http):
        assert await ask(http, "{ __typename }") == {"data": {"__typename": "Query"}}


def test_each_setting_is_the_limit_that_it_is_named_after() -> None:
    assert limits(Settings()) == Limits()
    for name, limit in SETTINGS.items():
        assert vars(limits(Settings.model_validate({name: 7}))) == {**vars(Limits()), limit: 7}
    assert set(SETTINGS.values()) == set(vars(Limits()))


def test_every_code_is_explained_and_stands_for_one_thing() -> None:
    constants = {value for name, value in vars(bad_request).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(bad_request.MEANINGS)
    pages = [bad_request.MEANINGS, document_limits.MEANINGS, exposure.MEANINGS]
    codes = [code for page in pages for code in page]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch("[A-Z0-9_]+", code) for code in codes)
    documented = (ROOT / "docs" / "limits.md").read_text() + (ROOT / "docs" / "security.md").read_text()
    assert [code for code in document_limits.MEANINGS if f"`{code}`" not in documented] == []
