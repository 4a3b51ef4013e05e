"""Some of the faults, so that the harness is known to work whenever all of them are wanted."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice, repeat
from pathlib import Path
from random import Random

import orjson
import pytest
import uvloop

from tests.chaos.server import Server
from tests.faults import __main__ as command
from tests.faults.asked import MADE, requests
from tests.faults.faults import FAULTS, Fault, NotHere
from tests.faults.load import People, Served
from tests.faults.overload import SIZE, Overload, Part, shop
from tests.faults.proxy import Proxy
from tests.faults.run import Outcome, run
from tests.faults.soak import Look, complaints, look
from tests.faults.visitors import Visitors

ROOT = Path(__file__).parent.parent.parent
SHORT = ("refused", "cut, three times", "gone in mid-request", "worker killed")


def test_what_was_acknowledged_survives_faults_and_reads_do_not_notice_the_short_ones() -> None:
    faults = [fault for fault in FAULTS if any(words in fault.name for words in SHORT)]
    outcomes, log = run(faults, seed=1)
    assert {outcome.fault.name: outcome.complaints for outcome in outcomes if outcome.complaints} == {}, log[-4000:]
    assert len(outcomes) == len(faults) == len(SHORT)
    assert all(outcome.orders and outcome.reads for outcome in outcomes)


async def test_a_wire_is_late_slow_and_silent_as_it_is_told() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    line = Proxy(f"postgresql://x@127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
    await line.mend()
    loop = asyncio.get_running_loop()

    async def round_trip(size: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        began = loop.time()
        try:
            writer.write(bytes(size))
            await asyncio.wait_for(reader.readexactly(size), 2)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)
        return loop.time() - began

    assert await round_trip(1) < 0.5
    line.latency = 0.5
    assert 1 <= await round_trip(1) < 1.9
    line.latency, line.rate = 0.0, 1000
    assert 0.3 < await round_trip(400) < 2
    line.silent = True
    with pytest.raises(TimeoutError):
        await round_trip(1)
    await line.mend()
    assert await round_trip(1) < 0.5
    await line.cut()
    with pytest.raises(ConnectionRefusedError):
        await round_trip(1)
    server.close()


def outcome(**values: object) -> Outcome:
    return Outcome(Fault("a fault", no_fault, reads_survive=True), 1, **values)  # type: ignore[arg-type]


async def no_fault(stage: object) -> None:
    raise NotHere("there is none")


@pytest.mark.parametrize(("wrong", "code"), [([], 0), (["ord_1 is lost"], 1)])
def test_the_command_prints_the_worst_of_all_rounds_and_fails_when_anything_is_wrong(
    wrong: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pretend(faults: object, seed: int) -> tuple[list[Outcome], str]:
        times = {1: 0.5, 2: 1.5}
        return [Outcome(FAULTS[0], seed, reads=5, orders=2, recovery=times[seed], complaints=wrong)], "the log"

    monkeypatch.setattr(command, "run", pretend)
    monkeypatch.setattr("sys.argv", ["faults", "--seeds", "1", "2", "--only", FAULTS[0].name])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    row = f"| {FAULTS[0].name} | 1.5 s | 0.0 s | 10 | 0 (none may) | 4 | 0 | {2 * len(wrong)} |"
    assert capsys.readouterr().out.endswith(f"\n{command.HEAD}{row}\n")


def test_a_fault_that_cannot_be_had_says_why() -> None:
    assert command.line([outcome(skipped="it is Sunday")]) == "| a fault | not tried: it is Sunday | | | | | | |"


def test_the_page_has_a_row_for_every_fault() -> None:
    page = (ROOT / "docs" / "faults.md").read_text()
    assert [fault.name for fault in FAULTS if f"| {fault.name} |" not in page] == []


def overload(*, under: int = 900, health: float = 0.1, recovery: float | None = 0.5) -> Overload:
    def part(good: int, **statuses: int) -> Part:
        return Part(Served(Counter({"200": good}) + Counter(statuses), [0.1] * good, 1.0), 0.5, 0.1)

    return Overload(part(1000), part(under, **{"503": 7}), health, recovery)


def test_a_server_that_gives_way_is_told() -> None:
    assert overload().complaints == []
    assert "90% of the best; /health within 100 ms; well again after 0.5 s" in overload().summary()
    assert "1000/s, half of them within 100 ms" in overload().summary()
    assert "556 µs for a good answer; senders 10% of one (900 of 200, 7 of 503)" in overload().summary()
    assert overload(under=700).complaints == ["under load only 70% of the peak was answered"]
    assert overload(health=1.5).complaints == ["/health took 1.5 seconds"]
    assert len(overload(recovery=None).complaints) == len(overload(recovery=3).complaints) == 1


def test_answers_that_come_too_late_are_of_no_use() -> None:
    served = Served(seconds=[0.1, 0.2, 3.0], took=2.0)
    assert (served.good, served.rate, served.percentile(0.5)) == (2, 1.0, 0.2)


@asynccontextmanager
async def answering(*answers: bytes, piece: int = 10_000) -> AsyncIterator[str]:
    """A server that gives these answers to requests of three bytes, in so small pieces, and then hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for each in answers:
                await reader.readexactly(3)
                for start in range(0, len(each), piece):
                    writer.write(each[start : start + piece])
                    await asyncio.sleep(0)
            await reader.readexactly(3)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_people_count_what_they_are_answered_and_ask_again_where_an_idle_connection_was_closed(
    piece: int,
) -> None:
    good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    bad = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\nx: y\r\n\r\n{"errors": 1}'
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nx: y\r\ncontent-length: 0\r\n\r\n"
    async with answering(good, bad, refusal, piece=piece) as address:
        people = People(address, repeat(b"ask"))
        served = await people.closed(1, 0.3)
        people.close()
    assert served.good >= 2
    assert served.statuses.keys() == {"200", "503"}
    assert 2 * served.good - served.statuses["200"] in {0, 1}
    assert served.good - served.statuses["503"] in {0, 1}


