"""uvicorn's HTTP protocol with what it lacks: ends of requests that never come in whole and of streams, a limit.

uvicorn by itself closes a connection on which nothing happens after an answer (`timeout_keep_alive`). One on which no
request was ever finished it keeps for good, and its `limit_concurrency` counts such connections and refuses others.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shop_graphql.corking import Corked
from shop_graphql.draining import DRAINING
from shop_graphql.serving import Limits
from shop_graphql.sockets import STOP

TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 15\r\n"
    b"connection: close\r\n\r\nRequest Timeout"
)


FIRST = 1.0
"""Seconds that a connection's first request may take to arrive once the end has been announced."""


class Guarded(HttpToolsProtocol):
    """A connection that is closed unless a whole request comes in soon."""

    unfinished: ClassVar[dict["Guarded", None]] = {}
    """The connections of this process on which a request is to come in, those that wait longest first."""

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._limits: Limits = config.limits
        self._is_whole = False
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make room when there are too many connections: for the newest, at the cost of the slowest."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.transport = Corked(self.transport, self.loop)  # type: ignore[assignment]
        self._expect()
        if len(self.connections) > self._limits.connections:
            slowest = next(iter(self.unfinished))
            slowest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what arrives at once, as nearly all requests do, needs no alarm."""
        super().data_received(data)
        if self._is_whole:
            self._calm()
        elif self._alarm is None:
            self._expect()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._is_whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer, for the last time on this connection once the end has been announced: what is idle can be closed."""
        super().on_headers_complete()
        if DRAINING.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """End a request."""
        self._is_whole = True
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to another protocol."""
        self._is_whole = True
        self._calm()
        self.transport = self.transport.uncorked  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Begin to end, and tell the app so: uvicorn would wait for streams to end by themselves.

        It would also close a connection that was taken a moment ago, while its request lies in the kernel.
        """
        stop = self.app_state.get(STOP)
        if stop is not None:
            stop()
        if DRAINING.has_begun and self.cycle is None:
            self.loop.call_later(FIRST, self._close_unused)
        else:
            super().shutdown()

    def _close_unused(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def _expect(self) -> None:
        self._alarm = self.loop.call_later(self._limits.head_timeout, self._give_up)
        self.unfinished[self] = None

    def _calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
            del self.unfinished[self]

    def _give_up(self) -> None:
        has_answer = self.cycle is not None and self.cycle.response_started
        if not has_answer and not self.transport.is_closing():
            self.transport.write(TOO_SLOW)
        self.transport.close()
