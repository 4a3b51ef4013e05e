"""Watches: no change is missed, however the database fares, and nobody who is slow costs more than a bounded amount."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shop_graphql import watches
from shop_graphql.database import Database
from shop_graphql.services import outbox
from shop_graphql.services.changes import Change
from shop_graphql.watches import MAX_BEHIND, FellBehind, Watch, Watches


def any_order(change: Change) -> Sequence[int]:
    return [] if change.order_id is None else [change.order_id]


async def emit(database: Database, id: int) -> None:
    async with database.transaction() as session:
        await outbox.emit(session, "test", {"orderId": id})


async def following(watch: Watch) -> int:
    return await asyncio.wait_for(watch.next(), 5)


async def test_a_watch_tells_what_is_present_and_then_what_changes(database: Database, empty_shop: None) -> None:
    async with Watches(database.direct_writes, 0.01).watch(any_order, [7]) as watch:
        await emit(database, 8)
        assert [await following(watch), await following(watch)] == [7, 8]


async def test_of_many_changes_of_one_row_only_the_last_is_told() -> None:
    watch = Watch(any_order)
    watch.tell([Change(1), Change(2), Change(1)])
    watch.tell([Change(1)])
    assert [await watch.next(), await watch.next()] == [1, 2]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.next(), 0.01)


@pytest.mark.parametrize("behind", [MAX_BEHIND, MAX_BEHIND + 1])
async def test_who_falls_too_far_behind_is_told_so(behind: int) -> None:
    watch = Watch(any_order)
    watch.tell([Change(id) for id in range(1, behind + 1)])
    if behind == MAX_BEHIND:
        assert await watch.next() == 1
        return
    watch.tell([Change(id) for id in range(5000, 6000)])
    assert len(watch._changed) == behind
    with pytest.raises(FellBehind):
        await watch.next()


async def test_the_outbox_is_read_only_while_somebody_watches(database: Database, empty_shop: None) -> None:
    watching = Watches(database.direct_writes, 0.01)
    async with watching.watch(any_order), watching.watch(any_order):
        await asyncio.sleep(0.1)
        assert watching.looks > 1
    looks = watching.looks
    await asyncio.sleep(0.05)
    assert (watching.looks, len(watching)) == (looks, 0)


async def test_watches_that_begin_together_miss_nothing(database: Database, empty_shop: None) -> None:
    watching = Watches(database.direct_writes, 0.001)

    async def watch_one(id: int) -> int:
        async with watching.watch(lambda change: [id] if change.order_id == id else []) as watch:
            await emit(database, id)
            return await following(watch)

    assert await asyncio.gather(*map(watch_one, range(1, 21))) == list(range(1, 21))


class Failing:
    """The database, while it does not answer."""

    def __init__(self, database: Database, error: Exception) -> None:
        self._database = database
        self._error = error
        self.is_away = False

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> str:
        if self.is_away:
            raise self._error
        return await self._database.direct_writes.fetch(sql, parameters)


@pytest.mark.parametrize("error", [OSError(), RuntimeError()], ids=["outage", "bug"])
async def test_what_changed_while_the_outbox_could_not_be_read_is_told_afterwards(
    database: Database,
    empty_shop: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(watches, "PAUSE", 0.01)
    statements = Failing(database, error)
    async with Watches(statements, 0.01).watch(any_order) as watch:
        statements.is_away = True
        await asyncio.sleep(0.1)
        await emit(database, 1)
        statements.is_away = False
        assert await following(watch) == 1
    assert len(caplog.records) == 1


async def test_a_watch_cannot_begin_without_the_database(database: Database) -> None:
    statements = Failing(database, OSError("away"))
    statements.is_away = True
    watching = Watches(statements)
    with pytest.raises(OSError, match=r"^away$"):
        async with watching.watch(any_order):
            pass
    assert len(watching) == 0
