"""How many requests share a statement depends on how long it takes."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from shop_graphql.api.batching import Batches
from shop_graphql.compiler.plans import Plan
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.pace import Pace


def plan() -> Plan:
    return Plan("SELECT $1::BIGINT", (), (), (0,), 0)


class Slow:
    """A database whose statements take so long for each value, over ten connections."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent: list[int] = []
        self.under_way = 0
        self._connections = asyncio.Semaphore(10)

    async def fetch(self, sql: str, parameters: Any, pace: Pace) -> str:  # noqa: ARG002
        return (await self._answer([parameters[0]], pace))[0]

    async def lines(self, sql: str, parameters: Any, pace: Pace) -> list[str]:  # noqa: ARG002
        return await self._answer(parameters[0], pace)

    async def _answer(self, keys: list[Any], pace: Pace) -> list[str]:
        self.sent.append(len(keys))
        async with self._connections:
            self.under_way += 1
            started = time.perf_counter()
            try:
                await self.take(keys)
            finally:
                self.under_way -= 1
            pace.took(time.perf_counter() - started, len(keys))
            return [str(key) for key in keys]

    async def take(self, keys: list[Any]) -> None:
        await asyncio.sleep(self.seconds * len(keys))


async def rate(direct: Slow, clients: int = 16, each: int = 15, known: Plan | None = None) -> float:
    """Return how many requests a second are answered, after a while in which the pace becomes known."""
    batches, kind = Batches(direct), known or plan()  # type: ignore[arg-type]

    async def client(number: int, times: int) -> None:
        for turn in range(times):
            key = number * 1000 + turn
            assert await batches.fetch(kind, [key]) == str(key)

    await asyncio.gather(*(client(number, 5) for number in range(clients)))
    started = time.perf_counter()
    await asyncio.gather(*(client(number, each) for number in range(clients)))
    return clients * each / (time.perf_counter() - started)


async def test_slow_statements_are_not_queued_up_behind_each_other() -> None:
    # Alone, ten connections answer 500 a second at the most; two lanes of shared statements answered 100.
    direct = Slow(0.02)
    began = time.perf_counter()
    await asyncio.gather(*(direct.fetch("", [key], Pace()) for key in range(100)))
    alone = 100 / (time.perf_counter() - began)
    assert await rate(direct) > alone / 2


async def test_quick_statements_are_shared() -> None:
    direct = Slow(0.00005)
    await rate(direct)
    assert len(direct.sent) < sum(direct.sent) / 2


async def test_a_statement_takes_as_many_values_as_will_be_answered_soon() -> None:
    direct, kind = Slow(0.002), plan()
    kind.pace.seconds = 0.002
    await rate(direct, known=kind)
    assert max(direct.sent) <= 5


@pytest.mark.parametrize("keys", [range(5), [1] * 5], ids=["others", "the same"])
async def test_nobody_waits_for_long_behind_statements_that_are_stuck(keys: Any) -> None:
    direct, batches, kind = Slow(0), Batches(Slow(0)), plan()  # type: ignore[arg-type]
    batches._direct = direct  # type: ignore[assignment]
    direct.seconds = 30
    stuck = []
    for key in (100, 101):
        stuck.append(asyncio.create_task(batches.fetch(kind, [key])))
        await asyncio.sleep(0.01)
    direct.seconds = 0
    async with asyncio.timeout(0.5):
        assert await asyncio.gather(*(batches.fetch(kind, [key]) for key in keys)) == [str(key) for key in keys]
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)


async def test_identical_slow_requests_share_all_the_same() -> None:
    direct, kind = Slow(0.05), plan()
    kind.pace.seconds = 0.05
    batches = Batches(direct)  # type: ignore[arg-type]

    async def ask(delay: float) -> None:
        await asyncio.sleep(delay)
        assert await batches.fetch(kind, [7]) == "7"

    await asyncio.gather(*(ask(number / 1000) for number in range(100)))
    assert len(direct.sent) <= 12
    assert batches._lanes == {}


class Failing(Slow):
    def __init__(self, error: Exception) -> None:
        super().__init__(0)
        self._error = error

    async def take(self, keys: list[Any]) -> None:  # noqa: ARG002
        raise self._error


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (ConnectionsBusy("all connections are in use"), [5]),
        (TimeoutError(), [5]),
        (ConnectionRefusedError(), [5]),
        (asyncpg.InterfaceError("closed"), [5]),
        (asyncpg.DataError("bad"), [5, 1, 1, 1, 1, 1]),
    ],
)
async def test_only_what_postgresql_refused_is_sent_again_for_each(error: Exception, sent: list[int]) -> None:
    direct, kind = Failing(error), plan()
    batches = Batches(direct)  # type: ignore[arg-type]
    outcomes = await asyncio.gather(*(batches.fetch(kind, [key]) for key in range(5)), return_exceptions=True)
    assert outcomes == [error] * 5
    assert direct.sent == sent


async def test_a_statement_that_nobody_waits_for_any_more_is_cancelled() -> None:
    direct, kind = Slow(30), plan()
    batches = Batches(direct)  # type: ignore[arg-type]
    asking = [asyncio.create_task(batches.fetch(kind, [key])) for key in (1, 2)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    await asyncio.sleep(0.01)
    assert direct.under_way == 1
    asking[1].cancel()
    await asyncio.sleep(0.01)
    assert (direct.under_way, batches._lanes) == (0, {})


def test_a_busy_event_loop_does_not_make_statements_look_slow() -> None:
    pace = Pace()
    for seconds in [0.0001] + [0.03, 0.0001] * 50:
        pace.took(seconds)
    assert pace.seconds < 0.001
    for _ in range(30):
        pace.took(0.03)
    assert pace.seconds == 0.03
