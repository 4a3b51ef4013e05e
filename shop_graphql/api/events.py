"""Subscriptions as server-sent events, in the mode "distinct connections": one request, one subscription.

A stream that the server ends without `complete` is one to ask for again. See
https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing

from starlette.types import ASGIApp, Receive, Scope, Send

from shop_graphql.api.bad_request import BadRequest
from shop_graphql.api.context import Who
from shop_graphql.api.encoding import encode
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.api.listeners import Listeners, authorization_of, refused, seconds_left
from shop_graphql.api.requests import Operation, headers_of
from shop_graphql.api.subscribing import Refused, Subscriptions

EVENTS = b"text/event-stream"
COMPLETE = b"event: complete\ndata: \n\n"
ALIVE = b":\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def wants_events(scope: Scope) -> bool:
    """Tell whether a client takes events and no JSON; many name every type that they know."""
    accepted = b",".join([value for name, value in scope["headers"] if name == b"accept"]).lower()
    return EVENTS in accepted and b"json" not in accepted


def with_events(endpoint: ASGIApp, events: ASGIApp) -> ASGIApp:
    """Return an application that leaves requests to one or the other."""

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (events if wants_events(scope) else endpoint)(scope, receive, send)

    return answer


class EventEndpoint:
    """The ASGI application for requests that are answered by events."""

    def __init__(
        self, subscriptions: Subscriptions, endpoint: GraphQLEndpoint, listeners: Listeners, heartbeat: float
    ) -> None:
        self._subscriptions = subscriptions
        self._endpoint = endpoint
        self._listeners = listeners
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, for as long as the client listens."""
        headers, endpoint = headers_of(scope), self._endpoint
        try:
            self._listeners.admit()
            operation = await endpoint.operation(scope, headers, receive)
            who = await endpoint.who(scope, headers)
            left = None if who.bad_token else seconds_left(authorization_of(headers))
            with self._listeners.from_address(scope), self._listeners.of_viewer(who.viewer):
                texts = await self._texts(operation, who)
                await self._stream(receive, send, texts, left)
        except BadRequest as refusal:
            await refused(refusal)(scope, receive, send)

    async def _texts(self, operation: Operation, who: Who) -> AsyncGenerator[bytes, None]:
        try:
            return _following(await self._subscriptions.begin(operation, who))
        except Refused as refusal:
            return _only(refusal)

    async def _stream(
        self, receive: Receive, send: Send, texts: AsyncGenerator[bytes, None], left: float | None
    ) -> None:
        """Send texts until there are none, no seconds are left, the client has gone or the server stops."""
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        sending = asyncio.create_task(self._send(send, texts))
        others = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._listeners.stopping.wait())]
        try:
            await asyncio.wait([sending, *others], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, *others):
                task.cancel()
            await asyncio.gather(sending, *others, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send, texts: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(texts):
            while True:
                following = asyncio.ensure_future(anext(texts, None))
                try:
                    while not (await asyncio.wait([following], timeout=self._heartbeat))[0]:
                        await _pass_on(send, ALIVE)
                finally:
                    following.cancel()
                text = await following
                if text is None:
                    return
                await _pass_on(send, text)


async def _following(bodies: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield ALIVE  # so that the client's request is answered at once
    try:
        async with aclosing(bodies):
            async for body in bodies:
                yield _next(body)
    except Refused as refusal:
        yield _last(refusal)
    else:
        yield COMPLETE


async def _only(refusal: Refused) -> AsyncGenerator[bytes, None]:
    yield _last(refusal)


def _next(body: bytes) -> bytes:
    return b"event: next\ndata: %b\n\n" % body


def _last(refusal: Refused) -> bytes:
    return _next(encode({"errors": refusal.errors})) + COMPLETE


async def _pass_on(send: Send, text: bytes) -> None:
    """Send a text. Whoever does not read is waited for here, with one text in hand."""
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
