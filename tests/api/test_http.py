"""GraphQL over HTTP: methods, media types, bodies, status codes, and what happens when something breaks."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette

from shop_graphql import services
from shop_graphql.api.encoding import encode
from shop_graphql.api.requests import headers_of
from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.reading import ReadSession
from shop_graphql.settings import Settings
from tests.api.conftest import ADMIN, Client
from tests.api.mutating import mutate, tables
from tests.conftest import SECRET
from tests.factories import Factory
from tests.faults.proxy import Proxy, proxied

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
QUERY = '{"query": "{ __typename }"}'
ANSWER = {"data": {"__typename": "Query"}}
DELETE = 'mutation { deleteProduct(input: {productId: "prod_1"}) { __typename } }'


async def post(http: httpx.AsyncClient, body: str | bytes, **headers: str) -> httpx.Response:
    names = {"content-type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = {name.encode(): value.encode("latin-1") for name, value in names.items()}
    return await http.post("/graphql", content=body, headers=encoded)


def error(response: httpx.Response) -> tuple[int, str, str]:
    """Return the status, the code and the message of a response that is one request error and nothing else."""
    assert set(response.json()) == {"errors"}
    (found,) = response.json()["errors"]
    return response.status_code, found["extensions"]["code"], found["message"]


def server(app: Starlette) -> httpx.AsyncClient:
    """Return a client that gets what a bug in the server makes of a request, as the network would."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://shop.test", headers=ADMIN
    )


# Requests


async def test_a_query_is_answered_by_post_and_by_get(http: httpx.AsyncClient, make: Factory) -> None:
    await make.user("ada@example.com")
    query = "query ($by: UserBy!) { user(by: $by) { id } }"
    by = {"by": {"email": "Ada@example.com"}}
    posted = await http.post("/graphql", json={"query": query, "variables": by})
    got = await http.get("/graphql", params={"query": query, "variables": json.dumps(by)})
    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json() == {"data": {"user": {"id": "user_1"}}}


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"variables": None, "operationName": None, "extensions": None},
        {"variables": {}, "operationName": "", "extensions": {"a": [1]}},
        {"unknown": 1},
    ],
)
async def test_what_is_optional_may_be_absent_null_or_empty(http: httpx.AsyncClient, others: dict[str, Any]) -> None:
    response = await http.post("/graphql", json={"query": "{ __typename }", **others})
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": DELETE},
        {"query": f"query A {{ __typename }} {DELETE.replace('mutation', 'mutation B')}", "operationName": "B"},
    ],
)
async def test_get_is_for_queries_only(
    http: httpx.AsyncClient, make: Factory, database: Database, parameters: dict[str, str]
) -> None:
    await make.product()
    before = await tables(database)
    response = await http.get("/graphql", params=parameters)
    assert error(response) == (405, "METHOD_NOT_ALLOWED", "By GET only queries are answered; use POST.")
    assert response.headers["allow"] == "POST"
    assert await tables(database) == before


