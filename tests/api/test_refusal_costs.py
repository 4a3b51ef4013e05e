"""What is refused before it is an operation costs its address, unless any page could make a browser send it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shop_graphql.app import create_app
from shop_graphql.settings import Settings
from tests.api.conftest import ADMIN
from tests.conftest import SECRET

JSON = {"content-type": "application/json"}
QUERY = '{"query": "{ __typename }"}'
OWN = {"graphql-require-preflight": "1"}
COSTLY: dict[str, dict[str, Any]] = {
    "no JSON": {"content": "{", "headers": JSON},
    "no object": {"content": "[]", "headers": JSON},
    "a key twice": {"content": '{"query": "a", "query": "b"}', "headers": JSON},
    "no UTF-8": {"content": b"\xff", "headers": JSON},
    "too deep": {"content": "[" * 99, "headers": JSON},
    "too large": {"content": "x" * 200_000, "headers": JSON},
    "no document": {"content": "{}", "headers": JSON},
    "an unknown hash": {"content": '{"documentId": "sha256:' + "0" * 64 + '"}', "headers": JSON},
    "a URL without a document": {"method": "GET", "headers": OWN},
    "for events": {"content": "{", "headers": JSON | {"accept": "text/event-stream"}},
    "of somebody signed in": {"content": "{", "headers": JSON | ADMIN},
    "a document that does not parse": {"content": '{"query": "{"}', "headers": JSON},
}
FREE: dict[str, dict[str, Any]] = {
    "another media type": {"content": QUERY, "headers": {"content-type": "text/plain"}},
    "compressed": {"content": QUERY, "headers": JSON | {"content-encoding": "gzip"}},
    "another method": {"method": "PUT", "content": QUERY, "headers": JSON},
    "a GET of a page elsewhere": {
        "method": "GET",
        "params": {"query": "{ __typename }"},
        "headers": {"origin": "https://evil.example"},
    },
    "for events, another media type": {"headers": {"content-type": "text/plain", "accept": "text/event-stream"}},
}


async def ask(app: Starlette, method: str = "POST", **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.request(method, "/graphql", **request)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Starlette]:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, cost_per_address="3/hour"))
    yield app
    await app.state.accounts.close()
    await app.state.database.close()


@pytest.mark.parametrize("request_", COSTLY.values(), ids=COSTLY)
async def test_content_that_is_refused_costs_until_nothing_is_left(app: Starlette, request_: dict[str, Any]) -> None:
    statuses = [(await ask(app, **request_)).status_code for _ in range(3)]
    assert 429 not in statuses[:2]
    refused = await ask(app, **request_)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) > 0
    assert (await ask(app, content=QUERY, headers=JSON)).status_code == 429
    assert (await ask(app, content=QUERY, headers=JSON | ADMIN)).status_code == 200


@pytest.mark.parametrize("request_", FREE.values(), ids=FREE)
async def test_what_any_page_can_have_sent_costs_nothing(app: Starlette, request_: dict[str, Any]) -> None:
    statuses = {(await ask(app, **request_)).status_code for _ in range(9)}
    assert statuses <= {403, 405, 415}
    assert (await ask(app, content=QUERY, headers=JSON)).status_code == 200


async def test_without_a_limit_what_is_refused_is_told_for_ever(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, cost_per_address="off"))
    assert {(await ask(app, **COSTLY["no JSON"])).status_code for _ in range(9)} == {400}
    await app.state.accounts.close()
    await app.state.database.close()
