"""Answers as they stand on the wire: found in the bytes of a connection by rules as strict as a proxy's."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Malformed(Exception):
    """What came is no HTTP."""


class Unfinished(Exception):
    """There is more to come of an answer."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, 0 for none at all; its headers by their names in small letters; its body."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The media type of the body, "" when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return what the body says. Raises ValueError for what is no JSON, NaN and Infinity included."""
        return json.loads(self.body.decode(), parse_constant=_refuse)

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """The errors of an answer of GraphQL; none when it has none, or is no JSON."""
        try:
            content = self.json()
        except ValueError:
            return []
        return (content.get("errors") or []) if isinstance(content, dict) else []

    @property
    def codes(self) -> list[str]:
        """Their codes."""
        return [(error.get("extensions") or {}).get("code", "none") for error in self.errors]


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def replies(data: bytes, *, is_closed: bool, is_head: bool = False) -> list[Reply]:
    """Return the answers that `data` consists of, without those of the kind 1xx that others follow.

    Raises Unfinished when the last one is not whole, and Malformed.
    """
    found: list[Reply] = []
    while data:
        reply, data = _reply(data, is_closed=is_closed, is_head=is_head)
        if reply.status == 101:
            return [*found, Reply(101, reply.headers, data)]
        if reply.status >= 200:
            found.append(reply)
        elif not data:
            raise Unfinished
    return found


def _reply(data: bytes, *, is_closed: bool, is_head: bool) -> tuple[Reply, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        if head.startswith(b"HTTP/1."[: len(head)]):
            raise Unfinished
        raise Malformed(f"{head[:80]!r} begins no answer")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if version not in ("HTTP/1.0", "HTTP/1.1") or not status[:3].isdigit():
        raise Malformed(f"{first[:80]!r} is no status line")
    headers = _headers(lines)
    code = int(status[:3])
    if is_head or code < 200 or code in (204, 304):
        return Reply(code, headers), rest
    body, rest = _body(headers, rest, is_closed=is_closed)
    return Reply(code, headers, body), rest


def _headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or "\n" in line:
            raise Malformed(f"{line[:80]!r} is no header")
        name = name.lower()
        if name in headers and name in ("content-length", "content-type", "location"):
            raise Malformed(f"two headers {name}")
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers


def _body(headers: Mapping[str, str], rest: bytes, *, is_closed: bool) -> tuple[bytes, bytes]:
    if headers.get("transfer-encoding") == "chunked":
        return _chunks(rest)
    if "content-length" in headers:
        length = int(headers["content-length"])
        if len(rest) < length:
            raise Unfinished
        return rest[:length], rest[length:]
    if not is_closed:
        raise Unfinished
    return rest, b""


def _chunks(rest: bytes) -> tuple[bytes, bytes]:
    pieces = []
    while True:
        size, end, rest = rest.partition(b"\r\n")
        if not end:
            raise Unfinished
        length = int(size, 16)
        if len(rest) < length + 2:
            raise Unfinished
        pieces.append(rest[:length])
        rest = rest[length + 2 :]
        if not length:
            return b"".join(pieces), rest
