"""Kinds of attacks, and what can be expected of an answer: each attack is a name, what is sent, what must come."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.attack.target import JSON, Heard, Reply, Step, Target, judge, judge_talk
from tests.attack.wire import Malformed

Expectation = Callable[[Reply], list[str]]
"""Says what is wrong with an answer, beyond what is wrong with any."""

Who = str | None

LONG = 60_000
"""Bytes that a server may refuse, and close the connection, before it has read all: its answer may then be lost."""


class Attack(Protocol):
    """Something that is done to a server, under a name that no other attack has."""

    @property
    def name(self) -> str:
        """What it is."""
        ...

    async def against(self, target: Target) -> list[str]:
        """Do it; return what is wrong with what came of it."""
        ...


@dataclass(frozen=True)
class Sent:
    """One request. `<<name>>` in its path and its body stands for what the target knows by that name."""

    name: str
    expects: Expectation
    body: bytes = b""
    method: str = "POST"
    path: str = "/graphql"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    who: Who = None

    async def against(self, target: Target) -> list[str]:
        """Send it."""
        body = target.filled(self.body)
        path = target.filled(self.path.encode("latin-1")).decode("latin-1")
        named = {name: target.filled(value.encode()).decode() for name, value in self.headers.items()}
        reply = await target.http(self.method, path, {**target.headers(self.who), **named}, body)
        return judge(reply, body + path.encode()) + self.expects(reply)


@dataclass(frozen=True)
class Raw:
    """Bytes as they are; `<<host>>` in them stands for the server's."""

    name: str
    pieces: Sequence[bytes]
    statuses: Sequence[int | Collection[int]]
    """The statuses of all answers; after one that HTTP itself is refused with the connection must end."""
    pause: float = 0.0

    async def against(self, target: Target) -> list[str]:
        """Send them, one piece after the other, and listen until the connection ends."""
        pieces, answers = map(target.filled, self.pieces), len(self.statuses)
        return self.judged(await target.exchange(*pieces, answers=answers, pause=self.pause, patience=5, linger=0.1))

    def judged(self, heard: Heard) -> list[str]:
        """Return what is wrong with what came."""
        try:
            replies = heard.replies
        except Malformed as error:
            return [f"{error}: {heard.data[:200]!r}"]
        complaints = [complaint for reply in replies for complaint in judge(reply)]
        found = [reply.status for reply in replies]
        if heard.is_closed and not heard.data and sum(map(len, self.pieces)) > LONG:
            return []
        allowed = [{wanted} if isinstance(wanted, int) else wanted for wanted in self.statuses]
        if len(found) != len(allowed) or any(
            status not in wanted for status, wanted in zip(found, allowed, strict=True)
        ):
            complaints.append(f"the statuses are {found}, and not {list(self.statuses)}: {heard.data[:300]!r}")
        if replies and replies[-1].media_type == "text/plain" and not heard.is_closed:
            complaints.append("the connection stays open, though nobody knows where the next request begins")
        return complaints


@dataclass(frozen=True)
class Spoken:
    """A WebSocket: what is sent over it, and the messages or the code of the end that must come."""

    name: str
    steps: Sequence[Step]
    close: int | Collection[int] | None = None
    types: Sequence[str] | None = None
    """The types of the messages that must have come, whatever came afterwards."""
    codes: Collection[str] = ()
    """The codes of all errors."""
    data: Any = None
    """The data of the last message, if it matters."""
    headers: Mapping[str, str] = field(default_factory=dict)
    who: Who = None
    status: int = 101

    async def against(self, target: Target) -> list[str]:
        """Say it."""
        wanted = None if self.close is not None else len(self.types or ())
        named = {name: target.filled(value.encode()).decode() for name, value in self.headers.items()}
        headers = {**target.headers(self.who), **named}
        steps = [target.filled(step) if isinstance(step, bytes) else step for step in self.steps]
        talk = await target.talk(steps, headers, messages=wanted)
        complaints = judge_talk(talk)
        if talk.handshake.status != self.status:
            complaints.append(f"the handshake was answered by {talk.handshake.status}, and not {self.status}")
        closes = {self.close} if isinstance(self.close, int | None) else self.close
        if self.status == 101 and talk.close not in closes:
            complaints.append(f"it ended with {talk.close} {talk.reason!r}, and not {self.close}: {talk.messages}")
        if self.types is not None and list(talk.types) != list(self.types):
            complaints.append(f"the messages are {talk.messages}, and not {self.types}")
        if self.data is not None and (talk.messages[-1].get("payload") or {}).get("data") != self.data:
            complaints.append(f"the last message is {talk.messages[-1]}, and not {self.data}")
        found = {error["extensions"]["code"] for error in _errors(talk.messages)}
        if found != set(self.codes):
            complaints.append(f"the codes are {found}, and not {set(self.codes)}: {talk.messages}")
        return complaints


