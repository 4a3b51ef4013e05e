"""A table is changed while people use it, and nobody waits for long."""

import asyncio
import time

import pytest
from sqlalchemy import Connection, text

from shop_graphql import migration
from shop_graphql.connection import transaction
from shop_graphql.database import Database
from shop_graphql.settings import Settings

READ = "SELECT count(*)::text FROM products"


def widen(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE products ADD COLUMN colour text"))


async def test_a_migration_behind_a_long_reader_is_done_after_it_and_holds_nobody_up_meanwhile(
    scratch_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(migration.upgrade, scratch_url)
    monkeypatch.setattr(migration, "TABLE_TIMEOUT", 0.3)
    monkeypatch.setattr(migration, "PAUSE", 0.5)
    caplog.clear()
    database = Database(Settings(), scratch_url)
    async with transaction(scratch_url) as reader:
        await reader.execute(text(READ))
        migrating = asyncio.create_task(asyncio.to_thread(migration.run, scratch_url, widen))
        longest, end = 0.0, time.monotonic() + 2.5
        while time.monotonic() < end:
            asked = time.monotonic()
            await database.direct.fetch(READ, [])
            longest = max(longest, time.monotonic() - asked)
            await asyncio.sleep(0.01)
        assert not migrating.done()
    await asyncio.wait_for(migrating, 20)
    assert await database.direct.fetch("SELECT count(colour)::text FROM products", []) == "0"
    await database.close()
    assert 0.05 < longest < 1.5
    messages = [record.getMessage() for record in caplog.records if record.name == "shop_graphql"]
    assert messages[0] == "Tables are in use; the migration is tried again (2 of 20)"
