"""The judge of answers: it has nothing to say of a good one, and misses nothing in a bad one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.attack.frames import CLOSE, TEXT, Talk, frame, message
from tests.attack.named import slow
from tests.attack.named.kinds import Raw, Sent, Spoken, answered, both, one_of, refused, sound, status, unions
from tests.attack.target import Heard, Reply, Target, judge, judge_talk
from tests.attack.wire import Malformed, Unfinished, replies

JSON = {"content-type": "application/json"}
BUSY = {"errors": [{"message": "busy", "extensions": {"code": "UNAVAILABLE"}}]}


def reply(content: Any = None, status: int = 200, **headers: str) -> Reply:
    """Return an answer in JSON, or just these bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(status, {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}, body)


def error(code: object = "BAD_REQUEST", **more: Any) -> dict[str, Any]:
    return {"message": "no", "extensions": {"code": code}, **more}


GOOD = [
    reply({"data": {"__typename": "Query"}}),
    reply({"errors": [error()]}, 400),
    reply(BUSY, 503, retry_after="1"),
    Reply(307, {"location": "/graphql"}),
    Reply(400, {"content-type": "text/plain; charset=utf-8"}, b"Bad Request"),
    Reply(
        200, {"content-type": "text/event-stream"}, b'event: next\ndata: {"data": {}}\n\nevent: complete\ndata: \n\n'
    ),
]
BAD = {
    "there was no answer": Reply(),
    "the status is 500": Reply(500, {"content-type": "text/plain"}, b"Internal Server Error"),
    "the status is 503": reply(BUSY, 503),
    "the status is 502": reply({"data": {}}, 502),
    "tells too much: 'Traceback'": reply({"errors": [error(message="Traceback (most recent call last)")]}),
    "tells too much: 'asyncpg'": Reply(200, {**JSON, "x-driver": "asyncpg"}, b"{}"),
    "tells too much: 'SELECT '": Reply(404, {"content-type": "text/plain"}, b"SELECT 1"),
    "has no media type": Reply(200, {}, b"x"),
    "is no JSON": reply(b"{"),
    "NaN is no JSON": reply(b'{"data": NaN}'),
    "without a code": reply({"errors": [{"message": "no"}]}),
    "without a code or a message": reply({"errors": [{"extensions": {"code": "X"}}]}),
    "errors is no list": reply({"errors": "no"}),
    "a bug": reply({"errors": [error("INTERNAL_SERVER_ERROR")]}),
    "a bug: {'message": Reply(
        200,
        {"content-type": "text/event-stream"},
        b"data: " + json.dumps({"errors": [error("INTERNAL_SERVER_ERROR")]}).encode(),
    ),
}


@pytest.mark.parametrize("good", GOOD, ids=[str(number) for number in range(len(GOOD))])
def test_nothing_is_wrong_with_a_good_answer(good: Reply) -> None:
    assert judge(good) == []


@pytest.mark.parametrize("complaint", BAD)
def test_a_bad_answer_is_complained_of(complaint: str) -> None:
    assert complaint in " ".join(judge(BAD[complaint]))


def test_what_is_only_sent_back_is_no_leak() -> None:
    echo = reply({"data": {"name": "SELECT 1"}})
    assert len(judge(echo)) == 1
    assert judge(echo, b"SELECT 1") == []


def test_what_is_wrong_with_a_conversation_is_noticed() -> None:
    handshake = Reply(101, {})
    assert judge_talk(Talk(handshake, [{"type": "ping"}], close=4400, reason="A payload must be an object.")) == []
    wrong = Talk(
        handshake,
        [
            {"type": "error", "payload": [{"message": "no"}]},
            {"type": "next", "payload": {"errors": [error("INTERNAL_SERVER_ERROR")]}},
        ],
        close=1011,
        reason="KeyError('id')",
    )
    found = " ".join(judge_talk(wrong))
    for complaint in ("tells too much", "by a mistake of the server", "without a code", "a bug"):
        assert complaint in found
    assert judge_talk(Talk()) == ["there was no answer"]


EXPECTATIONS: list[tuple[Callable[[Reply], list[str]], Reply, Reply]] = [
    (answered({"a": 1}), reply({"data": {"a": 1}}), reply({"data": {"a": 2}})),
    (answered({"a": 1}), reply({"data": {"a": 1}}), Reply(400, {}, b"x")),
    (refused("A"), reply({"errors": [error("A")]}), reply({"errors": [error("B")]})),
    (refused("A"), reply({"errors": [error("A")]}), reply({"data": {"a": 1}, "errors": [error("A")]})),
    (refused("A", status=400), reply({"errors": [error("A")]}, 400), reply({"errors": [error("A")]})),
    (unions("A"), reply({"data": {"a": {"__typename": "A"}}}), reply({"data": {"a": {"__typename": "B"}}})),
    (one_of("A", "B"), reply({"data": {"a": {"__typename": "B"}}}), reply({"data": None, "errors": [error()]})),
    (sound, reply({"data": {}}), reply({"data": None, "errors": [error()]})),
    (status(404, 405), Reply(405), Reply(200)),
    (status(200, without="root:"), Reply(200), Reply(200, {}, b"root:x:0")),
    (status(200, x_a=None), Reply(200), Reply(200, {"x-a": "*"})),
    (both(status(200), sound), reply({"data": {}}), reply({"data": {}}, 400)),
]