async def test_get_answers_the_query_of_a_document_that_has_a_mutation_too(http: httpx.AsyncClient) -> None:
    query = f"query A {{ __typename }} {DELETE.replace('mutation', 'mutation B')}"
    response = await http.get("/graphql", params={"query": query, "operationName": "A"})
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
async def test_another_method_is_refused(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql", content=QUERY, headers={"content-type": JSON})
    assert error(response) == (405, "METHOD_NOT_ALLOWED", "GraphQL is asked by GET or POST.")
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "media_type",
    [JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json ;", f" {JSON} "],
)
async def test_a_body_is_json_whatever_the_parameters_of_its_media_type(
    http: httpx.AsyncClient, media_type: str
) -> None:
    response = await post(http, QUERY, content_type=media_type)
    assert (response.status_code, response.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    "media_type",
    [
        *("", "json", "application/jsonx", "application/json-patch+json", "text/json", "text/plain", "*/*"),
        *("application/graphql", GRAPHQL_JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("text/plain; application/json", "application/json; charset=utf-16", 'application/json;charset="latin1"'),
        "application/json\xa0",
    ],
)
async def test_a_body_of_another_media_type_is_refused(http: httpx.AsyncClient, media_type: str) -> None:
    response = await post(http, QUERY, content_type=media_type)
    assert error(response) == (
        415,
        "MEDIA_TYPE_UNSUPPORTED",
        "The body must be application/json, in UTF-8.",
    )


def test_many_headers_are_read_in_a_time_that_grows_with_their_number_only() -> None:
    pairs = [(b"%x" % number, b"1") for number in range(20_000)] + [(b"a", b"2")] * 20_000
    before = time.process_time()
    headers = headers_of({"headers": pairs})
    assert time.process_time() - before < 0.5
    assert headers[b"a"] == b", ".join([b"1"] + [b"2"] * 20_000)
    assert (len(headers), headers[b"b"]) == (20_000, b"1")


async def test_a_body_without_a_media_type_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.post("/graphql", content=QUERY)).status_code == 415


NO_OBJECT = "The body must be one JSON object."
NO_QUERY = "query must be a GraphQL document."


BODIES = {
    NO_OBJECT: [b"null", b"1", b'"x"', b"true"],
    NO_QUERY: [
        *(b"{}", b'{"qeury": "{ __typename }"}', b'{"query": null}', b'{"query": ""}', b'{"query": " \\n"}'),
        *(b'{"query": 1}', b'{"query": ["{ __typename }"]}', b'{"query": {}}'),
    ],
    "variables must be an object.": [
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "variables": 0}',
    ],
    "operationName must be a string.": [
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "operationName": []}',
    ],
    "extensions must be an object.": [
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "{ __typename }", "extensions": "{}"}',
    ],
}


@pytest.mark.parametrize("message", BODIES)
async def test_a_body_that_is_no_request_is_refused(http: httpx.AsyncClient, message: str) -> None:
    for body in BODIES[message]:
        for accept in (JSON, GRAPHQL_JSON):
            response = await post(http, body, accept=accept)
            assert error(response) == (400, "BAD_REQUEST", message), body[:100]
            assert response.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, NO_QUERY),
        ({"query": ""}, NO_QUERY),
        ({"query": "{ __typename }", "variables": "1"}, "variables must be an object."),
    ],
)
async def test_a_url_that_is_no_request_is_refused(
    http: httpx.AsyncClient, parameters: dict[str, str], message: str
) -> None:
    assert error(await http.get("/graphql", params=parameters)) == (400, "BAD_REQUEST", message)


