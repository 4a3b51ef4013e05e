"""The short way to PostgreSQL, for statements of which each is a whole answer and reads only.

Such a statement is a snapshot by itself. Nothing it does outlives it on its connection, so that there is nothing to
reset or to roll back, and it may be sent again when its connection was lost.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from shop_graphql.errors import ConnectionsBusy
from shop_graphql.outage import Outage
from shop_graphql.pace import Pace
from shop_graphql.settings import Settings
from shop_graphql.values import async_url

Question = Callable[[asyncpg.Connection], Awaitable[Any]]

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""How it shows that a connection is gone, or leads to what is a standby now; only a time-out comes over a good one."""

SENDINGS = 3
"""How often one statement is sent, each time over a connection that is lost. It may be what crashes the database."""

REST = 30.0
"""Seconds without use after which a connection is tested: what lies between may have forgotten it without a word."""

TEST_TIMEOUT = 1.0

logger = logging.getLogger("shop_graphql.sql")


class Reader(Protocol):
    """Where such statements are sent to."""

    async def fetch(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> str:
        """Return the one text that a statement selects."""

    async def lines(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> list[str]:
        """Return the first column of all rows that it selects."""


class _LostError(Exception):
    """A connection was lost while it was to answer."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


class Direct:
    """At most `settings.pool_size` connections, kept open once they were needed. Close it once."""

    def __init__(self, settings: Settings, url: str, arguments: dict[str, Any]) -> None:
        _, self._arguments = dialect().create_connect_args(async_url(url))  # type: ignore[no-untyped-call]
        self._arguments.update(arguments, max_cacheable_statement_size=0)
        self._timeout = settings.pool_timeout
        self._echo = settings.echo_sql
        self._is_pooled = settings.pgbouncer
        self._idle: list[tuple[asyncpg.Connection, float]] = []
        self._permits = asyncio.Semaphore(settings.pool_size)
        self._slow_permits = asyncio.Semaphore(max(1, int(settings.pool_size * settings.slow_share)))
        self.outage = Outage(settings.read_patience)
        self.in_use = 0

    async def fetch(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> str:
        """Return the one text that a statement selects, and tell its `pace` how long that took.

        Raises ConnectionsBusy, other TimeoutErrors when nothing answers, other OSErrors when the database cannot be
        reached, asyncpg's InterfaceError and PostgresError for what went wrong with the statement. A lost connection is
        replaced, and a database that is away is waited for, as Outage says.
        """

        async def question(connection: asyncpg.Connection) -> Any:
            started = time.perf_counter()
            found = await connection.fetchval(sql, *parameters)
            if pace is not None:
                pace.took(time.perf_counter() - started)
            return found

        text: str = await self._ask(sql, question, is_slow=pace is not None and pace.is_slow)
        return text

    async def lines(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> list[str]:
        """Return the first column of all rows that a statement selects; raises what `fetch` does."""

        async def question(connection: asyncpg.Connection) -> Any:
            started = time.perf_counter()
            found = await connection.fetch(sql, *parameters)
            if pace is not None:
                pace.took(time.perf_counter() - started, max(1, len(found)))
            return found

        rows = await self._ask(sql, question, is_slow=pace is not None and pace.is_slow)
        return [row[0] for row in rows]

    async def _ask(self, sql: str, question: Question, *, is_slow: bool) -> Any:
        """A database that went away is waited for without a permit, or others would be refused for the lack of one."""
        if self._echo:
            logger.info("%s", sql)
        sendings = 0
        while True:
            try:
                return await self._answer_in_turn(question, is_slow)
            except _LostError as lost:
                error, sendings = lost.cause, sendings + 1
                self._drop_idle()
                if sendings == 1:
                    continue
            except LOST as failed:
                error = failed
            if _is_no_loss(error) or sendings == SENDINGS or not await self.outage.wait():
                raise error

    async def _answer_in_turn(self, question: Question, is_slow: bool) -> Any:
        permits = (self._slow_permits, self._permits) if is_slow else (self._permits,)
        held: list[asyncio.Semaphore] = []
        try:
            if any(permit.locked() for permit in permits):
                await self._wait_for(permits, held)
            else:
                for permit in permits:
                    await permit.acquire()
                    held.append(permit)
            return await self._answer(question)
        finally:
            for permit in held:
                permit.release()

    async def _wait_for(self, permits: Sequence[asyncio.Semaphore], held: list[asyncio.Semaphore]) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                for permit in permits:
                    await permit.acquire()
                    held.append(permit)
        except TimeoutError:
            raise ConnectionsBusy("all connections are in use") from None

    async def _answer(self, question: Question) -> Any:
        connection = await self._connection()
        self.in_use += 1
        try:
            answer = await question(connection)
        except asyncpg.PostgresError as error:
            self._give_back(connection)
            if isinstance(error, LOST) and not _is_no_loss(error):
                raise _LostError(error) from error
            raise
        except asyncpg.InternalClientError as error:  # the server's farewell came just when something was asked
            connection.terminate()
            raise _LostError(asyncpg.InterfaceError("the connection was ended")) from error
        except BaseException as error:
            connection.terminate()  # whatever it was doing, nobody waits for it any more
            if isinstance(error, TimeoutError):
                self._drop_idle()  # where one fell silent, others may have too
            elif isinstance(error, LOST):
                raise _LostError(error) from error
            raise
        finally:
            self.in_use -= 1
        self._give_back(connection)
        self.outage.over()
        return answer

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and (time.monotonic() - since < REST or await self._is_alive(connection)):
                return connection
        connection = await asyncpg.connect(**self._arguments)
        if self._is_pooled and self.outage.is_under_way:
            await self._make_sure(connection)
        return connection

    async def _make_sure(self, connection: asyncpg.Connection) -> None:
        """PgBouncer lets in while its database is away, and a statement is not to be spent on finding that out."""
        try:
            await connection.execute("SELECT 1")
        except BaseException:
            connection.terminate()
            raise

    async def _is_alive(self, connection: asyncpg.Connection) -> bool:
        try:
            await connection.execute("SELECT 1", timeout=TEST_TIMEOUT)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            connection.terminate()
            self._drop_idle()
            return False
        return True

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if not connection.is_closed():
            self._idle.append((connection, time.monotonic()))

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop()[0].terminate()

    async def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            await self._idle.pop()[0].close()


def _is_no_loss(error: Exception) -> bool:
    """Tell what looks like a lost connection and is a time-out: to try again would take as long again."""
    return isinstance(error, asyncpg.QueryCanceledError | TimeoutError)
