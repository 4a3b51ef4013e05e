"""Subscriptions come through the same gate as other requests, whatever they are sent over."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.live import Live, live

STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId } }"
SHOP = "https://shop.example.com"
EVIL = "https://evil.example.com"
BROWSER = {"accept": "text/event-stream", "user-agent": "Mozilla/5.0"}
NOTHING = {"productChanged": {"productId": "prod_1"}}
pytestmark = pytest.mark.usefixtures("empty_shop")


class Way:
    """One of the ways to subscribe."""

    def __init__(self, over: str) -> None:
        self._is_socket = over == "socket"

    async def first(self, server: Live, query: str | None = STOCK, **payload: Any) -> Any:
        """Return what is answered first: data, or the extensions of the error."""
        payload = {"query": query, "variables": {"ids": ["prod_1"]}, **payload}
        found = await (self._message if self._is_socket else self._event)(server, payload)
        return found["data"] if "data" in found else found["errors"][0]["extensions"]

    async def _message(self, server: Live, payload: Any) -> Any:
        async with server.client() as socket:
            await socket.send(id="1", type="subscribe", payload=payload)
            message = await socket.receive()
            return message["payload"] if message["type"] == "next" else {"errors": message["payload"]}

    async def _event(self, server: Live, payload: Any) -> Any:
        async with server.stream_of(payload) as stream:
            if stream.response.status_code == 200:
                return await stream.next()
            await stream.response.aread()
            found = stream.response.json()
            assert stream.response.status_code == 429 or "retryAfter" not in found["errors"][0]["extensions"]
            return found


@pytest.fixture(params=["socket", "events"])
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


async def test_a_document_beyond_the_limits_is_refused(database_url: str, way: Way) -> None:
    async with live(database_url, alias_limit=2, depth_limit=3, cost_limit=5) as server:
        aliases = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { a: productId b: productId c: productId } }"
        assert await way.first(server, aliases) == {"code": "TOO_MANY_ALIASES", "limit": 2, "found": 3}
        deep = STOCK.replace("productId", "product { category { products { nodes { id } } } }")
        assert (await way.first(server, deep))["code"] == "QUERY_TOO_DEEP"
        many = {"ids": [f"prod_{number}" for number in range(1, 101)]}
        assert await way.first(server, variables=many) == {"code": "QUERY_TOO_COSTLY", "limit": 5, "found": 11}
        assert await way.first(server) == NOTHING


async def test_who_has_too_few_points_left_is_told_when_to_come_again(database_url: str, way: Way) -> None:
    async with live(database_url, cost_per_address="3/300seconds") as server:
        assert await way.first(server) == NOTHING  # 1 point, and 1 since the document is new
        assert await way.first(server) == NOTHING
        refused = await way.first(server)
        wait = refused.pop("retryAfter")
        assert 90 <= wait <= 100
        assert refused == {"code": "RATE_LIMITED", "requested": 1, "limit": 3, "remaining": 0}


async def test_a_subscription_that_does_not_begin_costs_one_point(database_url: str, way: Way) -> None:
    many = {"ids": [f"prod_{number}" for number in range(1, 101)]}  # 11 points
    async with live(database_url, cost_per_address="14/hour") as server:
        refused = await way.first(server, STOCK.replace("productId", "nothing"), variables=many)
        assert refused == {"code": "GRAPHQL_VALIDATION_FAILED"}
        assert await way.first(server, variables=many) == NOTHING
        assert (await way.first(server, variables=many))["code"] == "RATE_LIMITED"


async def test_only_trusted_documents_are_carried_out(database_url: str, way: Way, tmp_path: Path) -> None:
    id = hashlib.sha256(STOCK.encode()).hexdigest()
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps({id: STOCK}))
    async with live(database_url, trusted_documents=path, trusted_documents_only=True) as server:
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": id}}
        assert await way.first(server) == NOTHING
        assert await way.first(server, None, documentId=id) == NOTHING
        assert await way.first(server, None, extensions=hashed) == NOTHING
        assert await way.first(server, STOCK + " ") == {"code": "DOCUMENT_NOT_TRUSTED"}
        assert await way.first(server, None, documentId="0") == {"code": "DOCUMENT_NOT_FOUND"}


async def test_a_document_that_is_not_trusted_leaves_the_connection_as_it_is(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "persisted-documents.json"
    path.write_text(json.dumps({"1": STOCK}))
    async with (
        live(database_url, trusted_documents=path, trusted_documents_only=True) as server,
        server.client() as own,
    ):
        await own.subscribe("1", STOCK, ids=["prod_1"])
        assert await own.next() == NOTHING
        await own.subscribe("2", STOCK + " ", ids=["prod_1"])
        assert (await own.receive())["type"] == "error"
        await own.subscribe("2", STOCK, ids=["prod_1"])
        assert await own.next() == NOTHING


@pytest.mark.parametrize(("env", "suggests"), [("development", True), ("production", False)])
async def test_no_names_are_suggested_in_production(database_url: str, way: Way, env: str, suggests: bool) -> None:
    async with live(database_url, env=env) as server:
        found = await way._event(server, {"query": STOCK.replace("productId", "productIdd")})
    assert ("Did you mean" in found["errors"][0]["message"]) is suggests


async def test_pages_of_allowed_origins_read_streams_and_no_others(database_url: str) -> None:
    asked = {"query": 'subscription { productChanged(ids: ["prod_1"]) { productId } }'}
    async with (
        live(database_url, allowed_origins=SHOP) as server,
        httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http,
    ):
        for origin, is_let_in in ((SHOP, True), (EVIL, False), ("null", False)):
            headers = BROWSER | {"origin": origin, "sec-fetch-site": "cross-site"}
            async with http.stream("POST", "/graphql", json=asked, headers=headers) as response:
                assert response.status_code == 200
                assert (response.headers.get("access-control-allow-origin") == origin) is is_let_in
            async with http.stream("GET", "/graphql", params=asked, headers=headers) as response:
                assert response.status_code == (200 if is_let_in else 403)
            if not is_let_in:
                refused = await http.get("/graphql", params=asked, headers=headers)
                assert refused.json()["errors"][0]["extensions"] == {"code": "PREFLIGHT_REQUIRED"}


async def test_a_stream_takes_no_place_of_a_request(database_url: str) -> None:
    timeouts: dict[str, Any] = {
        "lock_timeout": 0.2,
        "statement_timeout": 0.4,
        "silence_timeout": 0.6,
        "pool_timeout": 0.8,
    }
    async with (
        live(database_url, max_requests=1, request_timeout=1, heartbeat=0.2, **timeouts) as server,
        server.stream(STOCK, ids=["prod_1"]) as stream,
        httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http,
    ):
        assert (await stream.next())["data"] == NOTHING
        assert (await http.get("/health")).json()["requests"] == 0
        answer = await http.post("/graphql", json={"query": "{ __typename }"})
        assert answer.json() == {"data": {"__typename": "Query"}}
        await asyncio.sleep(1)
        assert [await stream.event() for _ in range(7)] == [(":", None)] * 7