# Responses


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9, */*;q=0.1", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{JSON};q=0, {GRAPHQL_JSON};q=0.001", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};charset=utf-8;Q=0.2,{JSON} ; q=0.3", JSON),
        (f"text/html, {GRAPHQL_JSON.upper()}", GRAPHQL_JSON),
        (f"*/*, {GRAPHQL_JSON};q=0.5", GRAPHQL_JSON),
    ],
)
async def test_the_media_type_of_the_response_is_what_the_client_prefers(
    http: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    response = await post(http, QUERY, accept=accept)
    assert (response.status_code, response.json()) == (200, ANSWER)
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"


async def test_without_accept_the_response_has_the_media_type_of_graphql(http: httpx.AsyncClient) -> None:
    del http.headers["accept"]
    response = await post(http, QUERY)
    assert response.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", [HTML, "image/png", "text/*", "application/jsonx", f"{JSON};q=0, {GRAPHQL_JSON};q=0"]
)
async def test_a_client_that_takes_nothing_of_ours_is_refused(http: httpx.AsyncClient, accept: str) -> None:
    message = f"This server answers in {GRAPHQL_JSON} or {JSON}."
    assert error(await post(http, QUERY, accept=accept)) == (406, "NOT_ACCEPTABLE", message)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "#"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ a " * 1000}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ products(first: " + "[" * 1000}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ node(id: 1) }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { __typename } query A { __typename }", "operationName": "A"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: Int!) { products(first: $n) { nodes { id } } }"}, "BAD_USER_INPUT"),
        (
            {"query": "query ($n: Int) { products(first: $n) { nodes { id } } }", "variables": {"n": "1"}},
            "BAD_USER_INPUT",
        ),
        ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "{ __typename }", "operationName": "A"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename } mutation B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "fragment A on Query { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "type A { a: Int }"}, "OPERATION_RESOLUTION_FAILURE"),
    ],
)
async def test_a_request_error_is_400_under_the_media_type_of_graphql_and_200_under_json(
    http: httpx.AsyncClient, parameters: dict[str, Any], code: str
) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), (JSON, 200)):
        response = await http.post("/graphql", json=parameters, headers={"accept": accept})
        assert error(response)[:2] == (status, code)


async def test_an_error_of_a_field_is_no_request_error(http: httpx.AsyncClient) -> None:
    for accept in (JSON, GRAPHQL_JSON):
        response = await post(
            http, '{"query": "{ node(id: 1) { id } products(first: 0) { nodes { id } } }"}', accept=accept
        )
        assert response.status_code == 200
        assert response.json()["data"] is None
        assert response.json()["errors"][0]["path"] == ["products"]


async def test_operation_name_says_which_operation_is_run(http: httpx.AsyncClient, database: Database) -> None:
    create = 'mutation B { createCategory(input: {name: "Books"}) { __typename } }'
    query = f"query A {{ __typename }} {create} query C {{ c: __typename }}"
    responses = [
        (await http.post("/graphql", json={"query": query, "operationName": name})).json() for name in ("A", "C")
    ]
    assert responses == [ANSWER, {"data": {"c": "Query"}}]
    assert (await tables(database))["categories"] == []
    response = await http.post("/graphql", json={"query": query, "operationName": "B"})
    assert response.json() == {"data": {"createCategory": {"__typename": "CreateCategorySuccess"}}}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_subscription_is_told_which_way_to_take(http: httpx.AsyncClient, method: str, accept: str) -> None:
    query = {"query": "subscription { nothing }"}
    headers = {"accept": accept}
    if method == "POST":
        response = await http.post("/graphql", json=query, headers=headers)
    else:
        response = await http.get("/graphql", params=query, headers=headers)
    message = "Subscriptions are answered over graphql-transport-ws, or as text/event-stream to who accepts that."
    assert error(response) == (400, "SUBSCRIPTION_TRANSPORT", message)


# Beside GraphQL


@pytest.mark.parametrize("accept", [BROWSER, HTML, "TEXT/HTML", f"text/html, {JSON};q=0.9", f"{JSON};q=0.5, text/html"])
@pytest.mark.parametrize("parameters", [{}, {"query": "{ __typename }"}, {"query": DELETE}])
async def test_a_browser_is_shown_graphiql(http: httpx.AsyncClient, accept: str, parameters: dict[str, str]) -> None:
    response = await http.get("/graphql", params=parameters, headers={"accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "GraphiQL" in response.text


@pytest.mark.parametrize(
    "accept", ["*/*", JSON, f"{JSON}, text/html;q=0.9", f"{JSON}, text/html", f"text/htmlx, {JSON}"]
)
async def test_a_program_is_not_shown_graphiql(http: httpx.AsyncClient, accept: str) -> None:
    response = await http.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": accept})
    assert (response.status_code, response.json()) == (200, ANSWER)


async def test_graphiql_can_be_switched_off(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, graphiql=False))
    async with server(app) as http:
        response = await http.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": BROWSER})
        assert (response.status_code, response.json()) == (200, ANSWER)
        response = await http.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": HTML})
        assert error(response)[0] == 406


@pytest.mark.parametrize("path", ["/", "/graphql/"])
async def test_the_root_leads_to_graphql_whatever_host_is_named(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path, headers={"host": "other.example"})
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


