"""Runs a transaction to its one outcome: again when the database asks for it or the connection is lost."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")

Sessions = Callable[[], AsyncSession]
Work = Callable[[AsyncSession], Coroutine[Any, Any, T]]

ATTEMPTS = 5
PAUSE = 0.05
"""Seconds before the second attempt, at the most; twice as many before each further one."""

REFUSED = {"40001", "40P01"}
"""Serialization failure and deadlock: the transaction was rolled back and may be run again."""

CONNECTION_LOST = {"57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006", "08007"}


async def run(sessions: Sessions, work: Work[T], *, repeatable: bool) -> T:
    """Run `work` in a transaction and commit it; return what it returned.

    A serialization failure, a deadlock and a connection lost before the commit run it again, five times at the most. A
    connection lost during the commit leaves open whether it was committed: only `repeatable` work, which finds out by
    itself that it was done, is run again then. Whatever else is raised rolls back and passes.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await _attempt(sessions, work)
        except _CommitUnknownError as error:
            if not repeatable:
                raise error.cause from None
        except (DBAPIError, OSError) as error:
            if not _is_passing(error):
                raise
        await asyncio.sleep(random.uniform(0, PAUSE * 2**attempt))  # noqa: S311
    try:
        return await _attempt(sessions, work)
    except _CommitUnknownError as error:
        raise error.cause from None


async def again(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work`, which finds out by itself whether it was done before, until it is; five times at the most.

    A serialization failure, a deadlock and a lost connection run it again; time-outs, ConnectionsBusy among them, do
    not, since whoever raised one has waited as long as a request may.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await work()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if not _is_passing(error):
                raise
        await asyncio.sleep(random.uniform(0, PAUSE * 2**attempt))  # noqa: S311
    return await work()


class _CommitUnknownError(Exception):
    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


async def _attempt(sessions: Sessions, work: Work[T]) -> T:
    session = sessions()
    try:
        result = await work(session)
        try:
            await session.commit()
        except (DBAPIError, OSError) as error:
            if is_lost(error):
                raise _CommitUnknownError(error) from error
            raise
        return result
    finally:
        await release(session)


async def release(session: AsyncSession) -> None:
    """Roll back and give the connection back. One that was lost is thrown away, and is no reason to fail any more."""
    try:
        await session.close()
    except (DBAPIError, OSError):
        await session.invalidate()


def _is_passing(error: Exception) -> bool:
    return is_lost(error) or sqlstate(error) in REFUSED


def is_lost(error: Exception) -> bool:
    """Tell whether a connection was lost. One that fell silent is not: to wait again would take as long again."""
    if isinstance(error, TimeoutError):
        return False
    if isinstance(error, DBAPIError):
        lost = error.connection_invalidated or isinstance(error, InterfaceError) or sqlstate(error) in CONNECTION_LOST
        return lost or isinstance(error.orig, OSError)
    return isinstance(error, OSError | asyncpg.InterfaceError) or sqlstate(error) in CONNECTION_LOST


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's code for what went wrong, if it said anything."""
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state
