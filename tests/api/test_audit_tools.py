"""What the audit tool graphql-cop looks for, and what the rules of GraphQL Armor refuse, asked of a server as it is by
default, and of one in production."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from shop_graphql.settings import Settings
from tests.compiler.conftest import served
from tests.conftest import SECRET

JSON = "application/json"
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "accept": "*/*"}
LOGOUT = 'mutation { logout(input: {refreshToken: "x"}) { __typename } }'


@pytest.fixture(params=["development", "production"])
async def server(request: pytest.FixtureRequest, database_url: str, empty_shop: None) -> AsyncIterator[Any]:
    async with served(Settings(database_url=database_url, secrets=SECRET, env=request.param)) as (_, http):
        yield http


@pytest.fixture
async def production(database_url: str, empty_shop: None) -> AsyncIterator[httpx.AsyncClient]:
    async with served(Settings(database_url=database_url, secrets=SECRET, env="production")) as (_, http):
        yield http


async def codes(http: httpx.AsyncClient, query: str, **variables: Any) -> list[str]:
    """Return the codes of a document that gets no data."""
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    content = response.json()
    assert set(content) == {"errors"}
    return [error["extensions"]["code"] for error in content["errors"]]


# graphql-cop


async def test_cop_alias_overloading(server: httpx.AsyncClient) -> None:
    query = f"query cop {{ {' '.join(f'alias{number}: __typename' for number in range(101))} }}"
    assert await codes(server, query) == ["TOO_MANY_ROOT_FIELDS", "TOO_MANY_ALIASES"]


async def test_cop_array_based_query_batching(server: httpx.AsyncClient) -> None:
    response = await server.post("/graphql", json=[{"query": "query cop { __typename }"}] * 10)
    assert response.json()["errors"][0]["extensions"]["code"] == "BATCHING_UNSUPPORTED"


async def test_cop_directive_overloading(server: httpx.AsyncClient) -> None:
    assert await codes(server, f"query cop {{ __typename {'@aa' * 21} }}") == ["TOO_MANY_DIRECTIVES"]
    assert len(await codes(server, f"query cop {{ __typename {'@aa' * 10} }}")) < 10


async def test_cop_circular_query_by_introspection(server: httpx.AsyncClient) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
    assert set(await codes(server, query)) <= {"GRAPHQL_VALIDATION_FAILED", "INTROSPECTION_DISABLED"}


async def test_cop_field_duplication(server: httpx.AsyncClient) -> None:
    query = f"query cop {{ {'__typename ' * 500} }}"
    assert "TOO_MANY_ROOT_FIELDS" in await codes(server, query)
    query = f'query cop {{ product(id: "prod_1") {{ {"id " * 500} }} }}'
    assert await codes(server, query) == ["TOO_MANY_EQUAL_FIELDS"]


async def test_cop_field_suggestions(production: httpx.AsyncClient) -> None:
    response = await production.post("/graphql", json={"query": "query cop { prodact { id } __shema { directive } }"})
    assert "Did you mean" not in response.text


async def test_cop_introspection(production: httpx.AsyncClient) -> None:
    assert "INTROSPECTION_DISABLED" in await codes(production, get_introspection_query())
    assert await codes(production, "query cop { __schema { types { name fields { name } } } }") == [
        "INTROSPECTION_DISABLED"
    ]


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/playground", "/console", "/altair", "/v1/graphql"])
async def test_cop_graphiql(production: httpx.AsyncClient, path: str) -> None:
    response = await production.get(path, headers={**BROWSER, "accept": "text/html"})
    assert response.status_code in (404, 406)
    assert "graphiql" not in response.text.lower()


async def test_cop_queries_by_get(server: httpx.AsyncClient) -> None:
    """The specification has them; a page of another origin cannot make a browser send one."""
    response = await server.get("/graphql?query=query%20cop%20%7B__typename%7D", headers=BROWSER)
    assert response.status_code == 403
    assert "data" not in response.json()


async def test_cop_mutations_by_get(server: httpx.AsyncClient) -> None:
    response = await server.get("/graphql", params={"query": LOGOUT})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_cop_url_encoded_post(server: httpx.AsyncClient) -> None:
    for query in ("query cop { __typename }", LOGOUT):
        assert (await server.post("/graphql", data={"query": query})).status_code == 415


async def test_cop_trace_mode(server: httpx.AsyncClient) -> None:
    headers = {"x-apollo-tracing": "1", "apollo-federation-include-trace": "ftv1"}
    response = await server.post("/graphql", json={"query": "query cop { __typename }"}, headers=headers)
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("query", ["qwerty cop { abc }", "{ product(id: {}) { id } }", "{", "query ($a: A) { a }"])
async def test_cop_unhandled_errors(server: httpx.AsyncClient, query: str) -> None:
    response = await server.post("/graphql", json={"query": query})
    assert response.status_code == 200
    assert not {"exception", "stacktrace", "debug"} & {
        *(name for error in response.json()["errors"] for name in (*error, *error["extensions"]))
    }


# GraphQL Armor


async def test_armor_character_limit(server: httpx.AsyncClient) -> None:
    assert await codes(server, "{ me { id } } #" + "a" * 16_384) == ["DOCUMENT_TOO_LONG"]


async def test_armor_max_tokens(server: httpx.AsyncClient) -> None:
    assert await codes(server, f"{{ nodes(ids: [{'1 ' * 2000}]) {{ id }} }}") == ["TOO_MANY_TOKENS"]


async def test_armor_max_depth(server: httpx.AsyncClient) -> None:
    query = "{ products { nodes { category { products { nodes { category { products { nodes { category { products"
    deep = f"{query} {{ nodes {{ id }} }} {'} ' * query.count('{')}"
    assert await codes(server, deep) == ["QUERY_TOO_DEEP"]
    hidden = deep.replace("{ products", "{ ... { products", 1) + "}"
    assert await codes(server, hidden) == ["QUERY_TOO_DEEP"]


async def test_armor_max_aliases(server: httpx.AsyncClient) -> None:
    spread = "...A " * 4
    query = (
        f'{{ product(id: "a") {{ {spread} }} }} fragment A on Product {{ {" ".join(f"a{n}: id" for n in range(8))} }}'
    )
    assert await codes(server, query) == ["TOO_MANY_ALIASES"]


async def test_armor_max_directives(server: httpx.AsyncClient) -> None:
    fields = " ".join(f"a{number}: id @include(if: true)" for number in range(21))
    assert await codes(server, f'{{ product(id: "a") {{ {fields} }} }}') == ["TOO_MANY_DIRECTIVES"]


async def test_armor_cost_limit(server: httpx.AsyncClient) -> None:
    query = "query ($n: Int) { categories(first: $n) { nodes { products(first: $n) { nodes { id } } } } }"
    assert await codes(server, query, n=100) == ["TOO_MANY_NODES", "QUERY_TOO_COSTLY"]
    response = await server.post("/graphql", json={"query": query, "variables": {"n": 10}})
    assert "errors" not in response.json()


async def test_armor_block_field_suggestions(production: httpx.AsyncClient) -> None:
    for query in ("{ prodcts { nodes { id } } }", '{ product(ids: "a") { id } }', "{ me { ... on Usr { id } } }"):
        response = await production.post("/graphql", json={"query": query})
        assert "Did you mean" not in response.text