async def test_a_slash_too_many_leads_nowhere(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/")).status_code == 404


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_a_healthy_server_says_so(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert (response.status_code, response.json()["status"]) == (200, "ok")


async def test_health_tells_how_a_worker_feels(http: httpx.AsyncClient) -> None:
    figures = (await http.get("/health")).json()
    assert figures["requests"] == figures["connections"] == 0
    assert 0 <= figures["loopLagSeconds"] < 60
    assert (figures["memoryBytes"] > 10_000_000) is (sys.platform == "linux")


async def test_an_unknown_path_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/graphiql")).status_code == 404


# Bugs


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "shop_graphql")
    return caplog


@pytest.mark.parametrize(
    "bug",
    [
        ZeroDivisionError("secret"),
        KeyError("secret"),
        IntegrityError("SELECT secret", {}, Exception("secret")),
        AssertionError("secret"),
        RecursionError("secret"),
    ],
    ids=lambda bug: type(bug).__name__,
)
async def test_a_bug_in_a_mutation_is_masked_with_a_reference_that_the_log_has(
    client: Client,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    log: pytest.LogCaptureFixture,
    bug: Exception,
) -> None:
    create = services.create_category

    async def broken(*arguments: Any, **values: Any) -> None:
        await create(*arguments, **values)
        raise bug

    monkeypatch.setattr(services, "create_category", broken)
    response = await client.http.post(
        "/graphql", json={"query": 'mutation { createCategory(input: {name: "Books"}) { __typename } }'}
    )
    assert "secret" not in response.text
    (found,) = response.json()["errors"]
    reference = found["extensions"].pop("reference")
    assert response.json()["data"] is None
    assert found == {
        "message": "Something went wrong on our side.",
        "locations": [{"line": 1, "column": 12}],
        "path": ["createCategory"],
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
    (record,) = log.records
    assert (record.levelname, record.getMessage()) == ("ERROR", f"Bug {reference} at ['createCategory']")
    assert record.exc_info is not None
    assert record.exc_info[1] is bug
    assert (await tables(database))["categories"] == []


async def test_a_bug_in_one_field_leaves_the_others_their_answers(
    client: Client, resolvers: None, make: Factory, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    await make.product()
    execute = ReadSession.execute

    async def broken(self: ReadSession, statement: Any, parameters: Any = None) -> Any:
        if "users" in str(statement):
            raise ZeroDivisionError("secret")
        return await execute(self, statement, parameters)

    monkeypatch.setattr(ReadSession, "execute", broken)
    content = await client.send(
        '{ product(id: "prod_1") { id } user(by: {id: "user_1"}) { id } node(id: "user_1") { id } }'
    )
    assert content["data"] == {"product": {"id": "prod_1"}, "user": None, "node": None}
    assert sorted(found["path"] for found in content["errors"]) == [["node"], ["user"]]
    references = {found["extensions"]["reference"] for found in content["errors"]}
    assert len(references) == 2
    assert {record.getMessage().split()[1] for record in log.records} == references


async def test_a_bug_is_answered_with_200_since_the_rest_may_be_right(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*arguments: Any, **values: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ReadSession, "execute", broken)
    response = await post(client.http, '{"query": "{ product(id: \\"prod_1\\") { id } }"}', accept=GRAPHQL_JSON)
    assert (response.status_code, response.json()["data"]) == (200, {"product": None})


# The database is away

MASKED = {"message": "The shop cannot answer at the moment; try again.", "extensions": {"code": "UNAVAILABLE"}}
READ = "{ products { nodes { id } } }"
WRITE = 'mutation { createCategory(input: {name: "Books"}) { __typename } }'


async def unavailable(client: httpx.AsyncClient, query: str) -> bool:
    """Tell whether all that comes of `query` is that the shop cannot answer."""
    response = await client.post("/graphql", json={"query": query})
    content = response.json()
    shown = [{key: found[key] for key in MASKED} for found in content.get("errors", [])]
    is_away = (response.status_code, response.headers.get("retry-after")) == (503, "1")
    return is_away and content["data"] is None and shown == [MASKED]


def pool(app: Starlette) -> Any:
    return app.state.database.engine.pool


async def checked_out(app: Starlette, number: int) -> None:
    """Wait until so many connections are in use."""
    for _ in range(500):
        if pool(app).checkedout() + app.state.database.direct.in_use == number:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{pool(app).checkedout()} connections are in use instead of {number}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop@127.0.0.1:1/shop",
        "postgresql://shop@nowhere.invalid/shop",
        "postgresql://shop@/shop?host=/nowhere",
    ],
    ids=["refused", "unknown host", "no socket"],
)
async def test_without_a_database_the_shop_is_unavailable(url: str, log: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(database_url=url, secrets=SECRET, pool_timeout=1, read_patience=0))
    async with server(app) as http:
        assert await unavailable(http, READ)
        assert await unavailable(http, WRITE)
        ready = await http.get("/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "unavailable"})
        assert (await http.get("/health")).status_code == 200
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).json() == ANSWER
    assert {record.levelname for record in log.records} == {"WARNING"}
    assert pool(app).checkedout() == 0


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Proxy]:
    async with proxied(database_url) as line:
        yield line


