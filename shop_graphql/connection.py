"""One connection for a command or a check at the start: it opens, or one sentence says why not."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shop_graphql.errors import StartupError, TableLocked
from shop_graphql.values import async_url

OLDEST = 15
"""The oldest major version of PostgreSQL that the shop is for."""

LOCKED = "55P03"
"""The SQLSTATE of a lock that was not to be had in time."""

FAILURES = (OSError, TypeError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError)
"""All that opening a connection can raise; TypeError is how an unknown parameter of the URL ends."""


@asynccontextmanager
async def connect(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a connection to a PostgreSQL that is new enough. Raises StartupError."""
    try:
        connection = await engine.connect()
    except FAILURES as error:
        raise StartupError(f"The database {_name(engine)} cannot be reached: {reason(error)}.") from None
    try:
        await _check_version(connection)
        yield connection
    except BaseException as error:
        # Ctrl-C can come in the middle of a statement, after which this connection cannot even be rolled back.
        if not isinstance(error, Exception):
            await connection.invalidate()
        raise
    finally:
        await connection.close()


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a connection and a transaction for work on the whole database; it works through PgBouncer too.

    Raises StartupError when the connection cannot be opened, and for whatever the database refuses inside the block.
    """
    arguments = {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"__shop_{uuid4()}__",
    }
    engine = create_async_engine(async_url(url), poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    try:
        async with connect(engine) as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection
            await connection.commit()
    except (DBAPIError, asyncpg.PostgresError) as error:
        kind = TableLocked if getattr(getattr(error, "orig", error), "sqlstate", None) == LOCKED else StartupError
        raise kind(f"The database {_name(engine)} refused, and nothing was changed: {reason(error)}.") from None
    finally:
        await engine.dispose()


def reason(error: BaseException) -> str:
    """Return what is wrong in the words of PostgreSQL or the operating system, without the wrapping."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


async def _check_version(connection: AsyncConnection) -> None:
    version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    await connection.rollback()
    if version < OLDEST * 10_000:
        raise StartupError(f"The database is PostgreSQL {version // 10_000}; the shop needs {OLDEST} or newer.")


def _name(engine: AsyncEngine) -> str:
    return engine.url.set(drivername="postgresql", password=None, query={}).render_as_string()
