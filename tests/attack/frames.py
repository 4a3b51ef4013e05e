"""WebSockets as they stand on the wire: frames of any kind, right or wrong, and what a server says until it closes."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.attack.wire import Reply

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x13\x57\x9b\xdf"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """Return a frame of a client; what it says of itself need not be right."""
    size = len(payload)
    if size < 126:
        length, extended = size, b""
    elif size < 65_536:
        length, extended = 126, size.to_bytes(2, "big")
    else:
        length, extended = 127, size.to_bytes(8, "big")
    head = bytes([fin << 7 | reserved << 4 | opcode, masked << 7 | length]) + extended
    return head + (MASK + mask(payload) if masked else payload)


def mask(payload: bytes) -> bytes:
    """Return a payload as it stands behind MASK."""
    key = MASK * (len(payload) // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key[: len(payload)], "big")).to_bytes(len(payload), "big")


def message(**content: Any) -> bytes:
    """Return a message of graphql-transport-ws as a frame."""
    return frame(TEXT, json.dumps(content).encode())


@dataclass
class Talk:
    """What came of a WebSocket: the answer to the handshake, messages, and how it ended, None if it did not."""

    handshake: Reply = field(default_factory=Reply)
    messages: list[Any] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    close: int | None = None
    """The code of the server's close frame; 1006 when the connection ended without one."""
    reason: str = ""

    @property
    def types(self) -> Sequence[str]:
        """The types of the messages."""
        return [message.get("type", "") for message in self.messages]


async def listen(reader: asyncio.StreamReader, talk: Talk) -> None:
    """Add the next frame to a talk, whose `close` is set at the end."""
    try:
        opcode, payload = await _frame(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        talk.close = 1006
        return
    if opcode == TEXT:
        talk.messages.append(json.loads(payload))
    elif opcode == PONG:
        talk.pongs.append(payload)
    elif opcode == CLOSE:
        talk.close = int.from_bytes(payload[:2], "big") if payload else 1005
        talk.reason = payload[2:].decode()


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    return first & 0xF, await reader.readexactly(length)
