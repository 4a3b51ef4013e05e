"""What is sent once, and what came of it."""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.attack.judging import judge, judge_talk
from tests.attack.target import Heard, Target
from tests.attack.wire import Malformed, Reply

PATIENCE = 18.0
"""Seconds until an answer: longer than it takes the server to give up a request of which a part is missing."""

TALK = 8.0
"""Seconds for which a WebSocket is listened to."""


@dataclass(frozen=True)
class Outcome:
    """What came: a status, or how a WebSocket ended; codes of errors; what is wrong."""

    status: str
    codes: list[str]
    complaints: list[str]


@dataclass(frozen=True)
class Shot:
    """Bytes for one connection. What a target knows by a name stands there as `<<name>>`."""

    data: bytes

    async def at(self, target: Target) -> Outcome:
        """Send it as HTTP, and judge the first answer."""
        data = target.filled(self.data)
        heard = await target.exchange(data, patience=PATIENCE)
        try:
            found = heard.replies or _beginning(heard)
        except (Malformed, ValueError) as error:
            return Outcome("malformed", [], [f"{type(error).__name__}: {error}"])
        if not found:
            return Outcome("none", [], ["there was no answer"] if data.strip(b"\r\n") else [])
        found = [Reply(101, reply.headers) if reply.status == 101 else reply for reply in found]  # frames follow it
        wrong = [complaint for reply in found for complaint in judge(reply, data)]
        return Outcome(str(found[0].status), found[0].codes, wrong)


@dataclass(frozen=True)
class SocketShot(Shot):
    """Bytes that follow the handshake of a WebSocket."""

    async def at(self, target: Target) -> Outcome:
        """Send them, and judge whatever is said until the server closes, or for a while."""
        talk = await target.talk([target.filled(self.data)], patience=TALK)
        end = "open" if talk.close is None else str(talk.close)
        codes = [error["extensions"]["code"] for message in talk.messages for error in _errors(message)]
        return Outcome(f"socket {end}" if talk.handshake.status == 101 else "refused", codes, judge_talk(talk))


def _beginning(heard: Heard) -> list[Reply]:
    """Return the head of an answer that goes on for as long as one listens: a stream of events."""
    head, end, rest = heard.data.partition(b"\r\n\r\n")
    if not end or b"text/event-stream" not in head.lower():
        return []
    return [Reply(int(head[9:12]), {"content-type": "text/event-stream"}, rest)]


def _errors(message: dict[str, Any]) -> list[dict[str, Any]]:
    payload = message.get("payload")
    errors: Any = payload if message.get("type") == "error" else (payload or {}).get("errors")
    return [error for error in errors or [] if isinstance(error.get("extensions"), dict)]


class Kind(Protocol):
    """A source of shots. The same seed gives the same ones."""

    def __call__(self, seed: int, count: int) -> Iterator[Shot]:
        """Return so many."""


@dataclass(frozen=True)
class Finding:
    """A complaint, and how to have it again."""

    kind: str
    seed: int
    number: int
    data: bytes
    complaint: str

    def __str__(self) -> str:
        """Say so in a line, and what was sent in another."""
        return f"{self.complaint}\n  --seed {self.seed} --only {self.kind}, number {self.number}:\n  {self.quoted}"

    @property
    def quoted(self) -> str:
        """What was sent, as base64."""
        return base64.b64encode(self.data).decode()


@dataclass
class Tally:
    """How many were sent of each kind, what they met, and what was wrong."""

    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Let `other` be part of it."""
        self.sent += other.sent
        self.statuses += other.statuses
        self.codes += other.codes
        self.findings += other.findings
