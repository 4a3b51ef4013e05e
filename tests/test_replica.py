"""Queries read from a standby; the primary answers while it is away, and nobody notices."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql import embedded, replica
from shop_graphql.api.failures import is_unavailable
from shop_graphql.app import create_app
from shop_graphql.database import Database, Statements
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.settings import Settings
from tests.conftest import SECRET
from tests.faults.proxy import proxied
from tests.standby import Standby, standby

WHERE = "SELECT pg_is_in_recovery()::text"
NAP = "SELECT pg_is_in_recovery()::text FROM (SELECT pg_sleep(0.5)) AS slept, things"
QUICK: dict[str, Any] = {"lock_timeout": 0.5, "statement_timeout": 1.0, "silence_timeout": 1.2, "pool_timeout": 0.5}


@pytest.fixture(scope="module")
def primary_url() -> Iterator[str]:
    with TemporaryDirectory(prefix="primary-") as folder, embedded.server(Path(folder), durable=False) as server:
        yield server.database("shop")


@pytest.fixture(scope="module")
def made(primary_url: str) -> Iterator[Standby]:
    at_once = "ALTER DATABASE shop SET synchronous_commit = 'on'"
    asyncio.run(execute(primary_url, at_once, "CREATE TABLE things AS SELECT 1 AS number"))
    with standby(primary_url) as running:
        yield running


@pytest.fixture
def other(made: Standby, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standby]:
    monkeypatch.setattr(replica, "PAUSE", 0.3)
    yield made
    made.stop()
    made.start()


@pytest.fixture
async def both(primary_url: str, other: Standby) -> AsyncIterator[Database]:
    database = Database(Settings(replica_url=other.url, **QUICK), primary_url)
    await until_it_has_all(database)
    yield database
    await database.close()


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def until_it_has_all(database: Database) -> None:
    end = await database.direct_writes.fetch("SELECT pg_current_wal_flush_lsn()::text", [])
    async with asyncio.timeout(10):
        while (  # noqa: ASYNC110
            await database.direct.fetch("SELECT (pg_last_wal_replay_lsn() >= $1::text::pg_lsn)::text", [end]) != "true"
        ):
            await asyncio.sleep(0.02)


async def asked(database: Database, statement: str = WHERE) -> list[str]:
    """Whether what answers a compiled statement, and what answers a resolver's, are standbys."""
    reads = database.reads()
    try:
        compiled, result = await asyncio.gather(database.direct.fetch(statement, []), reads.execute(text(statement)))
        return [compiled, result.scalar_one()]
    finally:
        await reads.close()


STANDBY, PRIMARY = ["true", "true"], ["false", "false"]