@pytest.fixture
async def far_app(line: Proxy, make: Factory) -> AsyncIterator[Starlette]:
    """The application, its database at the other end of a wire, in a shop with one product."""
    await make.product()
    app = create_app(
        Settings(
            database_url=line.url,
            secrets=SECRET,
            pool_timeout=0.3,
            lock_timeout=0.2,
            statement_timeout=1,
            read_patience=0,
        )
    )
    yield app
    await app.state.database.close()


@pytest.fixture
async def far(far_app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with server(far_app) as http:
        yield http


async def test_the_shop_comes_back_with_its_database(far: httpx.AsyncClient, far_app: Starlette, line: Proxy) -> None:
    for _ in range(2):
        answers = await asyncio.gather(*(far.post("/graphql", json={"query": READ}) for _ in range(5)))
        assert [answer.json()["data"] for answer in answers] == [{"products": {"nodes": [{"id": "prod_1"}]}}] * 5
        assert (await far.get("/ready")).status_code == 200
        await line.cut()
        assert all(await asyncio.gather(*(unavailable(far, query) for query in (READ, WRITE, READ))))
        assert (await far.get("/ready")).status_code == 503
        assert pool(far_app).checkedout() == 0
        await line.mend()
    assert "errors" not in (await far.post("/graphql", json={"query": WRITE})).json()


@pytest.mark.parametrize(
    "query",
    [READ, 'mutation { updateProductPrice(input: {productId: "prod_1", price: 1}) { __typename } }'],
    ids=["a query", "a mutation"],
)
async def test_a_request_whose_connection_breaks_halfway_is_told_that_the_shop_is_unavailable(
    far: httpx.AsyncClient, far_app: Starlette, line: Proxy, database: Database, query: str
) -> None:
    before = await tables(database)
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE products"))
        asking = asyncio.create_task(unavailable(far, query))
        await checked_out(far_app, 1)
        await asyncio.sleep(0.05)
        assert not asking.done()
        await line.cut()
        assert await asking
    assert pool(far_app).checkedout() == 0
    await line.mend()
    assert (await far.post("/graphql", json={"query": READ})).json()["data"] is not None
    assert await tables(database) == before


async def test_a_database_that_never_answers_is_given_up(
    far: httpx.AsyncClient, far_app: Starlette, line: Proxy
) -> None:
    line.silent = True
    async with asyncio.timeout(5):
        assert await unavailable(far, READ)
        assert await unavailable(far, WRITE)
        assert (await far.get("/ready")).status_code == 503
    assert pool(far_app).checkedout() == 0
    line.silent = False
    assert (await far.post("/graphql", json={"query": READ})).json()["data"] is not None


async def test_a_lock_that_is_not_released_in_time_makes_the_shop_unavailable(
    far: httpx.AsyncClient, far_app: Starlette, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT * FROM products FOR UPDATE"))
        assert await unavailable(far, DELETE)
    assert pool(far_app).checkedout() == 0
    response = await far.post("/graphql", json={"query": DELETE})
    assert response.json() == {"data": {"deleteProduct": {"__typename": "DeleteProductSuccess"}}}


async def test_a_statement_that_takes_too_long_is_no_bug_and_neither_are_those_behind_it(
    far: httpx.AsyncClient, far_app: Starlette, database: Database, log: pytest.LogCaptureFixture
) -> None:
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE products"))
        response = await far.post(
            "/graphql", json={"query": '{ product(id: "prod_1") { id } user(by: {id: "user_1"}) { id } }'}
        )
    assert response.json()["data"] == {"product": None, "user": None}
    assert [found["extensions"] for found in response.json()["errors"]] == [{"code": "UNAVAILABLE"}] * 2
    assert [record.levelname for record in log.records] == ["WARNING"] * 2
    assert pool(far_app).checkedout() == 0


async def test_a_server_all_of_whose_connections_are_taken_refuses_after_a_while(
    database_url: str, database: Database, make: Factory
) -> None:
    await make.product()
    settings = Settings(
        database_url=database_url,
        secrets=SECRET,
        pool_size=1,
        pool_overflow=1,
        pool_timeout=0.2,
        lock_timeout=1,
        compiler=False,  # compiled queries have connections of their own
    )
    app = create_app(settings)
    async with server(app) as http:
        async with database.transaction() as session:
            await session.execute(text("SELECT * FROM products FOR UPDATE"))
            waiting = [asyncio.create_task(http.post("/graphql", json={"query": DELETE})) for _ in range(2)]
            await checked_out(app, 2)
            assert await unavailable(http, READ)
        outcomes = [(await answer).json()["data"]["deleteProduct"]["__typename"] for answer in waiting]
        assert sorted(outcomes) == ["DeleteProductSuccess", "NotFoundError"]
    assert pool(app).checkedout() == 0
    await app.state.database.close()


async def test_refusals_bugs_and_bad_requests_leave_the_pool_whole(
    client: Client, app: Starlette, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make.product()

    async def broken(*arguments: Any, **values: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(services, "create_user", broken)
    requests = [
        READ,
        "{ products(first: 0) { nodes { id } } }",
        "{ products { nodes { id category { products(first: 0) { nodes { id } } } } } }",
        'mutation { deleteCategory(input: {categoryId: "cat_1"}) { __typename } }',
        'mutation { createUser(input: {email: "a@b.com", fullName: "A"}) { __typename } }',
        "{ nothing }",
        "{",
    ]
    await asyncio.gather(*(client.send(query) for query in requests * 5))
    assert pool(app).checkedout() == 0
    assert await mutate(client, "deleteProduct", productId="prod_1") == {"__typename": "DeleteProductSuccess"}


async def test_a_client_that_goes_away_leaves_the_pool_whole(
    client: Client, app: Starlette, make: Factory, database: Database
) -> None:
    await make.product()
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE products"))
        leaving = [asyncio.create_task(client.send(query)) for query in (READ, DELETE)]
        await checked_out(app, 2)
        await asyncio.sleep(0.05)
        for request in leaving:
            request.cancel()
        await asyncio.sleep(0)
    await asyncio.wait(leaving)
    assert all(request.cancelled() for request in leaving)
    await checked_out(app, 0)
    await client.ask(READ)


def test_an_answer_of_any_depth_is_written() -> None:
    deep: Any = "leaf"
    for _ in range(400):
        deep = {"node": deep}
    assert json.loads(encode(deep)) == deep
