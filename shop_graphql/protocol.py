"""uvicorn's HTTP protocol with what it lacks: ends of requests that never come in whole and of streams, limits.

uvicorn by itself closes a connection on which nothing happens after an answer (`timeout_keep_alive`). One on which no
request was ever finished it keeps for good, and its `limit_concurrency` counts such connections and refuses others.
It takes heads of any size, and what is sent behind a body (trailers) for a part of the head. A body whose request asks
for another protocol, as Java's client does with `Upgrade: h2c`, it skips, and then reads it as the next request.
"""

import asyncio
import sys
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shop_graphql.corking import Corked
from shop_graphql.draining import DRAINING
from shop_graphql.serving import Limits
from shop_graphql.sockets import STOP


def _refusal(status: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
    return f"{head}{len(status) - 4}\r\n\r\n{status[4:]}".encode()


TOO_SLOW = _refusal("408 Request Timeout")
TOO_LARGE = _refusal("431 Request Header Fields Too Large")

OVERHEAD = 8
"""How many times its size a body may take on the wire: in chunks of one byte it takes six."""


class _Ignored(list[tuple[bytes, bytes]]):
    """The trailers of a request: what a proxy does not look at must not be taken for a header."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Forget it."""


TRAILERS = _Ignored()

FIRST = 1.0
"""Seconds that a connection's first request may take to arrive once the end has been announced."""


class Guarded(HttpToolsProtocol):
    """A connection that is closed unless a whole request comes in soon."""

    unfinished: ClassVar[dict["Guarded", None]] = {}
    """The connections of this process on which a request is to come in, those that wait longest first."""

    def __init__(self, config: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._limits: Limits = config.limits
        self._is_whole = self._has_head = self._is_too_large = False
        self._received = 0
        """The bytes that have come of a request."""
        self._declined: tuple[bytes, int] | None = None
        """A head that asks for another protocol, without that, and where in what was received last it ends."""
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
        self._received += len(data)
        super().data_received(data)
        while self._declined is not None:
            head, end = self._declined
            self._declined, self.parser = None, httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            data = head + data[end:]
            super().data_received(data)
        if self._is_whole:
            self._calm()
        elif self._received > self._allowed():
            self._end(TOO_LARGE)
        elif self._alarm is None:
            self._expect()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._is_whole = self._has_head = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End a head: what comes after the body is no part of it. Raises ValueError for one that is too large.

        Once the end has been announced its answer is the last on the connection: what is idle can be closed.
        """
        if self._received > self._limits.head and self._size_of_head() > self._limits.head:
            self._is_too_large = True
            raise ValueError
        if self.parser.should_upgrade():
            if not self._should_upgrade():
                self._decline()
                return
            super().on_headers_complete()
        else:
            super().on_headers_complete()
            self.headers = TRAILERS
        self._has_head = True
        if DRAINING.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """End a request."""
        if self._declined is None:
            self._is_whole = True
            self._received = 0
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one whose head is too large."""
        if self._is_too_large:
            self._end(TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Note where the head ends that was declined, which uvicorn only warns of."""
        found = sys.exc_info()[1]
        if self._declined is not None and found is not None:
            self._declined = self._declined[0], found.args[0]

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to another protocol, unless an answer of this one is still to come: that ends it."""
        self._is_whole = True
        self._calm()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
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
        self._end(TOO_SLOW)

    def _end(self, refusal: bytes) -> None:
        has_answer = self.cycle is not None and self.cycle.response_started
        if not has_answer and not self.transport.is_closing():
            self.transport.write(refusal)
        self.transport.close()

    def _allowed(self) -> int:
        """Return how many bytes may have come of a request that is not there in whole."""
        return self._limits.head + (OVERHEAD * self._limits.body if self._has_head else 0)

    def _size_of_head(self) -> int:
        lines = [(self.parser.get_method(), self.url + b"HTTP/1.1"), *self.headers, (b"", b"")]
        return sum(len(name) + len(value) + len(": \r\n") for name, value in lines)

    def _decline(self) -> None:
        """Take the wish for another protocol out of a head, which is then read again. Raises ValueError for CONNECT."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise ValueError
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(part for part in value.split(b",") if part.strip().lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(b"%b: %b" % (name, value))
        self._declined = b"\r\n".join([*lines, b"", b""]), 0
