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
        self._deadlines = _Deadlines(seconds)
        self.load = Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.load.requests >= self._places:
            self.load.refused += 1
            await _refusal(_FULL, 503)(scope, receive, send)
            return
        request = _Request(self.load, self._deadlines, send)
        try:
            await self._app(scope, receive, request.send)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if not request.was_late():
                raise
            self.load.late += 1
            error = request_error(_LATE.format(seconds=self._seconds), DEADLINE_EXCEEDED)
            await _refusal(encode({"errors": [error]}), 504)(scope, receive, send)
        finally:
            request.leave()


class _Request:
    """A request that takes a place until its response begins."""

    __slots__ = ("_cancelling", "_deadlines", "_has_place", "_is_late", "_load", "_send", "_task")

    def __init__(self, load: Load, deadlines: "_Deadlines", send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._task = task
        self._cancelling = task.cancelling()
        self._load = load
        self._deadlines = deadlines
        self._send = send
        self._has_place = True
        self._is_late = False
        load.requests += 1
        deadlines.add(self)

    async def send(self, message: Message) -> None:
        if self._has_place:
            self.leave()
        await self._send(message)

    def leave(self) -> None:
        if self._has_place:
            self._has_place = False
            self._load.requests -= 1
            self._deadlines.remove(self)

    def give_up(self) -> None:
        self._is_late = True
        self._task.cancel()

    def was_late(self) -> bool:
        """Tell whether a cancellation was this one's, and nobody else's, as asyncio's own time-outs do."""
        return self._is_late and self._task.uncancel() <= self._cancelling


class _Deadlines:
    """Gives up those that take too long. All have the same time, so that one timer, for the oldest, serves them all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[_Request, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: _Request) -> None:
        loop = asyncio.get_running_loop()
        self._waiting[request] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def remove(self, request: _Request) -> None:
        self._waiting.pop(request, None)

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            request, deadline = next(iter(self._waiting.items()))
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._look)
                return
            self.remove(request)
            request.give_up()


def _refusal(body: bytes, status: int) -> Response:
    """The rest of a body that has not come in is not waited for, and its connection of no further use."""
    headers = {"retry-after": RETRY_AFTER, "connection": "close"} if status == 504 else {"retry-after": RETRY_AFTER}
    return Response(body, status, headers, "application/json")
