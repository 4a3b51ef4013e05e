"""Buckets of points: what is taken, given back and left, in memory and in a real valkey."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shop_graphql.auth import Buckets
from shop_graphql.auth.buckets import MemoryBuckets, Store
from shop_graphql.auth.valkey_buckets import ValkeyBuckets
from shop_graphql.values import Rate
from tests.auth.valkey_server import ValkeyServer

SLOW = Rate(100, 3600)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "valkey"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryBuckets()
        return
    server = request.getfixturevalue("valkey")
    server.command("FLUSHALL")
    buckets = ValkeyBuckets(server.url)
    yield buckets
    await buckets.close()


async def taken(store: Store, points: float, rate: Rate = SLOW, key: str = "a") -> tuple[int, int]:
    """Return what is left and the seconds to wait, rounded."""
    left, wait = await store.take(key, points, rate)
    return round(left), round(wait)


async def test_a_bucket_is_full_at_first_and_gives_what_it_holds(store: Store) -> None:
    assert [await taken(store, points) for points in (60, 40)] == [(40, 0), (0, 0)]
    assert await taken(store, 10) == (0, 360)
    assert await taken(store, 10, key="b") == (90, 0)


async def test_who_has_too_little_gets_nothing_and_is_told_how_long_to_wait(store: Store) -> None:
    await taken(store, 95)
    assert [await taken(store, points) for points in (10, 10, 5)] == [(5, 180), (5, 180), (0, 0)]


async def test_what_was_not_used_is_given_back_up_to_the_brim(store: Store) -> None:
    await taken(store, 100)
    assert [await taken(store, points) for points in (-30, 10, -500)] == [(30, 0), (20, 0), (100, 0)]


async def test_more_than_a_bucket_holds_comes_out_of_a_full_one_and_has_to_be_filled_up_again(store: Store) -> None:
    assert await taken(store, 250) == (-150, 0)
    assert await taken(store, 50) == (-150, 7200)
    assert await taken(store, -200) == (50, 0)
    assert await taken(store, 250) == (50, 1800)


async def test_a_bucket_fills_with_time_and_not_above_its_brim(store: Store) -> None:
    fast = Rate(100, 1)
    began = time.monotonic()
    await taken(store, 100, fast)
    emptied = time.monotonic()
    await asyncio.sleep(0.25)
    asked = time.monotonic()
    left, _ = await store.take("a", 10, fast)
    assert 100 * (asked - emptied) - 12 <= left <= min(90, 100 * (time.monotonic() - began) - 8)
    await asyncio.sleep(1.1)
    assert await taken(store, 10, fast) == (90, 0)


async def test_no_two_get_the_same_points(store: Store) -> None:
    outcomes = await asyncio.gather(*(taken(store, 7) for _ in range(50)))
    assert sum(not wait for _, wait in outcomes) == 14


async def test_buckets_that_are_full_again_leave_nothing_behind_in_valkey(valkey: ValkeyServer) -> None:
    valkey.command("FLUSHALL")
    buckets = ValkeyBuckets(valkey.url)
    await buckets.take("a", 1, Rate(1000, 1))
    await buckets.close()
    await asyncio.sleep(1.2)
    assert valkey.command("DBSIZE") == b":0\r\n"


async def test_the_buckets_in_memory_are_bounded_in_number() -> None:
    buckets = MemoryBuckets(capacity=10)
    for number in range(100):
        await buckets.take(str(number), 1, SLOW)
        await buckets.take("0", 1, SLOW)
    assert len(buckets) == 10
    assert await taken(buckets, 0, key="0") == (0, 0)


async def test_without_valkey_costs_are_counted_in_memory_which_is_logged_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "shop_graphql")
    server = ValkeyServer(tmp_path)
    server.start()
    buckets = Buckets(server.url)
    assert round((await buckets.take("a", 30, SLOW)).left) == 70
    server.stop()
    before = time.monotonic()
    assert [round((await buckets.take("a", 30, SLOW)).left) for _ in range(3)] == [70, 40, 10]
    assert time.monotonic() - before < 5
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "Valkey cannot be reached, so each worker counts costs by itself"
    ]
    await buckets.close()
