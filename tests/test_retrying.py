"""Transactions are run again when that is right, and only then."""

import asyncio
from functools import partial
from itertools import count
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql import services
from shop_graphql.database import Database
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.models import Order, StockMovement, User
from shop_graphql.settings import Settings
from tests.factories import Factory

END_MYSELF = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
async def shop(database: Database, empty_shop: None) -> None:
    make = Factory(database)
    await make.user()
    await make.product(stock=5)


async def users(database: Database) -> Any:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(User))


class Work:
    """Adds a user, after failing in some way the first few times."""

    def __init__(self, failures: int, statement: Any) -> None:
        self.attempts = 0
        self._failures = failures
        self._statement = statement

    async def __call__(self, session: AsyncSession) -> str:
        self.attempts += 1
        session.add(User(email="ada@example.com", full_name="Ada"))
        await session.flush()
        if self.attempts <= self._failures:
            await session.execute(self._statement)
        return "done"


def raising(state: str) -> Any:
    return text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize("statement", [raising("40001"), raising("40P01"), END_MYSELF], ids=["40001", "40P01", "lost"])
async def test_work_is_run_again_whole(database: Database, empty_shop: None, statement: Any) -> None:
    work = Work(2, statement)
    assert await database.write(work) == "done"
    assert (work.attempts, await users(database)) == (3, 1)


async def test_work_is_given_up_after_five_attempts(database: Database, empty_shop: None) -> None:
    work = Work(9, raising("40001"))
    with pytest.raises(DBAPIError):
        await database.write(work)
    assert (work.attempts, await users(database)) == (5, 0)


async def test_another_error_is_final(database: Database, empty_shop: None) -> None:
    await Factory(database).user("ada@example.com")
    work = Work(0, None)
    with pytest.raises(IntegrityError):
        await database.write(work)
    assert (work.attempts, await users(database)) == (1, 1)


async def test_a_real_deadlock_ends_in_both_being_done(database: Database, empty_shop: None) -> None:
    make = Factory(database)
    first, second = (await make.user()).id, (await make.user()).id

    async def lock(session: AsyncSession, *ids: int) -> None:
        for id in ids:
            await session.execute(select(User.id).where(User.id == id).with_for_update())
            await asyncio.sleep(0.05)

    async def there(session: AsyncSession) -> None:
        await lock(session, first, second)

    async def back(session: AsyncSession) -> None:
        await lock(session, second, first)

    await asyncio.gather(database.write(there), database.write(back))


@pytest.fixture
def lost_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first commit reaches the database, and its acknowledgement is lost."""
    commit = AsyncSession.commit
    commits = count(1)

    async def lose(session: AsyncSession) -> None:
        await commit(session)
        if next(commits) == 1:
            raise ConnectionResetError("the acknowledgement was lost")

    monkeypatch.setattr(AsyncSession, "commit", lose)


async def test_after_a_commit_of_unknown_outcome_work_is_not_run_again(
    database: Database, empty_shop: None, lost_acknowledgement: None
) -> None:
    work = Work(0, None)
    with pytest.raises(ConnectionResetError):
        await database.write(work)
    assert (work.attempts, await users(database)) == (1, 1)


async def test_a_lost_acknowledgement_is_found_through_the_key(
    database: Database, shop: None, lost_acknowledgement: None
) -> None:
    work = partial(services.once, key="k", work=services.adjust_stock, arguments={"product_id": 1, "delta": 2})
    outcome = await database.write(work, repeatable=True)
    assert (outcome.replayed, outcome.result.id) == (True, 1)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(StockMovement)) == 1


async def test_an_order_whose_acknowledgement_was_lost_is_found_through_the_key(
    database: Database, shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = 3

    async def lose(self: asyncpg.Connection, *arguments: Any, **options: Any) -> Any:
        nonlocal lost
        found = await fetchval(self, *arguments, **options)
        lost -= 1
        if lost >= 0:
            raise ConnectionResetError
        return found

    fetchval = asyncpg.Connection.fetchval
    monkeypatch.setattr(asyncpg.Connection, "fetchval", lose)
    items = [services.NewItem(1, 2)]
    outcome = await database.send(partial(services.create_order, actor="user_1", user_id=1, items=items, key="k"))
    assert (outcome.replayed, outcome.result.id) == (True, 1)
    assert lost < 0
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Order)) == 1


async def test_who_has_waited_for_a_connection_is_not_made_to_wait_again(database_url: str) -> None:
    database = Database(Settings(pool_size=1, pool_timeout=0.1), database_url)
    busy = asyncio.create_task(database.direct_writes.fetch("SELECT pg_sleep(0.6)::text", []))
    await asyncio.sleep(0.05)
    order = partial(services.create_order, actor="user_1", user_id=1, items=[services.NewItem(1, 1)], key="k")
    with pytest.raises(ConnectionsBusy):
        await database.send(order)
    assert not busy.done()
    await busy
    await database.close()


async def test_work_is_finished_when_its_caller_goes_away(database: Database, empty_shop: None) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(session: AsyncSession) -> None:
        session.add(User(email="ada@example.com", full_name="Ada"))
        started.set()
        await go_on.wait()

    caller = asyncio.create_task(database.write(slow))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    for _ in range(100):
        if await users(database):
            break
        await asyncio.sleep(0.01)
    assert await users(database) == 1
