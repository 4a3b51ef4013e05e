"""uvicorn's WebSockets, made to let go of whoever does not read, and to log nothing that a client can bring about."""

import asyncio
from asyncio.transports import BaseTransport
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

STOP = "stop"
"""The entry of the lifespan's state that is called when the server begins to stop, to end what stays open."""

LINGER = 5.0
"""Seconds that a closed connection may take to read what was sent before."""

PIECE = 8192
"""Bytes that are read in one turn of the event loop: 256 KiB of frames of nothing would take a quarter of a second."""

NOT_TEXT = 1007

NO_HANDSHAKE = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 11\r\n"
    b"connection: close\r\n\r\nBad Request"
)


@dataclass(frozen=True)
class Sockets:
    """The bytes of the longest message of a WebSocket, and the seconds between two signs of its life."""

    frame_limit: int = 131_072
    heartbeat: float = 20.0

    def options(self) -> dict[str, Any]:
        """Return what uvicorn is to be told of WebSockets. To compress them it would keep a dictionary for each."""
        return {
            "ws": WebSocket,
            "ws_max_size": self.frame_limit,
            "ws_ping_interval": self.heartbeat,
            "ws_ping_timeout": self.heartbeat,
            "ws_per_message_deflate": False,
        }


class WebSocket(WebSocketsSansIOProtocol):
    """A connection. uvicorn closes one whose peer answers no ping, but a transport with data left never closes."""

    _waiting = b""
    """What has come, and is to be read in turns to come."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, on a transport that is gone soon after it was closed."""
        super().connection_made(cast(BaseTransport, _Lingering(cast(asyncio.Transport, transport), self.loop)))

    def data_received(self, data: bytes) -> None:
        """Read on, a piece at a time; nothing more is taken from the client until all of it is read."""
        if self._waiting:
            self._waiting += data
        elif len(data) <= PIECE:
            self._read(data)
        else:
            self._waiting = data
            self.transport.pause_reading()
            self._read_piece()

    def _read_piece(self) -> None:
        piece, self._waiting = self._waiting[:PIECE], self._waiting[PIECE:]
        self._read(piece)
        if self.transport.is_closing():
            self._waiting = b""
        elif self._waiting:
            self.loop.call_soon(self._read_piece)
        elif not self.read_paused and self.writable.is_set():
            self.transport.resume_reading()

    def _read(self, data: bytes) -> None:
        """What is no handshake at all is refused; uvicorn would keep its connection for good, in silence."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(NO_HANDSHAKE)
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Go on with a message. Empty frames count for nothing in its size, and would fill the memory."""
        if event.data or event.fin:
            super().handle_cont(event)

    def pause_writing(self) -> None:
        """Read no further from whoever does not read: each ping would leave another pong in memory."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on, unless the app has to first."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. One that is no UTF-8 ends the connection without a traceback in the log."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            if self.conn.state is State.OPEN:
                self.conn.send_close(NOT_TEXT)
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        """Send. Raises ClientDisconnected, an OSError, also when the connection ended by what the client has sent."""
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # by a refusal, which uvicorn would take for none, and log a mistake


class _Lingering:
    """A transport that is aborted LINGER seconds after it was closed."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close when all is sent, or else soon."""
        if not self._transport.is_closing():
            self._loop.call_later(LINGER, self._transport.abort)
        self._transport.close()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
