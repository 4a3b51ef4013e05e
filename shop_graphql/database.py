"""The way to PostgreSQL: engines, the read session of a request, the transaction of a mutation."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import asyncpg
from sqlalchemy import CursorResult, Result, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from shop_graphql import session_settings, tracing
from shop_graphql.direct import TEST_TIMEOUT, Direct, Reader
from shop_graphql.outage import Outage
from shop_graphql.reading import Origin, ReadSession, StandIn
from shop_graphql.replica import Detour, Presence
from shop_graphql.retrying import Work, again, run, sqlstate
from shop_graphql.settings import Settings
from shop_graphql.values import async_url

T = TypeVar("T")

NOTHING: Mapping[str, Any] = {}

ACTOR = "actor"
"""The entry of a session's `info` that names who acts in it."""

SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""One response is one state of the shop, so a request's reads share a snapshot."""


class Database:
    """The engines of one process and the sessions made from them. Open it once, close it once."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.engine = create_engine(settings, url)
        self.direct_writes = Direct(settings, url, _connect_arguments(settings))
        self._fresh_reads = _origin(settings, self.engine, self.direct_writes.outage)
        self._engines, self._directs = [self.engine], [self.direct_writes]
        self._reads = self._fresh_reads
        self.direct: Reader = self.direct_writes
        if settings.replica_url is not None:
            self._read_from(settings, settings.replica_url.get_secret_value())
        if settings.debug:
            for engine in self._engines:
                tracing.listen(engine)
        self._writing: set[asyncio.Task[Any]] = set()
        self._writes = async_sessionmaker(self.engine, expire_on_commit=False)

    def _read_from(self, settings: Settings, url: str) -> None:
        """Read from a replica, which is not waited for when it is away."""
        impatient = settings.model_copy(update={"read_patience": 0.0})
        engine, direct = create_engine(settings, url), Direct(impatient, url, _connect_arguments(settings))
        self._engines.append(engine)
        self._directs.append(direct)
        presence = Presence()
        stand_in = StandIn(self._fresh_reads, presence)
        self._reads = replace(_origin(settings, engine, direct.outage), stand_in=stand_in)
        self.direct = Detour(direct, self.direct_writes, presence)

    @property
    def connections(self) -> int:
        """How many connections are in use."""
        pools = [engine.pool for engine in self._engines]
        checked_out = sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))
        return checked_out + sum(direct.in_use for direct in self._directs)

    def reads(self, shared: Mapping[str, Any] = NOTHING, *, fresh: bool = False) -> ReadSession:
        """Return a read session, all of whose statements get the parameters `shared`.

        A `fresh` one sees all that is committed even where a replica serves the others.
        """
        return ReadSession(self._fresh_reads if fresh else self._reads, shared)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session and its transaction; leaving the block commits, an exception rolls back."""
        async with self._writes.begin() as session:
            yield session

    async def write(self, work: Work[T], actor: str | None = None, *, repeatable: bool = False) -> T:
        """Run `work` of `actor` in a transaction, to its end even when the caller goes away; see retrying.run."""
        sessions = partial(self._writes, info={ACTOR: actor})
        return await self._to_the_end(run(sessions, work, repeatable=repeatable))

    async def send(self, work: Callable[["Statements"], Coroutine[Any, Any, T]]) -> T:
        """Run `work`, statements each of which is a transaction, to its end even when the caller goes away.

        It is run again as retrying.again says, so that it must find out by itself whether it was done.
        """
        return await self._to_the_end(again(partial(work, self.direct_writes)))

    async def _to_the_end(self, writing: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(writing)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.shield(task)

    def preview(
        self, shared: Mapping[str, Any] = NOTHING, actor: str | None = None
    ) -> tuple[AsyncSession, ReadSession]:
        """Return a session whose work is never committed, and reads that see it; closing those rolls it back."""
        session = self._writes(info={ACTOR: actor})
        return session, ReadSession(self._fresh_reads, shared, session)

    async def close(self) -> None:
        """Close every connection, once all that is being written has its outcome."""
        await asyncio.gather(*self._writing, return_exceptions=True)
        for direct in self._directs:
            await direct.close()
        for engine in self._engines:
            await engine.dispose()


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


def create_engine(settings: Settings, url: str) -> AsyncEngine:
    """Return a pooled engine whose connections speak UTC and end what takes too long."""
    engine = create_async_engine(
        async_url(url),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        echo=settings.echo_sql,
        hide_parameters=True,
        connect_args={**_connect_arguments(settings), **(_PGBOUNCER if settings.pgbouncer else {})},
    )
    event.listen(engine.sync_engine, "handle_error", _throw_away)
    if settings.pool_pre_ping:
        event.listen(engine.sync_engine, "checkout", partial(_test, is_pooled=settings.pgbouncer))
    return engine


def _origin(settings: Settings, engine: AsyncEngine, outage: Outage) -> Origin:
    slow = asyncio.Semaphore(max(1, int(settings.pool_size * settings.slow_share)))
    return Origin(async_sessionmaker(engine.execution_options(**SNAPSHOT)), outage, slow, settings.pool_timeout)


_USED = "used"

READ_ONLY = "25006"
"""The SQLSTATE of a write that came to a standby."""


def _throw_away(context: ExceptionContext) -> None:
    """A connection that did not answer in time must not be asked to roll back, nor to close itself.

    Neither must one whose farewell came just when something was asked, which asyncpg takes for a mistake of its own.
    All connections lead to the wrong place when a write finds a standby: PostgreSQL failed over, and they stayed.
    """
    error = context.original_exception
    if isinstance(error, TimeoutError | asyncpg.InternalClientError) and context.connection is not None:
        driver_connection = context.connection.connection.driver_connection
        assert driver_connection is not None  # noqa: S101
        driver_connection.terminate()
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
    if sqlstate(error) == READ_ONLY:
        context.is_disconnect = True
    if isinstance(error, asyncpg.InternalClientError):
        raise ConnectionResetError("the connection was ended") from error


def _test(connection: Any, record: Any, _proxy: Any, *, is_pooled: bool) -> None:
    """Do what SQLAlchemy's own test does, but not for as long as a statement may take.

    New connections need none, except to PgBouncer, which lets in while its database is away.
    """
    was_used = record.info.get(_USED)
    if was_used or is_pooled:
        try:
            connection.run_async(lambda driver_connection: driver_connection.execute("SELECT 1", timeout=TEST_TIMEOUT))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            connection.driver_connection.terminate()
            if was_used:
                raise DisconnectionError from None
            raise ConnectionResetError("the database is away") from None
    record.info[_USED] = True


def _connect_arguments(settings: Settings) -> dict[str, Any]:
    """Transaction pooling moves a client between servers, so nothing may be kept on one of them."""
    # asyncpg's own are a minute, and for ever.
    timeouts = {"timeout": settings.pool_timeout, "command_timeout": settings.silence_timeout}
    cache = {"statement_cache_size": 0} if settings.pgbouncer else {}
    return {**timeouts, **cache, "server_settings": session_settings.of_connections(settings)}


_PGBOUNCER = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: f"__shop_{uuid4()}__"}


def actor_of(session: AsyncSession) -> str | None:
    """Return the name of whoever acts in a session."""
    actor: str | None = session.info.get(ACTOR)
    return actor


def affected(result: Result[Any]) -> int:
    """Return how many rows an UPDATE or DELETE changed."""
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount
