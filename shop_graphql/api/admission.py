"""What a request may take of a worker: a place among so many, and so much time until its answer begins."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop_graphql.api.encoding import encode
from shop_graphql.api.failures import DEADLINE_EXCEEDED, UNAVAILABLE, request_error

RETRY_AFTER = "1"
"""Seconds after which whoever was refused may try again."""

_FULL = encode({"errors": [request_error("The shop has too much to do at the moment; try again.", UNAVAILABLE)]})
_FULL_HEAD: Message = {
    "type": "http.response.start",
    "status": 503,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_FULL)),
        (b"retry-after", RETRY_AFTER.encode()),
    ],
}
_FULL_BODY: Message = {"type": "http.response.body", "body": _FULL}
_LATE = (
    "The answer took longer than {seconds:g} seconds. What a mutation had begun is finished all the same: send it "
    "again with the same idempotencyKey to learn what came of it."
)


@dataclass
class Load:
    """How much a worker has to do, and what it could not do."""

    requests: int = 0
    refused: int = 0
    late: int = 0


class Admission:
    """An ASGI application before another one: too many requests at once are refused, late ones are given up.

    Giving up cancels the request, and so its reads; writes are shielded by those who do them. A response that has begun
    is as long as it likes, and takes no place any more: its client reads it, or streams.
    """

    def __init__(self, app: ASGIApp, places: int, seconds: float) -> None:
        self._app = app
        self._places = places
        self._seconds = seconds
        self.load = Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.load.requests >= self._places:
            self.load.refused += 1
            await send(_FULL_HEAD)
            await send(_FULL_BODY)
            return
        request = _Request(self.load, send)
        try:
            async with asyncio.timeout(self._seconds) as request.deadline:
                await self._app(scope, receive, request.send)
        except ClientDisconnect:
            return
        except TimeoutError:
            if not request.deadline.expired():
                raise
            self.load.late += 1
            await _late(self._seconds)(scope, receive, send)
        finally:
            request.leave()


class _Request:
    """A request that takes a place until its response begins."""

    deadline: asyncio.Timeout

    def __init__(self, load: Load, send: Send) -> None:
        self._load = load
        self._send = send
        self._has_place = True
        load.requests += 1

    async def send(self, message: Message) -> None:
        if self._has_place:
            self.leave()
            self.deadline.reschedule(None)
        await self._send(message)

    def leave(self) -> None:
        if self._has_place:
            self._has_place = False
            self._load.requests -= 1


def _late(seconds: float) -> Response:
    """The rest of a body that has not come in is not waited for, and its connection of no further use."""
    body = encode({"errors": [request_error(_LATE.format(seconds=seconds), DEADLINE_EXCEEDED)]})
    return Response(body, 504, {"retry-after": RETRY_AFTER, "connection": "close"}, "application/json")
