"""What is wrong with an answer whatever was asked: what tells strangers too much, and what no client can use."""

import json
from collections.abc import Iterator
from typing import Any

from tests.attack.frames import Talk
from tests.attack.wire import Reply
from tests.conftest import LEAK

BUG = "INTERNAL_SERVER_ERROR"
BROKEN = 1011
PROGRAMS = {"text/javascript", "application/javascript", "text/css"}
"""Files that were built beforehand, and say nothing of the server."""


def judge(reply: Reply, sent: bytes = b"") -> list[str]:
    """Return what is wrong with an answer. What it only repeats of `sent` is no leak."""
    if not reply.status:
        return ["there was no answer"]
    return [*_status(reply), *_leaks(reply, sent), *_content(reply)]


def judge_talk(talk: Talk) -> list[str]:
    """Return what is wrong with what a server said over a WebSocket."""
    complaints = judge(talk.handshake)
    if LEAK.search(talk.reason):
        complaints.append(f"the reason for closing tells too much: {talk.reason}")
    if talk.close == BROKEN:
        complaints.append(f"the connection ended by a mistake of the server: {talk.reason}")
    for message in talk.messages:
        if found := LEAK.search(json.dumps(message)):
            complaints.append(f"a message tells too much: {found[0]!r} in {message}")
        payload = message.get("payload")
        errors = payload if message.get("type") == "error" else (payload or {}).get("errors", [])
        complaints += _errors(errors)
    return complaints


def _status(reply: Reply) -> Iterator[str]:
    is_deliberate = reply.status == 503 and reply.codes == ["UNAVAILABLE"] and "retry-after" in reply.headers
    if reply.status >= 500 and not is_deliberate:
        yield f"the status is {reply.status}: {reply.text[:200]}"


def _leaks(reply: Reply, sent: bytes) -> Iterator[str]:
    said = sent.decode(errors="replace")
    texts = ["\n".join(f"{name}: {value}" for name, value in reply.headers.items())]
    texts += [reply.text] if reply.media_type not in PROGRAMS else []
    for text in texts:
        for found in LEAK.finditer(text):
            if found[0] not in said:
                around = text[max(found.start() - 60, 0) : found.end() + 60]
                yield f"the answer tells too much: {found[0]!r} in {around!r}"
                break


def _content(reply: Reply) -> Iterator[str]:
    if reply.body and not reply.media_type:
        yield "the answer has no media type"
    if reply.media_type == "text/event-stream":
        for line in reply.text.splitlines():
            if line.startswith("data: {"):
                yield from _graphql(line.removeprefix("data: ").encode())
    elif reply.body and "json" in reply.media_type:
        yield from _graphql(reply.body)


def _graphql(body: bytes) -> Iterator[str]:
    try:
        content = Reply(200, {}, body).json()
    except ValueError as error:
        yield f"the answer is no JSON, {error}: {body[:200]!r}"
        return
    if isinstance(content, dict) and "errors" in content:
        yield from _errors(content["errors"])


def _errors(errors: Any) -> Iterator[str]:
    if not isinstance(errors, list) or not all(isinstance(error, dict) for error in errors):
        yield f"errors is no list of errors: {errors!r}"
        return
    for error in errors:
        code = (error.get("extensions") or {}).get("code")
        if not isinstance(code, str) or not isinstance(error.get("message"), str):
            yield f"an error without a code or a message: {error}"
        elif code == BUG:
            yield f"a bug: {error}"
