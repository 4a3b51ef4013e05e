"""The way to PostgreSQL: engines, the read session of a request, the transaction of a mutation."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from sqlalchemy import CursorResult, Executable, Result
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shop_graphql import tracing
from shop_graphql.direct import Direct
from shop_graphql.retrying import Work, again, release, run
from shop_graphql.settings import Settings, async_url

T = TypeVar("T")

NOTHING: Mapping[str, Any] = {}

ACTOR = "actor"
"""The entry of a session's `info` that names who acts in it."""

SIMILAR = 0.4
"""How alike a product's name must be to what is searched for, from 0 to 1, to be found in spite of a typing mistake."""

SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""One response is one state of the shop, so a request's reads share a snapshot."""


class Database:
    """The engines of one process and the sessions made from them. Open it once, close it once."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.engine = create_engine(settings, url)
        replica = settings.replica_url
        self._replica = create_engine(settings, replica.get_secret_value()) if replica else self.engine
        self.direct_writes = Direct(settings, url, _connect_arguments(settings))
        self.direct = (
            Direct(settings, replica.get_secret_value(), _connect_arguments(settings))
            if replica
            else self.direct_writes
        )
        if settings.debug:
            tracing.listen(self.engine)
            if replica:
                tracing.listen(self._replica)
        self._writes = async_sessionmaker(self.engine, expire_on_commit=False)
        self._fresh_reads = async_sessionmaker(self.engine.execution_options(**SNAPSHOT))
        self._replica_reads = async_sessionmaker(self._replica.execution_options(**SNAPSHOT))

    def reads(self, shared: Mapping[str, Any] = NOTHING, *, fresh: bool = False) -> "ReadSession":
        """Return a read session, all of whose statements get the parameters `shared`.

        A `fresh` one sees all that is committed even where a replica serves the others.
        """
        return ReadSession(self._fresh_reads if fresh else self._replica_reads, shared)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session and its transaction; leaving the block commits, an exception rolls back."""
        async with self._writes.begin() as session:
            yield session

    async def write(self, work: Work[T], actor: str | None = None, *, repeatable: bool = False) -> T:
        """Run `work` of `actor` in a transaction, to its end even when the caller goes away; see retrying.run."""
        sessions = partial(self._writes, info={ACTOR: actor})
        return await asyncio.shield(asyncio.create_task(run(sessions, work, repeatable=repeatable)))

    async def send(self, work: Callable[["Statements"], Coroutine[Any, Any, T]]) -> T:
        """Run `work`, statements each of which is a transaction, to its end even when the caller goes away.

        It is run again as retrying.again says, so that it must find out by itself whether it was done.
        """
        return await asyncio.shield(asyncio.create_task(again(partial(work, self.direct_writes))))

    def preview(
        self, shared: Mapping[str, Any] = NOTHING, actor: str | None = None
    ) -> tuple[AsyncSession, "ReadSession"]:
        """Return a session whose work is never committed, and reads that see it; closing those rolls it back."""
        session = self._writes(info={ACTOR: actor})
        return session, ReadSession(self._fresh_reads, shared, session)

    async def close(self) -> None:
        """Close every connection."""
        await self.direct.close()
        await self.direct_writes.close()
        await self.engine.dispose()
        await self._replica.dispose()


class Statements(Protocol):
    """A place to send statements in PostgreSQL's own words to; each selects at most one text."""

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> str | None:
        """Return the text, or None when there is none."""


class Within:
    """Statements inside the transaction of a session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> str | None:
        """Return the text that a statement selects, or None."""
        connection = await self._session.connection()
        text: str | None = (await connection.exec_driver_sql(sql, tuple(parameters))).scalar_one_or_none()
        return text


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


class ReadSession:
    """The reads of one request: one connection, one snapshot, opened at the first statement.

    Resolvers run side by side and a session must not, so statements take turns. A statement under way is shielded from
    the cancellation of whoever waits for it: a statement cut off halfway would leave a broken connection in the pool.
    """

    def __init__(
        self, sessions: Callable[[], AsyncSession], shared: Mapping[str, Any], opened: AsyncSession | None = None
    ) -> None:
        self._sessions = sessions
        self._shared = shared
        self._session = opened
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Result[Any]]] = set()
        self._ended = False

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Result[Any]:
        """Run one statement and return its buffered result. Raises RequestOver after `end`."""
        if self._ended:
            raise RequestOver
        task = asyncio.create_task(self._execute(statement, parameters))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _execute(self, statement: Executable, parameters: Mapping[str, Any] | None) -> Result[Any]:
        async with self._turn:
            if self._session is None:
                self._session = self._sessions()
            return await self._session.execute(statement, {**self._shared, **(parameters or {})})

    async def end(self) -> None:
        """Close, and let nobody read any more.

        A loader can be left behind, its batch still to be sent, when a field beside those that it works for fails.
        """
        self._ended = True
        await self.close()

    async def close(self) -> None:
        """Give the connection back once every statement under way has ended. The next one opens a new snapshot."""
        await asyncio.gather(*self._running, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await release(session)


Reads = ReadSession | FailedReads


def create_engine(settings: Settings, url: str) -> AsyncEngine:
    """Return a pooled engine whose connections speak UTC and end what takes too long."""
    return create_async_engine(
        async_url(url),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        pool_pre_ping=settings.pool_pre_ping,
        echo=settings.echo_sql,
        hide_parameters=True,
        connect_args={**_connect_arguments(settings), **(_PGBOUNCER if settings.pgbouncer else {})},
    )


def _connect_arguments(settings: Settings) -> dict[str, Any]:
    """Transaction pooling moves a client between servers, so nothing may be kept on one of them."""
    timeout = {"timeout": settings.pool_timeout}  # asyncpg's own is a minute
    return {**timeout, **({"statement_cache_size": 0} if settings.pgbouncer else _arguments(settings))}


def _arguments(settings: Settings) -> dict[str, Any]:
    """Short statements gain nothing from compilation; on today's disks a page costs the same wherever it lies."""
    return {
        "server_settings": {
            "application_name": "shop-graphql",
            "timezone": "UTC",
            "jit": "off",
            "random_page_cost": "1.1",
            "pg_trgm.word_similarity_threshold": str(SIMILAR),
            "statement_timeout": _milliseconds(settings.statement_timeout),
            "lock_timeout": _milliseconds(settings.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(settings.idle_transaction_timeout),
        }
    }


_PGBOUNCER = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: f"__shop_{uuid4()}__"}


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def actor_of(session: AsyncSession) -> str | None:
    """Return the name of whoever acts in a session."""
    actor: str | None = session.info.get(ACTOR)
    return actor


def affected(result: Result[Any]) -> int:
    """Return how many rows an UPDATE or DELETE changed."""
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount
