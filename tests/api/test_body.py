"""Bodies: how they are received, and what JSON is taken for a request."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from shop_graphql.api.bad_request import BadRequest
from shop_graphql.api.body import BodyLimits, parse, receive_body
from shop_graphql.app import create_app
from shop_graphql.settings import Settings
from tests.compiler.conftest import served
from tests.conftest import SECRET

QUERY = b'{"query": "{ __typename }"}'
ANSWER = {"data": {"__typename": "Query"}}
LIMITS = BodyLimits(size=100, seconds=0.05, depth=32)


def with_variables(text: bytes) -> bytes:
    return b'{"query": "{ __typename }", "variables": ' + text + b"}"


def code_and_status(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


BAD = {
    "EMPTY_BODY": [b"", b" \n"],
    "INVALID_UTF8": [
        *(b"\xff\xfe", b'{"query": "\xff"}', b'{"query": "\xed\xa0\x80"}', b'{"query": "\xc0\xaf"}'),
        *(QUERY.decode().encode(name) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")),
    ],
    "INVALID_JSON": [
        *(b"{", b"query", b"{ __typename }", b"{'query': '{ __typename }'}", b'{"query": "{ __typename }",}'),
        *(QUERY * 2, QUERY + b"x", b'{"query": "\\ud800"}', b'{"query": "a\nb"}', b'{"query": "', b'"\\'),
        with_variables(b'{"a": ' + b"1" * 5000 + b"}"),
        *(with_variables(b'{"a": %b}' % value) for value in (b"1e999", b"NaN", b"-Infinity", b"01", b'"\\ud800"')),
        with_variables(b'{"\\udfff": 1}'),
        b"(" * 100_000,
    ],
    "JSON_TOO_DEEP": [
        *(b"[" * 33, b"[" * 100_000, b"[" * 60_000 + b"]" * 60_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
        with_variables(b'{"a":' * 32 + b"1" + b"}" * 32),
    ],
    "DUPLICATE_KEY": [
        b'{"query": "{ a }", "query": "{ __typename }"}',
        b'{"query" : "{ a }", "query"\n:"{ __typename }"}',
        b'{"query": "{ a }", "\\u0071uery": "{ __typename }"}',
        with_variables(b'{"a": [{"b": 1, "b": 1}]}'),
        with_variables(b'{"a": "\\":", "a": "\\":"}'),
    ],
    "BATCHING_UNSUPPORTED": [b"[]", b"[null]", b"[" + QUERY + b"]", b"[" + QUERY + b"," + QUERY + b"]"],
    "BAD_REQUEST": [b"null", b"1", b'"x"', b"true"],
}


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_body_that_is_no_request_is_refused_by_a_code_of_its_own(
    http: httpx.AsyncClient, code: str, accept: str
) -> None:
    headers = {"content-type": "application/json", "accept": accept}
    for body in BAD[code]:
        response = await http.post("/graphql", content=body, headers=headers)
        assert code_and_status(response) == (400, code), body[:100]
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    "body",
    [
        QUERY,
        b' \n{"query"\t: "{ __typename }"} ',
        with_variables(b'{"a":' * 31 + b"1" + b"}" * 31),
        with_variables(b'{"a": {"a": {"a": [{"a": 1}, {"a": 2}]}}}'),
        b'{"query": "{ a: __typename }", "operationName": "\\":"}'.replace(b'"\\":"', b"null"),
        with_variables(b'{"a": "\\":\\"a\\":1,", "b": ": : :"}'),
        json.dumps({"query": "{ __typename } #" + "{" * 100}).encode(),
        json.dumps({"query": "{ __typename }", "variables": {"é": "😀", "b": {"é": "\u2028\x7f"}}}).encode(),
    ],
)
async def test_a_body_that_only_looks_odd_is_taken(http: httpx.AsyncClient, body: bytes) -> None:
    response = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert list(response.json()) == ["data"], response.text


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip"])
async def test_a_compressed_body_is_refused(http: httpx.AsyncClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = await http.post("/graphql", content=QUERY, headers=headers)
    assert code_and_status(response) == (415, "CONTENT_ENCODING_UNSUPPORTED")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("query=%ff%fe", "INVALID_UTF8"),
        ("query={__typename}&query={__typename}", "DUPLICATE_KEY"),
        ("query={__typename}&variables=", "EMPTY_BODY"),
        ("query={__typename}&variables={", "INVALID_JSON"),
        ("query={__typename}&variables=" + "[" * 5000, "JSON_TOO_DEEP"),
        ('query={__typename}&variables={"a":1,"a":2}', "DUPLICATE_KEY"),
        ('query={__typename}&extensions={"a":1,"a":2}', "DUPLICATE_KEY"),
        ("query={__typename}" + "&a=1" * 60, "BAD_REQUEST"),
    ],
)
async def test_a_url_is_read_as_strictly(http: httpx.AsyncClient, url: str, code: str) -> None:
    assert code_and_status(await http.get(f"/graphql?{url}", headers={"accept": "application/json"})) == (400, code)


async def test_a_body_of_the_allowed_size_is_taken_and_one_of_a_byte_more_is_not(http: httpx.AsyncClient) -> None:
    for more in (0, 1):
        body = QUERY + b" " * (131_072 - len(QUERY) + more)
        for chunks in ([body], [body[:1], body[1:]]):  # the second way without a Content-Length

            async def stream(chunks: Iterable[bytes] = chunks) -> AsyncIterator[bytes]:
                for chunk in chunks:
                    yield chunk

            content: Any = body if len(chunks) == 1 else stream()
            response = await http.post("/graphql", content=content, headers={"content-type": "application/json"})
            if more:
                assert code_and_status(response) == (413, "BODY_TOO_LARGE")
                assert response.headers["connection"] == "close"
                assert response.json()["errors"][0]["extensions"]["limit"] == 131_072
            else:
                assert (response.status_code, response.json()) == (200, ANSWER)


async def test_the_size_can_be_set(database_url: str) -> None:
    async with served(Settings(database_url=database_url, secrets=SECRET, body_limit=1024)) as (_, http):
        assert (await http.post("/graphql", json={"query": "{ __typename }"})).json() == ANSWER
        assert (await http.post("/graphql", json={"query": "{ __typename }" + " " * 1024})).status_code == 413


class Sender:
    """What arrives of a body: chunks, each after so many seconds; the connection then stays open in silence."""

    def __init__(self, *chunks: bytes, pause: float = 0.0, is_complete: bool = True) -> None:
        self.chunks = list(chunks)
        self.pause = pause
        self.is_complete = is_complete
        self.received = 0

    async def receive(self) -> Message:
        if not self.chunks:
            await asyncio.Event().wait()
        if self.pause:
            await asyncio.sleep(self.pause)
        self.received += 1
        chunk = self.chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self.chunks) or not self.is_complete}


@pytest.mark.parametrize(
    "sender",
    [
        Sender(is_complete=False),
        Sender(b"{", is_complete=False),
        Sender(b"{", pause=0.2),
        Sender(*[b"{"] * 50, pause=0.01),
    ],
    ids=["nothing comes", "the rest never comes", "it comes too late", "it dribbles in"],
)
async def test_a_body_that_takes_too_long_is_cut_off(sender: Sender) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(BadRequest, match=r"The body was not there after 0\.05 seconds") as refusal:
            await receive_body({}, sender.receive, LIMITS)
    assert (refusal.value.status, refusal.value.code, refusal.value.headers["connection"]) == (
        408,
        "BODY_TIMEOUT",
        "close",
    )


async def test_a_body_is_put_together_whatever_pieces_it_comes_in() -> None:
    for sender in (Sender(b"abc"), Sender(b"a", b"", b"bc"), Sender(b"a", b"b", b"c", pause=0.001)):
        assert await receive_body({}, sender.receive, LIMITS) == b"abc"


async def test_receiving_ends_at_the_limit_whatever_content_length_says() -> None:
    for length in (b"1", b"0", b"-5", b"", b"many"):
        sender = Sender(b"a" * 60, b"a" * 60, b"a" * 60)
        with pytest.raises(BadRequest) as refusal:
            await receive_body({b"content-length": length}, sender.receive, LIMITS)
        assert (refusal.value.status, sender.received) == (413, 2)


@pytest.mark.parametrize("length", [b"101", b"99999999999999999999999999"])
async def test_a_body_that_is_announced_as_too_large_is_not_received(length: bytes) -> None:
    sender = Sender(b"a" * 101)
    with pytest.raises(BadRequest) as refusal:
        await receive_body({b"content-length": length}, sender.receive, LIMITS)
    assert (refusal.value.status, sender.received) == (413, 0)


async def test_a_client_that_goes_away_while_it_sends_is_no_bug() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(BadRequest, match="ended before the body did"):
        await receive_body({}, gone, LIMITS)


async def test_a_cancelled_request_stops_receiving() -> None:
    sender = Sender(is_complete=False)
    receiving = asyncio.create_task(receive_body({}, sender.receive, BodyLimits(100, 60, 32)))
    await asyncio.sleep(0.01)
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving


@pytest.mark.parametrize("text", [b'"\\"' * 40_000, b'"\\"\\"' * 30_000, b'{"' * 60_000, b'"' + b"\\" * 120_000])
def test_odd_texts_are_read_in_a_time_that_grows_with_their_length_only(text: bytes) -> None:
    loop_free = asyncio.new_event_loop()
    try:
        before = loop_free.time()
        with pytest.raises(BadRequest):
            parse(b"[" * 33 + text, "The body", 32)
        assert loop_free.time() - before < 0.5
    finally:
        loop_free.close()


TEXTS = st.text(alphabet='a":{}[],\\ \n\u00e9\U0001f600', max_size=5)
SPACES = st.text(alphabet=" \t\r\n", max_size=2)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """Return JSON with odd strings, odd whitespace and, now and then, a key twice."""
    kind = draw(st.sampled_from(["text", "number", "list", "object"] if depth else ["text", "number"]))
    if kind == "text":
        return json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans()))
    if kind == "number":
        return draw(st.sampled_from(["0", "-1.5e3", "true", "null"]))
    inner = draw(st.lists(documents(depth - 1), max_size=3))
    around = [draw(SPACES) for _ in range(4)]
    if kind == "list":
        return "[" + around[0] + f"{around[1]},".join(inner) + around[2] + "]"
    keys = [json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans())) for _ in inner]
    members = [f"{around[0]}{key}{around[1]}:{around[2]}{value}" for key, value in zip(keys, inner, strict=True)]
    return "{" + ",".join(members) + around[3] + "}"


@given(documents())
@settings(max_examples=300)
def test_a_key_that_stands_twice_is_found_however_it_is_written_and_only_then(text: str) -> None:
    has_twice = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_twice
        has_twice = has_twice or len(dict(pairs)) < len(pairs)
        return dict(pairs)

    expected = json.loads(text, object_pairs_hook=members)
    if has_twice:
        with pytest.raises(BadRequest) as refusal:
            parse(text.encode(), "The body", 32)
        assert refusal.value.code == "DUPLICATE_KEY"
    else:
        assert parse(text.encode(), "The body", 32) == expected


async def test_the_endpoint_sends_the_status_of_a_late_body(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, body_timeout=0.05))
    sent: list[Message] = []
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, Sender(b"{", is_complete=False).receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    await app.state.accounts.close()
    await app.state.database.close()
