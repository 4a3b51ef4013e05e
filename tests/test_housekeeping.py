import asyncio
import logging
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, text

from shop_graphql import housekeeping, services
from shop_graphql.database import Database
from shop_graphql.models import IdempotencyKey, OutboxEvent
from shop_graphql.services import outbox
from shop_graphql.services.changes import since
from shop_graphql.settings import Settings
from tests.factories import Factory


async def keys(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


async def test_old_keys_are_swept_away_in_batches(database: Database, empty_shop: None) -> None:
    async with database.transaction() as session:
        fill = (
            "INSERT INTO idempotency_keys (owner, key, fingerprint, created_at) "
            "SELECT 'user_1', n::text, '', now() - make_interval(hours => n % 48) FROM generate_series(1, 4800) n"
        )
        await session.execute(text(fill))
    async with housekeeping.running(database, every=0.01):
        for _ in range(200):
            if await keys(database) <= 2500:
                break
            await asyncio.sleep(0.01)
    assert await keys(database) == 2400


async def test_a_database_that_cannot_be_reached_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Database(Settings(), "postgresql://shop@127.0.0.1:1/shop")
    with caplog.at_level(logging.WARNING, "shop_graphql"):
        async with housekeeping.running(nowhere, every=0.01):
            for _ in range(300):
                if caplog.records:
                    break
                await asyncio.sleep(0.02)
    await nowhere.close()
    assert caplog.messages[0].startswith("Old idempotency keys, sessions and events stay for now")


async def test_sessions_that_have_expired_are_swept_away(database: Database, empty_shop: None) -> None:
    user = await Factory(database).user()
    async with database.transaction() as session:
        fill = (
            "INSERT INTO sessions (id, user_id, digest, expires_at) "
            "SELECT gen_random_uuid(), :user, '', now() + make_interval(hours => n - 3) FROM generate_series(1, 5) n"
        )
        await session.execute(text(fill), {"user": user.id})
    assert await database.write(services.sweep_sessions) == 3
    assert await database.write(services.sweep_sessions) == 0


async def fill_outbox(database: Database, count: int) -> None:
    """Write events that are older than a day, as many as said, and five that are not."""
    async with database.transaction() as session:
        fill = (
            "INSERT INTO outbox (kind, payload, created_at) SELECT 'test', '{}', "
            "now() - CASE WHEN n <= :count THEN interval '25 hours' ELSE interval '23 hours' END "
            "FROM generate_series(1, :count + 5) n"
        )
        await session.execute(text(fill), {"count": count})


async def events(database: Database) -> dict[str, int]:
    async with database.transaction() as session:
        counts = select(OutboxEvent.kind, func.count().label("number")).group_by(OutboxEvent.kind)
        return {row.kind: row.number for row in await session.execute(counts)}


async def test_old_events_are_swept_away_in_whole_batches(database: Database, empty_shop: None) -> None:
    await fill_outbox(database, 2400)
    async with housekeeping.running(database, timedelta(days=1), every=0.01):
        for _ in range(200):
            if (await events(database))["test"] <= 405:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert await events(database) == {"test": 405, outbox.SWEPT: 2}


async def test_events_stay_when_they_are_to_be_kept(database: Database, empty_shop: None) -> None:
    await fill_outbox(database, 1000)
    async with housekeeping.running(database, every=0.01):
        await asyncio.sleep(0.2)
    assert await events(database) == {"test": 1005}


async def test_workers_that_sweep_at_the_same_time_say_so_once(database: Database, empty_shop: None) -> None:
    await fill_outbox(database, 1000)
    sweep = partial(services.sweep_outbox, kept=timedelta(days=1))
    assert sorted(await asyncio.gather(*(database.write(sweep) for _ in range(4)))) == [0, 0, 0, 1000]
    assert await events(database) == {"test": 5, outbox.SWEPT: 1}


async def test_whoever_watches_misses_nothing_by_a_sweep(database: Database, empty_shop: None) -> None:
    await fill_outbox(database, 1000)
    statements = database.direct_writes
    moment, _ = await since(statements, None)
    async with database.transaction() as session:
        await outbox.emit(session, "order.placed", {"orderId": 7, "userId": 1})
    assert await database.write(partial(services.sweep_outbox, kept=timedelta(days=1))) == 1000
    _, found = await since(statements, moment)
    assert 7 in [change.order_id for change in found]