@dataclass(frozen=True)
class Scripted:
    """Several requests that need each other's answers."""

    name: str
    script: Callable[[Target], Awaitable[list[str]]]

    async def against(self, target: Target) -> list[str]:
        """Carry it out."""
        return await self.script(target)


def document(name: str, query: str, expects: Expectation, /, *, who: Who = None, **variables: Any) -> Sent:
    """Return an attack by a document and its variables."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    return Sent(name, expects, body, who=who)


def refused(*codes: str, status: int | Collection[int] | None = None) -> Expectation:
    """Expect errors of these codes, all of them and no others, and no data."""

    def judged(reply: Reply) -> list[str]:
        complaints = []
        if set(reply.codes) != set(codes):
            complaints.append(f"the codes are {sorted(set(reply.codes))}, and not {sorted(codes)}: {_shown(reply)}")
        elif any((reply.json().get("data") or {}).values()):
            complaints.append(f"there is data: {_shown(reply)}")
        return complaints + (_status(reply, status) if status is not None else [])

    return judged


def answered(data: Any) -> Expectation:
    """Expect just this data."""

    def judged(reply: Reply) -> list[str]:
        try:
            content = reply.json()
        except ValueError:
            return [f"no JSON: {_shown(reply)}"]
        return [] if content == {"data": data} else [f"the answer is not {data!r}: {_shown(reply)}"]

    return judged


def sound(reply: Reply) -> list[str]:
    """Expect an answer without errors."""
    return [] if reply.status == 200 and not reply.errors else [f"there are errors: {_shown(reply)}"]


def one_of(*types: str) -> Expectation:
    """Expect each mutation to come to one of these types."""

    def judged(reply: Reply) -> list[str]:
        data = {} if reply.errors else reply.json().get("data") or {}
        found = [value.get("__typename") for value in data.values()]
        is_right = found and set(found) <= set(types)
        return [] if is_right else [f"the results are {found}, and none of {types}: {_shown(reply)}"]

    return judged


def unions(*types: str) -> Expectation:
    """Expect mutations to come to these types, field by field."""

    def judged(reply: Reply) -> list[str]:
        data = {} if reply.errors else reply.json().get("data") or {}
        found = [value.get("__typename") for value in data.values()]
        return [] if found == list(types) else [f"the results are {found}, and not {list(types)}: {_shown(reply)}"]

    return judged


def status(*wanted: int, without: str = "", **headers: str | None) -> Expectation:
    """Expect one of these statuses, headers that have these values or are not there, and a body that lacks a text."""

    def judged(reply: Reply) -> list[str]:
        complaints = _status(reply, wanted)
        if without and without in reply.text:
            complaints.append(f"the answer has {without!r} in it")
        for name, value in headers.items():
            if reply.headers.get(name.replace("_", "-")) != value:
                complaints.append(f"the header {name} is {reply.headers.get(name)!r}, and not {value!r}")
        return complaints

    return judged


def both(*expectations: Expectation) -> Expectation:
    """Expect all of these."""
    return lambda reply: [complaint for expects in expectations for complaint in expects(reply)]


def _status(reply: Reply, wanted: int | Collection[int]) -> list[str]:
    allowed = {wanted} if isinstance(wanted, int) else wanted
    return [] if reply.status in allowed else [f"the status is {reply.status}, and not {wanted}: {_shown(reply)}"]


def _shown(reply: Reply) -> str:
    return f"{reply.status} {reply.text[:400]}"


def _errors(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    payloads = [message.get("payload") or [] for message in messages]
    return [error for said in payloads for error in (said if isinstance(said, list) else said.get("errors", []))]
