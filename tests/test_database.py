import asyncio

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from shop_graphql.database import Database
from shop_graphql.errors import NotFound
from shop_graphql.models import User
from shop_graphql.settings import Settings
from tests.factories import Factory

ONE = select(1)
NAP = text("SELECT pg_sleep(0.2), 1")
BROKEN = text("SELECT 1 / 0")


def checked_out(database: Database) -> int:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


@pytest.fixture
async def cold(database_url: str) -> Database:
    return Database(Settings(), database_url)


async def test_concurrent_reads_on_a_cold_pool_take_turns_on_one_connection(cold: Database) -> None:
    reads = cold.reads()
    results = await asyncio.gather(*(reads.execute(text("SELECT pg_backend_pid()")) for _ in range(8)))
    assert len({result.scalar_one() for result in results}) == 1
    await reads.close()
    assert checked_out(cold) == 0
    await cold.close()


async def test_reads_survive_that_all_pooled_connections_were_ended(cold: Database, database: Database) -> None:
    reads = cold.reads()
    backend = (await reads.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    await reads.close()
    async with database.transaction() as session:
        await session.execute(select(func.pg_terminate_backend(backend)))
    again = await asyncio.gather(*(reads.execute(ONE) for _ in range(4)))
    assert [result.scalar_one() for result in again] == [1, 1, 1, 1]
    await reads.close()
    await cold.close()


async def test_a_cancelled_read_harms_neither_its_siblings_nor_the_pool(database: Database) -> None:
    reads = database.reads()
    cancelled = asyncio.create_task(reads.execute(NAP))
    sibling = asyncio.create_task(reads.execute(ONE))
    await asyncio.sleep(0.05)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await sibling).scalar_one() == 1
    await reads.close()
    assert checked_out(database) == 0
    later = database.reads()
    assert (await later.execute(ONE)).scalar_one() == 1
    await later.close()


async def test_closing_waits_for_a_read_whose_caller_is_gone(database: Database) -> None:
    reads = database.reads()
    cancelled = asyncio.create_task(reads.execute(NAP))
    await asyncio.sleep(0.05)
    cancelled.cancel()
    await reads.close()
    assert checked_out(database) == 0


async def test_a_failing_read_fails_its_siblings_and_nobody_else(database: Database) -> None:
    reads = database.reads()
    results = await asyncio.gather(reads.execute(BROKEN), reads.execute(ONE), return_exceptions=True)
    assert [isinstance(result, DBAPIError) for result in results] == [True, True]
    await reads.close()
    assert (await reads.execute(ONE)).scalar_one() == 1
    await reads.close()
    assert checked_out(database) == 0


async def test_the_reads_of_a_request_see_one_state_of_the_shop(database: Database, empty_shop: None) -> None:
    count = select(func.count()).select_from(User)
    reads = database.reads()
    assert (await reads.execute(count)).scalar_one() == 0
    await Factory(database).user()
    assert (await reads.execute(count)).scalar_one() == 0
    await reads.close()
    assert (await reads.execute(count)).scalar_one() == 1
    await reads.close()


async def test_a_read_session_cannot_write(database: Database, empty_shop: None) -> None:
    reads = database.reads()
    with pytest.raises(DBAPIError, match="read-only transaction"):
        await reads.execute(text("DELETE FROM users"))
    await reads.close()


async def test_a_session_that_reads_nothing_takes_no_connection(database: Database) -> None:
    reads = database.reads()
    assert checked_out(database) == 0
    await reads.close()


async def test_an_exception_rolls_a_transaction_back(database: Database, empty_shop: None) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(User(email="ada@example.com", full_name="Ada"))
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 0


async def test_connections_speak_utc_and_end_what_takes_too_long(database_url: str) -> None:
    impatient = Database(Settings(lock_timeout=0.05, statement_timeout=0.1), database_url)
    async with impatient.transaction() as session:
        assert await session.scalar(text("SHOW timezone")) == "UTC"
        assert await session.scalar(text("SHOW lock_timeout")) == "50ms"
        assert await session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
        with pytest.raises(DBAPIError, match="statement timeout"):
            await session.execute(text("SELECT pg_sleep(5)"))
    await impatient.close()


async def test_behind_pgbouncer_no_prepared_statement_is_kept(database_url: str) -> None:
    pooled = Database(Settings(pgbouncer=True), database_url)
    for _ in range(2):
        async with pooled.transaction() as session:
            assert await session.scalar(ONE) == 1
            prepared = await session.scalars(text("SELECT name FROM pg_prepared_statements"))
            assert all(name.startswith("__shop_") for name in prepared)
    await pooled.close()


async def _cut(database: Database, backend: int) -> None:
    """End a connection of the server, and return when it has ended."""
    async with database.transaction() as session:
        assert await session.scalar(select(func.pg_terminate_backend(backend, 5_000)))


async def test_giving_back_a_connection_that_was_lost_is_no_failure(cold: Database, database: Database) -> None:
    reads = cold.reads()
    await _cut(database, (await reads.execute(text("SELECT pg_backend_pid()"))).scalar_one())
    await reads.close()
    assert checked_out(cold) == 0
    assert (await reads.execute(ONE)).scalar_one() == 1
    await reads.close()
    await cold.close()


async def test_a_refusal_stays_one_when_the_connection_is_lost_after_it(cold: Database, database: Database) -> None:
    attempts: list[int] = []

    async def refuse(session: AsyncSession) -> None:
        attempts.append((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        await _cut(database, attempts[-1])
        raise NotFound("order", ("order_id",))

    with pytest.raises(NotFound):
        await cold.write(refuse)
    assert len(attempts) == 1
    assert checked_out(cold) == 0
    await cold.close()
