"""The kinds of generated attacks."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.attack.corpus import WHO, bodies, messages, post, requests
from tests.attack.documents import cases, documents
from tests.attack.frames import CLOSE, PING, PONG, TEXT, frame
from tests.attack.mutation import mutated
from tests.attack.named import CROWDS, QUICK, SLOW
from tests.attack.named.kinds import Attack
from tests.attack.shots import Kind, Outcome, Shot, SocketShot
from tests.attack.target import Target

ACCEPTED = (b"*/*", b"application/json", b"application/graphql-response+json", b"text/event-stream")


VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**31, -(2**63) - 1, 10**300, 1e308, "", "0", "-0.00", "1e5", "NaN", "\0", "\ud800"),
    *("\u202e", "a" * 10_000, "prod_1", "user_1", "prod_-1", "prod_" + "9" * 30, "%", "_", "'"),
    *([], [[]], {}, {"a": 1}, ["x"] * 200),
)
"""What may stand where something else is expected."""


def numbered(make: Callable[[Random], Shot], name: str) -> Kind:
    """Return the kind whose every shot is made of its number alone."""

    def kind(seed: int, count: int) -> Iterator[Shot]:
        for number in range(count):
            yield make(Random(f"{seed} {name} {number}"))

    return kind


def changed_body(random: Random) -> Shot:
    """A valid request whose body was changed, at its right length."""
    content = mutated(random.choice(bodies()), random, bodies())
    return Shot(post(content, random.choice(WHO), random.choices(ACCEPTED, (50, 20, 25, 5))[0]))


def changed_operation(random: Random) -> Shot:
    """A valid request of which a text or the variables were changed, in a body that is JSON for all that."""
    content = json.loads(random.choice(bodies()))
    if content["variables"] and random.random() < 0.5:
        name = random.choice([*content["variables"]])
        content["variables"][name] = _changed_value(content["variables"][name], random)
    else:
        content["query"] = mutated(content["query"].encode(), random, bodies()).decode(errors="replace")
    return Shot(post(json.dumps(content).encode(), random.choice(WHO)))


def _changed_value(value: Any, random: Random) -> Any:
    """Return a value with one part of it changed, or another one in its place."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        name = random.choice([*value])
        return {**value, name: _changed_value(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        return random.choice(([*value, *value], value * 60, [_changed_value(value[0], random), *value[1:]]))
    if isinstance(value, str) and random.random() < 0.5:
        return mutated(value.encode(), random, bodies()).decode(errors="replace")
    return random.choice(VALUES)


def changed_request(random: Random) -> Shot:
    """A valid request, changed as a whole or in its head only, sometimes with another one behind it."""
    data = random.choice(requests())
    if random.random() < 0.5:
        head, end, rest = data.partition(b"\r\n\r\n")
        data = mutated(head, random, requests()) + end + rest
    else:
        data = mutated(data, random, requests())
    if random.random() < 0.1:  # a stream behind it would never end, and its answer not be known from that
        data += random.choice([each for each in requests() if b"event-stream" not in each])
    return Shot(data)


def messages_in_a_row(random: Random) -> Shot:
    """A conversation over a WebSocket in any order, half of its messages changed."""
    said = [b'{"type":"connection_init"}'] if random.random() < 0.8 else []
    said += random.choices(messages(), k=random.randint(1, 6))
    said = [each if random.random() < 0.5 else mutated(each, random, messages()) for each in said]
    return SocketShot(b"".join(frame(TEXT, each) for each in said) + _farewell(random))


def frames(random: Random) -> Shot:
    """Frames of a WebSocket that no client would send."""
    data = frame(TEXT, b'{"type":"connection_init"}') if random.random() < 0.7 else b""
    data += b"".join(_frame(random) for _ in range(random.randint(1, 6)))
    return SocketShot((mutated(data, random, [data]) if random.random() < 0.3 else data) + _farewell(random))


def _frame(random: Random) -> bytes:
    payload = random.choice(
        (random.choice(messages()), random.randbytes(random.choice((0, 1, 2, 125, 126, 300, 70_000))), b"\xff\xfe")
    )
    opcode = random.choice((TEXT, TEXT, TEXT, 0x0, 0x2, CLOSE, PING, PONG, random.randrange(16)))
    if opcode == CLOSE:
        payload = random.choice((0, 999, 1000, 1005, 1006, 3000, 4999, 65_535)).to_bytes(2, "big") + payload[:123]
    whole = frame(opcode, payload, fin=random.random() < 0.8, masked=random.random() < 0.9,
                  reserved=random.choice((0, 0, 0, 0, random.randrange(8))))  # fmt: skip
    if random.random() < 0.1:  # a length that is another one
        return whole[:1] + bytes([0x80 | random.choice((0, 1, 126, 127))]) + random.randbytes(8) + whole[2:]
    return whole


def _farewell(random: Random) -> bytes:
    return frame(CLOSE, (1000).to_bytes(2, "big")) if random.random() < 0.9 else b""


@dataclass(frozen=True)
class Source:
    """A kind of attacks, and its share of all that is generated."""

    shots: Kind
    share: float
    about: str


@dataclass(frozen=True)
class NamedShot(Shot):
    """An attack that has a name, which knows what must come of it."""

    attack: Attack

    async def at(self, target: Target) -> Outcome:
        """Carry it out."""
        complaints = await self.attack.against(target)
        return Outcome("not as it must be" if complaints else "as it must be", [], complaints)


def those_of(attacks: Sequence[Attack]) -> Kind:
    """Return the kind of attacks that have names, in an order that the seed decides."""

    def kind(seed: int, count: int) -> Iterator[Shot]:
        for attack in Random(seed).sample(attacks, len(attacks))[:count]:
            yield NamedShot(attack.name.encode(), attack)

    return kind


NAMED: Mapping[str, Sequence[Attack]] = {"named": [*QUICK, *SLOW], "crowds": CROWDS}
"""Each is made once. Crowds drive others out, and are sent one after the other."""

KINDS: Mapping[str, Source] = {
    "bytes": Source(numbered(changed_body, "bytes"), 0.35, "bodies, changed at random"),
    "operations": Source(numbered(changed_operation, "operations"), 0.25, "documents and variables, changed"),
    "requests": Source(numbered(changed_request, "requests"), 0.2, "whole requests, changed"),
    "messages": Source(numbered(messages_in_a_row, "messages"), 0.08, "conversations over WebSockets"),
    "frames": Source(numbered(frames, "frames"), 0.06, "frames of WebSockets"),
    "documents": Source(documents, 0.03, "operations of the schema, by hypothesis-graphql"),
    "schemathesis": Source(cases, 0.03, "operations of the schema, by Schemathesis"),
    **{name: Source(those_of(attacks), 0, "attacks with names") for name, attacks in NAMED.items()},
}