async def test_people_notice_when_nobody_answers() -> None:
    async with answering() as address:
        people = People(address, repeat(b"ask"))
        assert (await people.open(1, 0.05)).statuses == {"connection lost": 1}
    assert (await people.open(1, 0.05)).statuses == {"ConnectionRefusedError": 1}


def test_every_order_has_a_key_of_its_own() -> None:
    asked = requests("shop:80", {"order": 1}, Random(1), 9, 9)
    some = [orjson.loads(request.split(b"\r\n\r\n")[1]) for request in islice(asked, MADE + 10)]
    assert len({each["variables"]["key"] for each in some}) == MADE + 10


def test_visitors_of_every_kind_are_answered_as_they_deserve() -> None:
    async def visit(running: Server) -> Visitors:
        visitors = Visitors(running.address, Random(1), SIZE.products)
        await running.wait()
        await visitors.keep_coming(2)
        await visitors.close()
        return visitors

    with shop(workers=1) as running:
        visitors = uvloop.run(visit(running))
        assert "Traceback" not in running.said()
    assert visitors.wrong == []
    assert min(visitors.came.values()) > 0
    assert len(visitors.came) == 7


def test_what_grows_is_told() -> None:
    assert complaints([Look(100, 20)] * 30) == []
    assert complaints([Look(50, 20)] * 5 + [Look(100, 20)] * 25) == []
    assert complaints([Look(100 + number, 20) for number in range(30)]) == ["memory grew by 14.6%"]
    assert complaints([Look(100, 20 + number) for number in range(30)]) == ["open files grew by 16"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_process_is_looked_at() -> None:
    seen = look(os.getpid())
    assert seen.memory > 10_000_000
    assert seen.files >= 3
