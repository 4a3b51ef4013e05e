"""What a worker does with more requests than it has places for, and with those that take too long."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shop_graphql.api.admission import PATIENCE, Admission
from shop_graphql.database import Database
from shop_graphql.serving import Serving
from tests.factories import Factory
from tests.faults.test_connections import hello, running
from tests.faults.test_timeouts import READ, ask, served


class Client:
    """Sends requests to an application and keeps what it answers."""

    def __init__(self, app: Any) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def ask(self, path: str = "/") -> httpx.Response:
        return await self._http.get(path)


class Door:
    """An application that answers those who are in, one for each `open`; and says who came in."""

    def __init__(self) -> None:
        self._leaving = asyncio.Semaphore(0)
        self.entered: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.entered.append(scope["path"])
        await self._leaving.acquire()
        await hello(scope, receive, send)

    async def open(self, people: int = 1) -> None:
        for _ in range(people):
            self._leaving.release()
        await asyncio.sleep(0.02)


class Line:
    """People who stand in front of an application, one after the other."""

    def __init__(self, app: Any) -> None:
        self._client = Client(app)
        self.answers: list[asyncio.Task[httpx.Response]] = []

    async def join(self, *paths: str) -> None:
        for path in paths:
            self.answers.append(asyncio.create_task(self._client.ask(path)))
            await asyncio.sleep(0.01)

    async def statuses(self) -> list[int]:
        return [answer.status_code for answer in await asyncio.gather(*self.answers)]


async def test_who_finds_no_place_waits_for_one_and_nobody_overtakes_them() -> None:
    door = Door()
    admission = Admission(door, 2, 9)
    line = Line(admission)
    await line.join("/1", "/2", "/3", "/4")
    assert (door.entered, admission.load.requests) == (["/1", "/2"], 2)
    await door.open()
    await line.join("/5")
    assert (door.entered, admission.load.requests) == (["/1", "/2", "/3"], 2)
    await door.open(4)
    assert door.entered == ["/1", "/2", "/3", "/4", "/5"]
    assert await line.statuses() == [200] * 5
    assert (admission.load.requests, admission.load.refused) == (0, 0)


async def test_who_waits_longer_than_patience_is_refused() -> None:
    door = Door()
    admission = Admission(door, 2, 9)
    line, began = Line(admission), time.monotonic()
    await line.join("/1", "/2", "/3", "/4", "/5")
    refused = await line.answers[-1]
    assert PATIENCE < time.monotonic() - began < 5
    assert (refused.json()["errors"][0]["extensions"], refused.headers["retry-after"]) == ({"code": "UNAVAILABLE"}, "1")
    await door.open(2)
    assert await line.statuses() == [200, 200, 503, 503, 503]
    assert (admission.load.requests, admission.load.refused) == (0, 3)


async def test_each_of_those_who_wait_has_the_same_patience() -> None:
    admission = Admission(Door(), 1, 9)
    line = Line(admission)
    await line.join("/1", "/2")
    await asyncio.sleep(0.7 * PATIENCE)
    await line.join("/3")
    await asyncio.sleep(0.7 * PATIENCE)
    assert admission.load.refused == 1
    await asyncio.sleep(0.7 * PATIENCE)
    assert admission.load.refused == 2
    line.answers[0].cancel()


async def test_who_goes_away_while_waiting_gets_no_place() -> None:
    door = Door()
    admission = Admission(door, 1, 9)
    line = Line(admission)
    await line.join("/1", "/2", "/3")
    line.answers.pop(1).cancel()
    await door.open(2)
    assert door.entered == ["/1", "/3"]
    assert await line.statuses() == [200, 200]
    assert admission.load.requests == 0


async def test_who_goes_away_in_the_moment_of_getting_a_place_gives_it_back() -> None:
    door = Door()
    admission = Admission(door, 1, 9)
    line = Line(admission)
    await line.join("/1", "/2", "/3")
    admission._leave(next(iter(admission._under_way)))
    line.answers.pop(1).cancel()
    await door.open(2)
    assert door.entered == ["/1", "/3"]
    assert await line.statuses() == [200, 200]
    assert admission.load.requests == 0


async def test_the_time_of_waiting_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop_graphql.api.admission.PATIENCE", 9)
    admission = Admission(Door(), 1, 1)
    line, began = Line(admission), time.monotonic()
    await line.join("/1")
    await asyncio.sleep(0.1)
    await line.join("/2")
    assert await line.statuses() == [504, 504]
    assert time.monotonic() - began < 1.8
    assert admission.load.late == 2


async def refuse_most(scope: Any, receive: Any, send: Any) -> None:
    """Keep the place of whoever asks for /slow, until the next one is refused."""
    while scope["path"] == "/slow" and FULL.load.refused < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await hello(scope, receive, send)


FULL = Admission(refuse_most, 1, 9)


def make_full() -> Any:
    return FULL


async def test_a_connection_on_which_a_request_was_refused_answers_the_next_ones_in_order() -> None:
    def request(path: str, body: bytes = b"{}") -> bytes:
        return b"POST %b HTTP/1.1\r\nhost: shop\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), len(body), body)

    async with running(Serving(), "tests.faults.test_admission:make_full") as shop:
        slow, slow_writer = await shop.connect(request("/slow"))
        await asyncio.sleep(0.05)
        reader, writer = await shop.connect(request("/1", b" " * 100_000) + request("/2") + request("/3"))
        heads = []
        for _ in range(3):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            heads.append(head[9:12])
            body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r")[0]))
            assert (b"UNAVAILABLE" in body) == (head[9:12] == b"503")
        assert heads == [b"503", b"503", b"200"]
        assert (await slow.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        assert FULL.load.refused == 2
        writer.close()
        slow_writer.close()


async def test_a_response_that_has_begun_is_not_cut_off_and_takes_no_place() -> None:
    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert admission.load.requests == 0
        await asyncio.sleep(0.3)
        await send({"type": "http.response.body", "body": b"late"})

    admission = Admission(stream, 1, 0.1)
    assert (await Client(admission).ask()).text == "late"


async def test_a_time_out_of_something_else_is_not_taken_for_the_deadline() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await Client(Admission(broken, 1, 9)).ask()


async def test_a_request_that_somebody_else_cancels_stays_cancelled() -> None:
    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(9)

    admission = Admission(wait, 1, 9)
    asking = asyncio.create_task(admission({"type": "http"}, hello, hello))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    assert admission.load.requests == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (admission.load.requests, admission.load.late) == (0, 0)


async def test_each_of_many_requests_is_given_up_in_its_time() -> None:
    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(2 if admission.load.requests > 2 else 9)
        await hello(scope, receive, send)

    admission = Admission(wait, 9, 1)
    client = Client(admission)

    async def ask(delay: float) -> tuple[int, float]:
        await asyncio.sleep(delay)
        began = time.monotonic()
        return (await client.ask()).status_code, time.monotonic() - began

    answers = await asyncio.gather(*(ask(number / 4) for number in range(4)))
    assert {status for status, _ in answers} == {504}
    assert all(0.99 < seconds < 1.9 for _, seconds in answers)
    assert admission.load.late == 4


async def test_health_is_green_while_a_worker_is_full_and_counts_who_is_refused(
    database_url: str, database: Database, make: Factory
) -> None:
    async with served(database_url, max_requests=1) as (_, http):
        async with database.transaction() as session:
            await session.execute(text("LOCK TABLE products"))
            asking = [asyncio.create_task(ask(http, READ)), asyncio.create_task(ask(http, READ))]
            refused = await asking[1]
            health = await http.get("/health")
            assert (await http.get("/ready")).status_code == 200
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/json")
        assert (health.status_code, health.json()["requests"], health.json()["refused"]) == (200, 1, 1)
        assert (await asking[0]).status_code == 200
