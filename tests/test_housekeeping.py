import asyncio
import logging

import pytest
from sqlalchemy import func, select, text

from shop_graphql import housekeeping, services
from shop_graphql.database import Database
from shop_graphql.models import IdempotencyKey
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
    assert caplog.messages[0].startswith("Old idempotency keys and sessions stay for now")


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
