"""Subscriptions as server-sent events, in the mode "distinct connections": one request, one subscription.

A stream that the server ends without `complete` is one to ask for again. See
https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shop_graphql.api.context import Who
from shop_graphql.api.encoding import encode
from shop_graphql.api.failures import TOO_MANY, request_error
from shop_graphql.api.http import BadRequest, GraphQLEndpoint, Operation, read
from shop_graphql.api.listeners import Crowded, Listeners, only_one, seconds_left
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
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").lower()
    return EVENTS in accepted and b"json" not in accepted


class EventEndpoint:
    """The ASGI application for requests that are answered by events."""

    def __init__(
        self, subscriptions: Subscriptions, endpoint: GraphQLEndpoint, listeners: Listeners, keep_alive: float
    ) -> None:
        self._subscriptions = subscriptions
        self._endpoint = endpoint
        self._listeners = listeners
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, for as long as the client listens."""
        request = Request(scope, receive)
        try:
            operation = await read(request)
            who = await self._endpoint.who(request)
            left = None if who.bad_token else seconds_left(only_one(request.headers.getlist("authorization")))
            with self._listeners.from_address(scope), self._listeners.of_viewer(who.viewer):
                await self._stream(request, send, self._texts(operation, who), left)
        except BadRequest as error:
            await _refusal(str(error), error.code, error.status, error.headers)(scope, receive, send)
        except Crowded:
            text = "Too many connections are open."
            await _refusal(text, TOO_MANY, 429, {"retry-after": "10"})(scope, receive, send)

    async def _stream(
        self, request: Request, send: Send, texts: AsyncGenerator[bytes, None], left: float | None
    ) -> None:
        """Send texts until there are none, no seconds are left, the client has gone or the server stops."""
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        sending = asyncio.create_task(self._send(send, texts))
        others = [asyncio.create_task(_gone(request)), asyncio.create_task(self._listeners.stopping.wait())]
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
                    while not (await asyncio.wait([following], timeout=self._keep_alive))[0]:
                        await _pass_on(send, ALIVE)
                finally:
                    following.cancel()
                text = await following
                if text is None:
                    return
                await _pass_on(send, text)

    async def _texts(self, operation: Operation, who: Who) -> AsyncGenerator[bytes, None]:
        yield ALIVE  # so that the client's request is answered at once
        try:
            async with aclosing(self._subscriptions.events(operation, who)) as bodies:
                async for body in bodies:
                    yield _next(body)
        except Refused as refusal:
            yield _next(encode({"errors": refusal.errors}))
        yield COMPLETE


def _next(body: bytes) -> bytes:
    return b"event: next\ndata: %b\n\n" % body


async def _pass_on(send: Send, text: bytes) -> None:
    """Send a text. Whoever does not read is waited for here, with one text in hand."""
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refusal(message: str, code: str, status: int, headers: dict[str, Any]) -> Response:
    body = encode({"errors": [request_error(message, code)]})
    return Response(body, status, headers, media_type="application/json; charset=utf-8")
