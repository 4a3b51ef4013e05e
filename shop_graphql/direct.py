"""The short way to PostgreSQL, for statements of which each is a whole answer and reads only.

Such a statement is a snapshot by itself. Nothing it does outlives it on its connection, so that there is nothing to
reset or to roll back, and it may be sent again when its connection was lost.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from shop_graphql.errors import ConnectionsBusy
from shop_graphql.settings import Settings, async_url

Question = Callable[[asyncpg.Connection], Awaitable[Any]]

LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""How it shows that a connection is gone; of these, only a statement's time-out comes over a good one."""

logger = logging.getLogger("shop_graphql.sql")


class Direct:
    """At most `settings.pool_size` connections, kept open once they were needed. Close it once."""

    def __init__(self, settings: Settings, url: str, arguments: dict[str, Any]) -> None:
        _, self._arguments = dialect().create_connect_args(async_url(url))  # type: ignore[no-untyped-call]
        self._arguments.update(arguments, max_cacheable_statement_size=0)
        self._timeout = settings.pool_timeout
        self._echo = settings.echo_sql
        self._idle: list[asyncpg.Connection] = []
        self._permits = asyncio.Semaphore(settings.pool_size)
        self.in_use = 0

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> str:
        """Return the one text that a statement selects.

        Raises ConnectionsBusy, other OSErrors when the database cannot be reached, asyncpg's InterfaceError and
        PostgresError for what went wrong with the statement. A lost connection is replaced once, unnoticed.
        """
        text: str = await self._ask(sql, lambda connection: connection.fetchval(sql, *parameters))
        return text

    async def lines(self, sql: str, parameters: Sequence[Any]) -> list[str]:
        """Return the first column of all rows that a statement selects; raises what `fetch` does."""
        rows = await self._ask(sql, lambda connection: connection.fetch(sql, *parameters))
        return [row[0] for row in rows]

    async def _ask(self, sql: str, question: Question) -> Any:
        if self._echo:
            logger.info("%s", sql)
        await self._permit()
        try:
            try:
                return await self._answer(question)
            except LOST as error:
                if isinstance(error, asyncpg.QueryCanceledError):
                    raise
                self._drop_idle()
                return await self._answer(question)
        finally:
            self._permits.release()

    async def _permit(self) -> None:
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            await asyncio.wait_for(self._permits.acquire(), self._timeout)
        except TimeoutError:
            raise ConnectionsBusy("all connections are in use") from None

    async def _answer(self, question: Question) -> Any:
        connection = await self._connection()
        self.in_use += 1
        try:
            answer = await question(connection)
        except asyncpg.PostgresError:
            self._give_back(connection)
            raise
        except asyncpg.InternalClientError as error:  # the server's farewell came just when something was asked
            connection.terminate()
            raise asyncpg.InterfaceError("the connection was ended") from error
        except BaseException:
            connection.terminate()  # whatever it was doing, nobody waits for it any more
            raise
        finally:
            self.in_use -= 1
        self._give_back(connection)
        return answer

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(**self._arguments)

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            await self._idle.pop().close()