async def test_reads_go_to_the_standby_and_fresh_ones_do_not(both: Database) -> None:
    assert await asked(both) == STANDBY
    assert await both.direct.lines(WHERE, []) == ["true"]
    fresh = both.reads(fresh=True)
    assert (await fresh.execute(text(WHERE))).scalar_one() == "false"
    await fresh.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_while_the_standby_is_away_the_primary_answers(
    how: int, both: Database, other: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shop_graphql")
    assert await asked(both) == STANDBY
    other.stop(how)
    assert await asked(both) == await asked(both) == PRIMARY
    other.start()
    await asyncio.sleep(replica.PAUSE)
    assert await both.direct.fetch(WHERE, []) == "true"
    assert await asked(both) == STANDBY
    told = [record.getMessage() for record in caplog.records if "replica" in record.getMessage()]
    assert len(told) == 2
    assert told[0].startswith("The replica is away, and the primary is read from: ")
    assert told[1] == "The replica is back."


async def test_reads_that_the_end_of_the_standby_interrupts_are_answered_by_the_primary(
    both: Database, other: Standby
) -> None:
    reading = [asyncio.create_task(asked(both, NAP)) for _ in range(3)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(other.stop)
    for task in reading:
        assert await task == PRIMARY


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes belong together")
async def test_a_standby_that_falls_silent_is_waited_for_once(both: Database, other: Standby) -> None:
    assert await asked(both) == STANDBY
    other.freeze()
    try:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await asked(both) == PRIMARY
        assert QUICK["silence_timeout"] <= loop.time() - began < 3
        began = loop.time()
        assert await asked(both) == PRIMARY
        assert loop.time() - began < 0.2
    finally:
        other.thaw()


async def test_what_the_standby_has_shown_is_not_mixed_with_the_primary(both: Database, other: Standby) -> None:
    reads = both.reads()
    assert (await reads.execute(text(WHERE))).scalar_one() == "true"
    other.stop()
    with pytest.raises(DBAPIError):
        await reads.execute(text(WHERE))
    await reads.close()
    assert (await reads.execute(text(WHERE))).scalar_one() == "false"
    await reads.close()


async def test_what_takes_too_long_on_the_standby_is_not_asked_of_the_primary(both: Database) -> None:
    with pytest.raises(asyncpg.QueryCanceledError):
        await both.direct.fetch("SELECT pg_sleep(3)::text", [])
    reads = both.reads()
    with pytest.raises(DBAPIError, match="statement timeout"):
        await reads.execute(text("SELECT pg_sleep(3)"))
    await reads.close()
    assert await asked(both) == STANDBY


async def test_a_standby_whose_connections_are_all_in_use_does_not_burden_the_primary(
    primary_url: str, other: Standby
) -> None:
    settings = {**QUICK, "pool_size": 1, "pool_overflow": 0, "pool_timeout": 0.1}
    database = Database(Settings(replica_url=other.url, **settings), primary_url)
    holding = asyncio.create_task(database.direct.fetch(NAP, []))
    await asyncio.sleep(0.1)
    with pytest.raises(ConnectionsBusy):
        await database.direct.fetch(WHERE, [])
    assert await holding == "true"
    await database.close()


async def test_reads_in_the_way_of_recovery_are_answered_by_the_primary(both: Database, primary_url: str) -> None:
    assert await both.direct.fetch("SHOW max_standby_streaming_delay", []) == "0"
    reading = asyncio.create_task(asked(both, NAP))
    await asyncio.sleep(0.3)
    await execute(
        primary_url, "ALTER TABLE things ADD COLUMN IF NOT EXISTS colour text", "ALTER TABLE things DROP colour"
    )
    assert await reading == PRIMARY
    assert await asked(both) == STANDBY


async def test_a_standby_that_lags_shows_what_was_and_is_not_asked_for_what_it_cannot_know(
    both: Database, primary_url: str, other: Standby
) -> None:
    count = "SELECT count(*)::text FROM things"
    before = await asked(both, count)
    await execute(other.url, "SELECT pg_wal_replay_pause()")
    try:
        await execute(primary_url, "INSERT INTO things VALUES (2)", "CREATE TABLE novelties AS SELECT 1 AS number")
        assert await asked(both, count) == before
        assert await both.direct_writes.fetch(count, []) != before[0]
        assert await asked(both, "SELECT count(*)::text FROM novelties") == ["1", "1"]
    finally:
        await execute(other.url, "SELECT pg_wal_replay_resume()")
        await execute(primary_url, "DELETE FROM things WHERE number = 2", "DROP TABLE novelties")


@pytest.mark.parametrize(("user", "name"), [("nobody", "shop"), ("postgres", "nothing")])
async def test_a_standby_that_lets_nobody_in_is_away(
    user: str, name: str, primary_url: str, other: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = make_url(other.url).set(username=user, database=name).render_as_string()
    database = Database(Settings(replica_url=nowhere), primary_url)
    assert await asked(database) == await asked(database) == PRIMARY
    assert len([record for record in caplog.records if "The replica is away" in record.getMessage()]) == 1
    await database.close()


async def test_writes_that_came_to_a_standby_go_where_new_connections_lead(primary_url: str, other: Standby) -> None:
    async with proxied(other.url) as line:
        database = Database(Settings(read_patience=0.2), line.url)
        statement = "INSERT INTO things VALUES (3) RETURNING number::text"

        async def insert(session: AsyncSession) -> str:
            inserted: str = (await session.execute(text(statement))).scalar_one()
            return inserted

        async def send(statements: Statements) -> str | None:
            return await statements.fetch(statement, [])

        with pytest.raises(DBAPIError) as refused:
            await database.write(insert)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError) as sent:
            await database.send(send)
        assert is_unavailable(refused.value)
        assert is_unavailable(sent.value)
        line.lead_to(primary_url)
        assert await database.write(insert) == await database.send(send) == "3"
        await database.close()
    await execute(primary_url, "DELETE FROM things WHERE number = 3")


@pytest.mark.parametrize("compiler", [True, False])
async def test_a_shop_starts_and_answers_without_its_replica(
    compiler: bool, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/shop"
    app = create_app(Settings(database_url=database_url, replica_url=nowhere, secrets=SECRET, compiler=compiler))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        for _ in range(2):
            response = await client.post("/graphql", json={"query": "{ products(first: 1) { nodes { name } } }"})
            assert "errors" not in response.json()
        assert (await client.get("/ready")).status_code == 200
    assert len([record for record in caplog.records if "The replica is away" in record.getMessage()]) == 1
