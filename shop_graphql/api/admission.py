"""What a request may take of a worker: a place among so many, and so much time until its answer begins."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop_graphql.api.encoding import encode
from shop_graphql.api.failures import DEADLINE_EXCEEDED, UNAVAILABLE, request_error

RETRY_AFTER = "1"
"""Seconds after which whoever was refused may try again."""

PATIENCE = 0.5
"""Seconds that a request waits for a place before it is refused."""

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


@dataclass(frozen=True)
class Load:
    """How much a worker has to do, and what it could not do."""

    requests: int
    refused: int
    late: int


class Admission:
    """An ASGI application before another: too many requests at once wait, or are refused; late ones are given up.

    A place that is given back goes to whoever has waited longest. Since a connection has one request at a time, no more
    than connections / PATIENCE are refused in a second, however many people there are. Refusing at once would cost
    about as much as the quickest answers, and leave no time for these.

    Giving up cancels the request, and so its reads; writes are shielded by those who do them. A response that has begun
    is as long as it likes, and takes no place any more: its client reads it, or streams.
    """

    def __init__(self, app: ASGIApp, places: int, seconds: float) -> None:
        self._app = app
        self._places = places
        self._seconds = seconds
        self._under_way: dict[_Request, None] = {}  # the oldest first, which is also the first that will be late
        self._waiting: deque[tuple[_Request, asyncio.Future[bool]]] = deque()  # likewise; none while there are places
        self._late_alarm: asyncio.TimerHandle | None = None
        self._refusal_alarm: asyncio.TimerHandle | None = None
        self._refused = self._late = 0

    @property
    def load(self) -> Load:
        """How much there is to do."""
        return Load(len(self._under_way), self._refused, self._late)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = _Request(asyncio.current_task(), asyncio.get_running_loop().time() + self._seconds)

        def answer(message: Message) -> Awaitable[None]:
            self._leave(request)
            request.has_begun = True
            return send(message)

        try:
            if len(self._under_way) < self._places:
                self._enter(request)
            elif not await self._turn(request):
                self._refused += 1
                await send(_FULL_HEAD)
                await send(_FULL_BODY)
                return
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if request.has_begun or not request.is_given_up():
                raise
            self._late += 1
            await _late(self._seconds)(scope, receive, send)
        finally:
            self._leave(request)

    def _enter(self, request: "_Request") -> None:
        self._under_way[request] = None
        if self._late_alarm is None:
            self._late_alarm = asyncio.get_running_loop().call_at(request.due, self._give_up_late)

    def _leave(self, request: "_Request") -> None:
        if request not in self._under_way:
            return
        del self._under_way[request]
        while self._waiting:
            successor, turn = self._waiting.popleft()
            if not turn.done():
                self._enter(successor)
                turn.set_result(True)
                return

    async def _turn(self, request: "_Request") -> bool:
        """Wait for a place; return whether there is one."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((request, turn))
        if self._refusal_alarm is None:
            self._refusal_alarm = loop.call_later(PATIENCE, self._refuse)
        return await turn

    def _refuse(self) -> None:
        """One alarm is for all that wait, as for all under way: a timer for each would cost more than all else here."""
        loop = asyncio.get_running_loop()
        self._refusal_alarm = None
        while self._waiting:
            request, turn = self._waiting[0]
            until = request.due - self._seconds + PATIENCE
            if until > loop.time():
                self._refusal_alarm = loop.call_at(until, self._refuse)
                return
            self._waiting.popleft()
            if not turn.done():
                turn.set_result(False)

    def _give_up_late(self) -> None:
        loop = asyncio.get_running_loop()
        for request in [each for each in self._under_way if each.due <= loop.time()]:
            self._leave(request)
            request.give_up()
        oldest = next(iter(self._under_way), None)
        self._late_alarm = loop.call_at(oldest.due, self._give_up_late) if oldest else None


class _Request:
    """A request under way."""

    __slots__ = ("_has_been_given_up", "_task", "due", "has_begun")

    def __init__(self, task: "asyncio.Task[Any] | None", due: float) -> None:
        self._task = task
        self.due = due
        self.has_begun = False
        """Whether a part of the response was sent."""
        self._has_been_given_up = False

    def give_up(self) -> None:
        if self._task is not None:
            self._has_been_given_up = True
            self._task.cancel()

    def is_given_up(self) -> bool:
        """Tell whether this is why its task was cancelled, and not because somebody else wants it to end."""
        return self._has_been_given_up and self._task is not None and self._task.uncancel() == 0


def _late(seconds: float) -> Response:
    """The rest of a body that has not come in is not waited for, and its connection of no further use."""
    body = encode({"errors": [request_error(_LATE.format(seconds=seconds), DEADLINE_EXCEEDED)]})
    return Response(body, 504, {"retry-after": RETRY_AFTER, "connection": "close"}, "application/json")
