"""The reads of one request: one connection, one snapshot, one statement after the other."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Result
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.errors import ConnectionsBusy
from shop_graphql.outage import Outage
from shop_graphql.pace import is_slow
from shop_graphql.replica import REFUSALS, Presence
from shop_graphql.retrying import is_lost, release

LOSSES = 2
"""How often a first statement may lose its connection. It may be what crashes the database."""


class RequestOver(Exception):
    """A read for a request that was answered already."""


class FailedReads:
    """The reads of a request for which the database failed already."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Result[Any]:  # noqa: ARG002
        """Raise the error."""
        raise self._error

    async def end(self) -> None:
        """Do nothing."""

    close = end


@dataclass(frozen=True)
class Origin:
    """Where read sessions come from; `slow` are the places for those that look at many rows."""

    sessions: Callable[[], AsyncSession]
    outage: Outage
    slow: asyncio.Semaphore
    pool_timeout: float
    stand_in: "StandIn | None" = None


@dataclass(frozen=True)
class StandIn:
    """The primary, for an origin that is a replica."""

    origin: Origin
    replica: Presence


class ReadSession:
    """The reads of one request: one connection, one snapshot, opened at the first statement.

    Resolvers run side by side and a session must not, so statements take turns. A statement under way is shielded from
    the cancellation of whoever waits for it: a statement cut off halfway would leave a broken connection in the pool.
    """

    def __init__(self, origin: Origin, shared: Mapping[str, Any], opened: AsyncSession | None = None) -> None:
        self._home = self._origin = origin
        self._shared = shared
        self._session = opened
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Result[Any]]] = set()
        self._has_slow_place = False
        self._failure: Exception | None = None
        self._ended = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Result[Any]:
        """Run one statement and return its buffered result. Raises RequestOver after `end`."""
        if self._ended:
            raise RequestOver
        task = asyncio.create_task(self._execute(statement, {**self._shared, **(parameters or {})}))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Result[Any]:
        async with self._turn:
            if self._failure is not None:
                raise self._failure
            try:
                result = await self._ask(statement, parameters)
            except (PoolTimeoutError, TimeoutError) as error:
                self._failure = error  # those behind it would wait as long, one after the other
                raise
            self._origin.outage.over()
        return result

    async def _ask(self, statement: Executable, parameters: Mapping[str, Any]) -> Result[Any]:
        """Before the first statement has shown anything, the primary can be asked instead of a replica."""
        stand_in = self._choose() if self._session is None else None
        try:
            result = await self._ask_origin(statement, parameters)
        except REFUSALS as error:
            if stand_in is None or not stand_in.replica.refused(error):
                raise
            await self._give_back()
            self._origin = stand_in.origin
            return await self._ask_origin(statement, parameters)
        if stand_in is not None:
            stand_in.replica.answered()
        return result

    def _choose(self) -> StandIn | None:
        """Choose where to read until `close`; return who could be asked instead."""
        self._origin, stand_in = self._home, self._home.stand_in
        if stand_in is None or stand_in.replica.may_be_asked():
            return stand_in
        self._origin = stand_in.origin
        return None

    async def _ask_origin(self, statement: Executable, parameters: Mapping[str, Any]) -> Result[Any]:
        if is_slow(statement) and not self._has_slow_place:
            await self._take_slow_place()
        return await self._send(statement, parameters)

    async def _take_slow_place(self) -> None:
        """Whoever holds a connection does not wait for anything else."""
        try:
            async with asyncio.timeout(self._origin.pool_timeout if self._session is None else 0):
                await self._origin.slow.acquire()
        except TimeoutError:
            raise ConnectionsBusy("all connections for slow statements are in use") from None
        self._has_slow_place = True

    async def _send(self, statement: Executable, parameters: Mapping[str, Any]) -> Result[Any]:
        """Before the first statement has shown anything, a database that went away can be waited for."""
        losses = 0
        while True:
            is_first = self._session is None
            session = self._session = self._session or self._origin.sessions()
            try:
                return await session.execute(statement, parameters)
            except (DBAPIError, OSError) as error:
                losses += isinstance(error, DBAPIError) and error.connection_invalidated
                if not is_first or not is_lost(error) or losses == LOSSES or not await self._lose(session):
                    raise

    async def _lose(self, session: AsyncSession) -> bool:
        self._session = None
        await release(session)
        return await self._origin.outage.wait()

    async def end(self) -> None:
        """Close, and let nobody read any more.

        A loader can be left behind, its batch still to be sent, when a field beside those that it works for fails.
        """
        self._ended = True
        await self.close()

    async def close(self) -> None:
        """Give the connection back once every statement under way has ended. The next one opens a new snapshot.

        When the request was cancelled, its statements are cancelled too, and their connection is thrown away.
        """
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            for running in self._running:
                running.cancel()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        await self._give_back()

    async def _give_back(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await release(session)
        if self._has_slow_place:
            self._has_slow_place = False
            self._origin.slow.release()


Reads = ReadSession | FailedReads
