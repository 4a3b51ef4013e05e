"""A part of the attack, always the same, on a live server; and the harness, which must notice one that gives way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from random import Random

import pytest

from tests.attack import __main__ as command
from tests.attack.corpus import bodies, post, requests
from tests.attack.kinds import KINDS, NAMED
from tests.attack.mutation import CHANGES
from tests.attack.named import ATTACKS
from tests.attack.shots import Finding, Shot, SocketShot, Tally
from tests.attack.squad import Order, Squad
from tests.attack.stage import Part, Result, attack, shop
from tests.attack.target import Target
from tests.attack.watch import Sight, bugs

COUNTS = {
    "bytes": 500,
    "operations": 400,
    "requests": 200,
    "messages": 100,
    "frames": 100,
    "documents": 100,
    "schemathesis": 60,
}


def test_a_server_answers_whatever_is_sent_and_serves_others_meanwhile() -> None:
    part = Part("", {}, [Order(kind, 1, count) for kind, count in COUNTS.items()], company=10)
    with shop() as url:
        result = attack(url, part, lambda _: None, rest=0)
    assert [each for each in result.violations(in_time=False) if "more memory" not in each] == []
    assert dict(result.tally.sent) == COUNTS
    assert result.tally.statuses["200"] > 100
    assert result.company is not None
    assert result.company.statuses["200"]


@pytest.mark.parametrize("kind", COUNTS)
def test_the_same_seed_sends_the_same(kind: str) -> None:
    first, again, other = (
        [shot.data for shot in KINDS[kind].shots(seed, count)] for seed, count in ((1, 30), (1, 20), (2, 30))
    )
    assert len(first) == 30
    assert first[:20] == again
    assert first != other
    assert len(set(first)) > 20


def test_every_attack_with_a_name_is_made_once() -> None:
    made = [shot.data.decode() for kind in NAMED for shot in KINDS[kind].shots(1, 10_000)]
    assert sorted(made) == sorted({attack.name for attack in ATTACKS})
    parts = command.parts("", 1, 1000, 1.0)
    assert [part.title for part in parts] == ["named", "crowds", "without buckets", "all limits"]
    assert sum(order.count for part in parts[:2] for order in part.orders) == len(ATTACKS) > 300
    assert [sum(order.count for order in part.orders) for part in parts[2:]] == [900, 100]
    assert [part.title for part in command.parts("named", 1, 1000, 1.0)] == ["named"]


async def test_an_attack_with_a_name_says_what_was_wrong() -> None:
    async with answering(http("500 Internal Server Error", b"{}")) as target:
        tally = await Squad(Order("named", 1, 5), target).fire()
    assert tally.statuses == {"not as it must be": 5}
    assert tally.findings


def test_every_change_changes_something() -> None:
    data = bodies()[0]
    for change in CHANGES:
        assert any(change(data, Random(number), bodies()) != data for number in range(20)), change


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Target]:
    """A server that says always the same."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    yield Target("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()


def http(status: str, content: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def failed(code: str, message: str = "No.") -> bytes:
    return json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        http("500 Internal Server Error", b"{}"),
        http("502 Bad Gateway", failed("UNAVAILABLE"), "retry-after: 1"),
        http("503 Service Unavailable", b"{}"),
        http("200 OK", failed("INTERNAL_SERVER_ERROR")),
        http("400 Bad Request", failed("BAD_REQUEST", "asyncpg.exceptions.DataError: invalid input")),
        http("200 OK", b'{"data": '),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nno",
        b"Traceback",
        b"",
    ],
)
async def test_a_bad_answer_is_told_and_how_to_have_it_again(answer: bytes) -> None:
    async with answering(answer) as target:
        tally = await Squad(Order("bytes", 7, 2), target).fire()
    assert [finding.number for finding in tally.findings[:: len(tally.findings) // 2]] == [0, 1]
    assert str(tally.findings[0]).splitlines()[1] == "  --seed 7 --only bytes, number 0:"


async def test_a_good_answer_is_counted() -> None:
    async with answering(http("503 Service Unavailable", failed("UNAVAILABLE"), "retry-after: 1")) as target:
        tally = await Squad(Order("bytes", 1, 3), target).fire()
    assert tally == Tally(Counter(bytes=3), Counter({"503": 3}), Counter(UNAVAILABLE=3), [])


async def test_a_server_that_has_gone_is_told() -> None:
    async with answering(b"") as target:
        pass
    for shot in (Shot(requests()[0]), SocketShot(b"")):
        with pytest.raises(OSError, match="Connect"):
            await shot.at(target)
    tally = await Squad(Order("frames", 1, 1), target).fire()
    assert "ConnectionRefused" in tally.findings[0].complaint


def test_what_was_sent_can_be_read() -> None:
    found = Finding("bytes", 3, 17, post(b"\x00{"), "the status is 500")
    assert str(found).startswith("the status is 500\n  --seed 3 --only bytes, number 17:\n  UE9TVCAvZ3JhcGhxbC")


def test_a_server_that_is_late_is_told() -> None:
    assert Sight(seconds=[0.001] * 100, lags=[0.02]).complaints() == []
    late = Sight(seconds=[0.001] * 90 + [0.06] * 10, lags=[0.02, 0.15], failures=["TimeoutError"] * 2)
    assert late.complaints() == [
        "/health: TimeoutError",
        "the event loop came to nobody for 150 ms",
        "/health took 60 ms in one of a hundred looks",
    ]
    assert late.complaints(in_time=False) == ["/health: TimeoutError"]


def test_a_server_that_keeps_memory_is_told() -> None:
    mib = 2**20
    assert Result("", memory=[100 * mib, 400 * mib, 149 * mib]).violations() == []
    assert Result("", memory=[100 * mib, 400 * mib, 160 * mib]).violations() == [
        "60 MB more memory than when it was warm"
    ]


def test_a_log_is_searched_for_bugs() -> None:
    bug = "Bug 1a2b at ['me']\nTraceback (most recent call last):\n  File x\nKeyError: 'me'"
    access = 'INFO:     127.0.0.1:1 - "POST /graphql HTTP/1.1" 200 OK'
    assert bugs(f"{access}\n{bug}\n{access}\n{bug}\n") == [f"logged: {bug}"]
    assert bugs(f"Refused: BAD_REQUEST\n{access}\n") == []


@pytest.mark.parametrize(("findings", "code"), [([], 0), ([Finding("bytes", 1, 0, b"x", "it fell over")], 1)])
def test_the_command_attacks_twice_and_fails_when_anything_is_wrong(
    findings: list[Finding], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def attacked(url: str, part: Part, say: object) -> Result:
        sent = Tally()
        sent.sent.update({order.kind: order.count for order in part.orders})
        sent.findings += findings
        return Result(part.title, sent, memory=[1, 2, 1])

    monkeypatch.setattr(command, "shop", lambda: nullcontext("postgresql://nowhere"))
    monkeypatch.setattr(command, "attack", attacked)
    monkeypatch.setattr("sys.argv", ["attack", "--requests", "1000", "--only", "bytes"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    said = capsys.readouterr().out
    assert ended.value.code == code
    assert "without buckets: 900 sent in 0 s: bytes 900\n" in said
    assert "all limits: 100 sent in 0 s: bytes 100\n" in said
    assert said.count("VIOLATION") == 2 * len(findings)
