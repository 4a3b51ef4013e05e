"""Streams of events that are asked for in odd ways, are not read, or are left in the middle."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.attack.frames import message
from tests.attack.named.kinds import Attack, Expectation, Scripted, Sent, Who, both, refused, status
from tests.attack.target import AWAIT, JSON, Reply, Target, judge, judge_talk

EVENTS = {"accept": "text/event-stream"}
WATCH = 'subscription { productChanged(ids: ["<<product>>"]) { product { name } } }'
ORDERS = "subscription { orderChanged { orderId } }"
LOGOUT = 'mutation { logout(input: {refreshToken: "x"}) { __typename } }'
BROWSER = {"user-agent": "Mozilla/5.0 (X11)", "sec-fetch-site": "cross-site"}
REFUSED_PAGE = refused("PREFLIGHT_REQUIRED", status=403)


def told(code: str) -> Expectation:
    """Expect a stream whose only event is an error of this code, and which then ends."""

    def judged(reply: Reply) -> list[str]:
        lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith("data: {")]
        codes = [error["extensions"]["code"] for line in lines for error in json.loads(line)["errors"]]
        is_right = reply.media_type == "text/event-stream" and codes == [code] and "event: complete" in reply.text
        return [] if is_right else [f"it is no stream that ends with {code}: {reply.status} {reply.text[:300]}"]

    return both(status(200), judged)


def _asked(query: Any, **more: Any) -> bytes:
    return json.dumps({"query": query, **more}).encode()


_POSTED: Mapping[str, tuple[bytes, Mapping[str, str], Expectation, Who]] = {
    "query": (_asked("{ __typename }"), {}, told("BAD_REQUEST"), None),
    "mutation": (_asked(LOGOUT), {}, told("BAD_REQUEST"), None),
    "syntax": (_asked("subscription {"), {}, told("GRAPHQL_PARSE_FAILED"), None),
    "unknown-field": (_asked("subscription { passwords }"), {}, told("GRAPHQL_VALIDATION_FAILED"), None),
    "not-signed-in": (_asked(ORDERS), {}, told("UNAUTHENTICATED"), None),
    "bad-token": (_asked(WATCH), {"authorization": "Bearer x"}, told("UNAUTHENTICATED"), None),
    "actor": (
        _asked('subscription { orderChanged(id: "<<own>>") { order { history { actor } } } }'),
        {},
        told("FORBIDDEN"),
        "customer",
    ),
    "no-products": (_asked("subscription { productChanged(ids: []) { productId } }"), {}, told("BAD_USER_INPUT"), None),
    "unknown-operation": (_asked(WATCH, operationName="B"), {}, told("OPERATION_RESOLUTION_FAILURE"), None),
    "batch": (b"[" + _asked(WATCH) + b"]", {}, refused("BATCHING_UNSUPPORTED", status=400), None),
    "duplicate-key": (b'{"query": "a", "query": "b"}', {}, refused("DUPLICATE_KEY", status=400), None),
    "empty": (b"", {}, refused("EMPTY_BODY", status=400), None),
    "too-long": (b" " * 200_000, {}, refused("BODY_TOO_LARGE", status=413), None),
    "text-plain": (_asked(WATCH), {"content-type": "text/plain"}, refused("MEDIA_TYPE_UNSUPPORTED", status=415), None),
    "both-accepted": (
        _asked(WATCH),
        {"accept": "text/event-stream, application/json"},
        refused("SUBSCRIPTION_TRANSPORT"),
        None,
    ),
    "neither-accepted": (_asked(WATCH), {"accept": "multipart/mixed"}, refused("NOT_ACCEPTABLE", status=406), None),
    "accepted-inside-a-word": (_asked("{ __typename }"), {"accept": "xtext/event-streams"}, status(200, 406), None),
}
_GOT: Mapping[str, tuple[str, Mapping[str, str], Expectation]] = {
    "cross-site": (f"query={quote(ORDERS)}", BROWSER, REFUSED_PAGE),
    "null-origin": (f"query={quote(ORDERS)}", {"origin": "null"}, REFUSED_PAGE),
    "mutation": (f"query={quote(LOGOUT)}", {}, told("BAD_REQUEST")),
    "not-signed-in": (f"query={quote(ORDERS)}", {}, told("UNAUTHENTICATED")),
    "no-query": ("", {}, refused("BAD_REQUEST", status=400)),
}


async def _begun(target: Target, reader: asyncio.StreamReader) -> str:
    """Return what is wrong with the beginning of a stream."""
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readuntil(b"event: next")
    is_stream = head.startswith(b"HTTP/1.1 200 ") and b"text/event-stream" in head
    return "" if is_stream else f"no stream begins: {head!r} {first!r}"


def _request(target: Target) -> bytes:
    body = target.filled(_asked(WATCH))
    return target.head("POST", "/graphql", {**JSON, **EVENTS}, len(body)) + body


async def _aborted(target: Target) -> list[str]:
    """Leave a stream in its middle, thirty times."""
    complaints = []
    for _ in range(30):
        async with target.connection() as (reader, writer):
            writer.write(_request(target))
            complaints.append(await _begun(target, reader))
    return [complaint for complaint in complaints if complaint]


async def _unread(target: Target) -> list[str]:
    """Begin streams that nobody reads, change what they watch, and ask for something else."""
    async with target.connection() as (first, writer), target.connection() as (_, other):
        writer.write(_request(target))
        other.write(_request(target))
        complaint = await _begun(target, first)
        reply = await target.graphql("{ __typename }")
    return judge(reply) + ([complaint] if complaint else [])


async def _talked_over(target: Target) -> list[str]:
    """Send another request behind the one that is answered by a stream: it must not be answered inside of it."""
    async with target.connection() as (reader, writer):
        writer.write(_request(target))
        complaint = await _begun(target, reader)
        writer.write(target.head("GET", "/health"))
        await asyncio.sleep(0.2)
        writer.write_eof()
        read = await _rest(reader)
    found = [complaint] if complaint else []
    return [*found, "an answer stands inside a stream"] if b"HTTP/1.1 " in read else found


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(0.3):
            return await reader.read(100_000)
    except TimeoutError:
        return b""


async def _closed_half(target: Target) -> list[str]:
    """Say that nothing more will be sent, right behind a request, which must be answered all the same."""
    async with target.connection() as (reader, writer):
        writer.write(target.head("GET", "/health", {"connection": "close"}))
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
    return [] if answer.startswith(b"HTTP/1.1 200 ") else [f"half a connection is not answered: {answer!r}"]


async def _vanished(target: Target) -> list[str]:
    """Go away in the middle of bodies and of answers; then somebody else must be answered."""
    query = json.dumps({"query": "{ products(first: 100) { nodes { name description } } }"}).encode()
    whole = target.head("POST", "/graphql", JSON, len(query)) + query
    for cut in (10, len(whole) - 5, len(whole), len(whole)):
        async with target.connection() as (_, writer):
            writer.write(whole[:cut])
            await writer.drain()
    reply = await target.graphql("{ __typename }")
    return judge(reply)


async def _sockets_dropped(target: Target) -> list[str]:
    """Open forty WebSockets with subscriptions and drop all of them; the next one must be answered."""
    subscribe = target.filled(message(id="1", type="subscribe", payload={"query": WATCH}))
    steps = (message(type="connection_init"), AWAIT, subscribe)
    talks = await asyncio.gather(*(target.talk(steps, messages=2) for _ in range(40)))
    talks.append(await target.talk(steps, messages=2))
    complaints = [complaint for talk in talks for complaint in judge_talk(talk)]
    return complaints + [f"the messages are {talk.types}" for talk in talks if talk.types[1:] != ["next"]][:1]


_SCRIPTS: Mapping[str, Callable[[Target], Awaitable[list[str]]]] = {
    "stream/aborted": _aborted,
    "stream/unread": _unread,
    "stream/talked-over": _talked_over,
    "connection/closed-half": _closed_half,
    "connection/vanished": _vanished,
    "ws/dropped": _sockets_dropped,
}

ATTACKS: Sequence[Attack] = [
    *(
        Sent(f"stream/{name}", expects, body, headers={**JSON, **EVENTS, **headers}, who=who)
        for name, (body, headers, expects, who) in _POSTED.items()
    ),
    *(
        Sent(f"stream-get/{name}", expects, method="GET", path=f"/graphql?{query}", headers={**EVENTS, **headers})
        for name, (query, headers, expects) in _GOT.items()
    ),
    *(Scripted(name, script) for name, script in _SCRIPTS.items()),
]