@pytest.mark.parametrize(("expects", "right", "wrong"), EXPECTATIONS)
def test_an_expectation_is_met_or_it_is_not(expects: Callable[[Reply], list[str]], right: Reply, wrong: Reply) -> None:
    assert expects(right) == []
    assert expects(wrong) != []


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"


@pytest.mark.parametrize("data", [OK, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"HTTP/1.1 200 OK\r\n\r\nok"])
def test_an_answer_is_read_from_the_wire_when_it_is_whole(data: bytes) -> None:
    assert [(found.status, found.body) for found in replies(data, is_closed=True)] == [(200, b"ok")]
    for end in range(1, len(data) - 2):
        with pytest.raises(Unfinished):
            replies(data[:end], is_closed=False)


def test_answers_one_after_the_other_are_told_apart() -> None:
    assert [found.body for found in replies(OK + CHUNKED + OK, is_closed=False)] == [b"ok"] * 3
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    assert [found.body for found in replies(head, is_closed=False, is_head=True)] == [b""]


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        OK.replace(b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n"),
    ],
)
def test_what_is_no_answer_is_noticed(data: bytes) -> None:
    with pytest.raises(Malformed):
        replies(data, is_closed=True)


def test_bytes_are_expected_to_bring_just_these_answers() -> None:
    attack = Raw("x", [b""], [200])
    assert (
        attack.judged(Heard(CHUNKED.replace(b"\r\ntransfer", b"\r\ncontent-type: a/b\r\ntransfer"), is_closed=False))
        == []
    )
    for data in (b"", OK + OK, b"nonsense\r\n\r\n"):
        assert attack.judged(Heard(data, is_closed=False)) != []
    refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno"
    attack = Raw("x", [b""], [400])
    assert attack.judged(Heard(refusal, is_closed=True)) == []
    assert "stays open" in attack.judged(Heard(refusal, is_closed=False))[0]


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Target]:
    """Run a server that says the same to everybody, whatever they say, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield Target(host, port)


def _answer(content: Mapping[str, Any], status: str = "200 OK") -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status.encode(),
        len(body),
        body,
    )


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


async def test_an_attack_tells_a_wrong_server_from_a_right_one() -> None:
    attack = Sent("x", answered({"a": 1}))
    async with answering(_answer({"data": {"a": 1}})) as target:
        assert await attack.against(target) == []
    for wrong in (b"", _answer({"data": {"a": 2}}), _answer({"data": {"a": 1}}, "500 Internal Server Error")):
        async with answering(wrong) as target:
            assert await attack.against(target) != []


async def test_a_websocket_must_end_or_go_on_as_is_expected() -> None:
    said = [frame(TEXT, b'{"type": "pong"}', masked=False), frame(CLOSE, b"\x11\x30no", masked=False)]
    async with answering(SWITCHED + b"".join(said)) as target:
        assert await Spoken("x", (message(type="ping"),), close=4400, types=["pong"]).against(target) == []
        assert await Spoken("x", (), types=["pong"]).against(target) == []
        for wrong in (
            Spoken("x", (), close=4401, types=["pong"]),
            Spoken("x", (), close=4400, types=[]),
            Spoken("x", (), types=["pong"], codes=["BAD"]),
            Spoken("x", (), types=["pong"], data={"a": 1}),
            Spoken("x", (), close=4400, types=["pong"], status=403),
        ):
            assert await wrong.against(target) != []
    async with answering(SWITCHED) as target:
        assert await Spoken("x", (), types=["pong"]).against(target) != []


async def test_a_server_that_never_loses_patience_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "LONGEST", 0.3)
    attack = slow.Slow("x", b"GET /", b"a", every=0.05)
    async with answering(b"HTTP/1.1 408 Request Timeout\r\n\r\n") as target:
        assert await attack.against(target) == []
    async with patient() as target:
        assert await attack.against(target) == ["the connection is still open after 0 seconds"]


@asynccontextmanager
async def patient() -> AsyncIterator[Target]:
    """Run a server that reads on and on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield Target(host, port)


async def test_bytes_that_are_answered_once_too_often_are_noticed() -> None:
    once = b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\r\nok"
    attack = Raw("x", [b"GET / HTTP/1.1\r\n\r\n"], [200])
    async with answering(once) as target:
        assert await attack.against(target) == []
    async with answering(once + once) as target:
        assert "the statuses are [200, 200]" in (await attack.against(target))[0]
