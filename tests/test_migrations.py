"""The migrations make what the models say, both ways, and a database of another age is refused."""

import asyncio
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from shop_graphql import connection as connection_module
from shop_graphql import migration
from shop_graphql.connection import transaction
from shop_graphql.database import Database, create_engine
from shop_graphql.errors import StartupError
from shop_graphql.models import Base
from shop_graphql.settings import Settings
from shop_graphql.values import async_url

CATALOG = """
    SELECT table_name || '.' || column_name || ' ' || concat_ws(
        ' ', data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default,
        identity_generation)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1
"""

PREPARATION = (
    "CREATE EXTENSION unaccent",
    "CREATE EXTENSION pg_trgm",
    "CREATE TEXT SEARCH CONFIGURATION shop (COPY = english)",
    "CREATE FUNCTION shop_fold(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1",
)
"""What the models take for granted: extensions, a search configuration and a function are no tables."""


async def catalog(url: str) -> list[str]:
    async with transaction(url) as connection:
        entries = (await connection.execute(text(CATALOG))).scalars().all()
    return [entry for entry in entries if "alembic_version" not in entry]


def drift(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


async def problem(url: str) -> str:
    engine = create_engine(Settings(), url)
    try:
        with pytest.raises(StartupError) as refusal:
            await migration.check(engine)
    finally:
        await engine.dispose()
    return str(refusal.value)


async def execute(url: str, statement: str) -> None:
    async with transaction(url) as connection:
        await connection.execute(text(statement))


async def test_the_migrations_leave_nothing_for_alembic_to_add(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(drift) == []


def test_the_migrations_make_every_column_constraint_and_index_of_the_models(
    database_url: str, scratch_url: str
) -> None:
    async def create_all() -> None:
        async with transaction(scratch_url) as connection:
            for statement in PREPARATION:
                await connection.execute(text(statement))
            await connection.run_sync(Base.metadata.create_all)

    asyncio.run(create_all())
    migrated, modelled = asyncio.run(catalog(database_url)), asyncio.run(catalog(scratch_url))
    assert migrated == modelled
    assert any("uq_users_email" in entry and "lower(" in entry for entry in migrated)


async def test_an_email_that_differs_in_case_only_is_taken(database: Database, empty_shop: None) -> None:
    with pytest.raises(Exception, match="uq_users_email"):
        async with database.transaction() as session:
            await session.execute(
                text("INSERT INTO users (email, full_name) VALUES ('a@example.com', 'A'), ('A@example.com', 'A')")
            )


def test_up_down_and_up_again(scratch_url: str) -> None:
    migration.upgrade(scratch_url)
    first = asyncio.run(catalog(scratch_url))
    migration.downgrade(scratch_url, "base")
    assert asyncio.run(catalog(scratch_url)) == []
    migration.upgrade(scratch_url)
    assert asyncio.run(catalog(scratch_url)) == first


async def test_a_database_that_is_up_to_date_passes(database: Database) -> None:
    await migration.check(database.engine)


def test_an_empty_database_is_refused_with_the_command_to_run(scratch_url: str) -> None:
    assert "empty" in asyncio.run(problem(scratch_url))
    assert "shop-graphql migrate" in asyncio.run(problem(scratch_url))


def test_an_older_database_is_refused_with_the_command_to_run(
    scratch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.upgrade(scratch_url)
    monkeypatch.setattr(migration._scripts(), "get_current_head", lambda: "9999")
    message = asyncio.run(problem(scratch_url))
    assert message.startswith("The database is not up to date.")
    assert "shop-graphql migrate" in message


def test_a_newer_database_is_refused(scratch_url: str) -> None:
    migration.upgrade(scratch_url)
    asyncio.run(execute(scratch_url, "UPDATE alembic_version SET version_num = 'future'"))
    assert "newer than this program" in asyncio.run(problem(scratch_url))


def test_a_newer_database_is_not_migrated(scratch_url: str) -> None:
    migration.upgrade(scratch_url)
    asyncio.run(execute(scratch_url, "UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(StartupError, match="newer than this program"):
        migration.upgrade(scratch_url)


async def test_processes_that_migrate_at_once_take_turns(scratch_url: str) -> None:
    code = f"from shop_graphql import migration; migration.upgrade({scratch_url!r})"
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    assert await catalog(scratch_url)


async def test_a_migration_waits_for_its_turn_but_not_for_ever(
    scratch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "TURN_TIMEOUT", 0.05)
    async with transaction(scratch_url) as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": migration.TURN})
        with pytest.raises(StartupError, match=r"nothing was changed: .*lock timeout"):
            await asyncio.to_thread(migration.upgrade, scratch_url)


async def test_a_migration_gives_up_on_a_table_that_others_use(
    scratch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(migration.upgrade, scratch_url)
    before = await catalog(scratch_url)
    monkeypatch.setattr(migration, "TABLE_TIMEOUT", 0.05)
    monkeypatch.setattr(migration, "TRIES", 2)
    async with transaction(scratch_url) as connection:
        await connection.execute(text("SELECT * FROM users"))
        with pytest.raises(StartupError, match=r"nothing was changed: .*lock timeout"):
            await asyncio.to_thread(migration.downgrade, scratch_url, "base")
    assert await catalog(scratch_url) == before


async def test_an_old_postgresql_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "OLDEST", 99)
    with pytest.raises(StartupError, match=r"The database is PostgreSQL \d+; the shop needs 99 or newer\."):
        await migration.check(database.engine)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"host": "127.0.0.1", "port": 1}, "Connection refused"),
        ({"host": "no-such-host.invalid"}, "not known"),
        ({"database": "no_such_database"}, 'database "no_such_database" does not exist'),
        ({"query": {"colour": "red"}}, "colour"),
    ],
)
async def test_an_unreachable_database_is_one_sentence_without_the_password(
    change: dict[str, Any], message: str, server_url: str
) -> None:
    url = async_url(server_url).set(password="secret")
    if "host" in change:
        url = url.difference_update_query(["host", "port"])
    change["query"] = {**url.query, **change.get("query", {})}
    sentence = await problem(url.set(**change).render_as_string(hide_password=False))
    assert sentence.startswith("The database postgresql://")
    assert "cannot be reached" in sentence
    assert message in sentence
    assert "secret" not in sentence
