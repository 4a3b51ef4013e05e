"""Bodies: received within bounds of size and time, and read as JSON in UTF-8 that means one thing only."""

import asyncio
import re
from collections.abc import Awaitable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Message, Receive

from shop_graphql.api.bad_request import (
    BODY_TIMEOUT,
    BODY_TOO_LARGE,
    DUPLICATE_KEY,
    EMPTY_BODY,
    INVALID_JSON,
    INVALID_UTF8,
    JSON_TOO_DEEP,
    BadRequest,
)

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string of JSON, or one that never ends: each is passed once, so that nothing takes longer than it is long."""

_OPENING, _CLOSING = b"{[", b"}]"
_WHITESPACE = b" \t\r\n"


@dataclass(frozen=True)
class BodyLimits:
    """What is taken of a body: its bytes, the seconds until all of them are there, the depth of the JSON in it."""

    size: int
    seconds: float
    depth: int


async def receive_body(headers: Mapping[bytes, bytes], receive: Receive, limits: BodyLimits) -> bytes:
    """Return the body of a request, whatever its headers say of its length. Raises BadRequest."""
    length = headers.get(b"content-length", b"")
    if len(length) > 18 or (length.isdigit() and int(length) > limits.size):
        raise _too_large(limits)
    step = receive().__await__()
    try:
        # Nearly all bodies are there with their headers. A timeout costs more than reading them.
        waits_for = next(step)
    except StopIteration as done:
        message: Message = done.value
        if not message.get("more_body", False):
            return _piece(message, 0, limits)
        first: Awaitable[Message] = _Done(message)
    else:
        first = _Rest(step, waits_for)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _rest(first, receive, limits)
    except TimeoutError:
        text = f"The body was not there after {limits.seconds:g} seconds."
        raise BadRequest(text, 408, BODY_TIMEOUT, connection="close") from None


async def _rest(first: Awaitable[Message], receive: Receive, limits: BodyLimits) -> bytes:
    message, pieces, size = await first, [], 0
    while True:
        piece = _piece(message, size, limits)
        pieces.append(piece)
        size += len(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)
        message = await receive()


def _piece(message: Message, before: int, limits: BodyLimits) -> bytes:
    if message["type"] == "http.disconnect":
        raise BadRequest("The connection ended before the body did.")
    piece: bytes = message.get("body", b"")
    if before + len(piece) > limits.size:
        raise _too_large(limits)
    return piece


def _too_large(limits: BodyLimits) -> BadRequest:
    text = f"The body may have {limits.size:,} bytes at the most."
    return BadRequest(text, 413, BODY_TOO_LARGE, facts={"limit": limits.size}, connection="close")


class _Done:
    def __init__(self, message: Message) -> None:
        self._message = message

    def __await__(self) -> Generator[Any, None, Message]:
        return self._message
        yield


class _Rest:
    """What is left of something awaited whose first step was taken, and which waits for a future."""

    def __init__(self, steps: Generator[Any, Any, Message], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Message]:
        yield self._waits_for
        return (yield from self._steps)


def parse(text: bytes, what: str, depth: int) -> Any:
    """Return what JSON says. Raises BadRequest for what is no JSON, is too deep, or has a key of an object twice."""
    if text.count(b"{") + text.count(b"[") > depth and _is_deeper(text, depth):
        message = f"{what} may nest lists and objects {depth} deep at the most."
        raise BadRequest(message, code=JSON_TOO_DEEP, facts={"limit": depth})
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _no_json(text, what) from None
    # Without whitespace the colon of each key follows a quotation mark. Text may have the same two characters in it, so
    # that these can be too many, but never too few.
    keys = _keys(content)
    if text.translate(None, _WHITESPACE).count(b'":') != keys and _STRING.sub(b"", text).count(b":") != keys:
        raise BadRequest(f"{what} has a key twice in one object.", code=DUPLICATE_KEY)
    return content


def _keys(value: Any) -> int:
    """Return how many keys all objects inside `value` have together."""
    found = len(value) if type(value) is dict else 0
    for member in value.values() if found else value if type(value) is list else ():
        if type(member) is dict or type(member) is list:
            found += _keys(member)
    return found


def _is_deeper(text: bytes, limit: int) -> bool:
    depth = 0
    for bracket in _STRING.sub(b"", text):
        if bracket in _OPENING:
            depth += 1
            if depth > limit:
                return True
        elif bracket in _CLOSING:
            depth -= 1
    return False


def _no_json(text: bytes, what: str) -> BadRequest:
    if not text.strip():
        return BadRequest(f"{what} is empty.", code=EMPTY_BODY)
    try:
        is_utf8 = not text.decode().startswith("\ufeff")
    except UnicodeDecodeError:
        is_utf8 = False
    if is_utf8 and b"\0" not in text:
        return BadRequest(f"{what} must be JSON.", code=INVALID_JSON)
    return BadRequest(f"{what} must be UTF-8, without a byte order mark.", code=INVALID_UTF8)
