"""Which schema the database has, and the way to the one that this program needs."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shop_graphql.connection import connect, reason, transaction
from shop_graphql.errors import StartupError, TableLocked

logger = logging.getLogger("shop_graphql")

TURN = 7_467_118_240
"""The advisory lock of whoever migrates: an arbitrary number, the same for everybody."""

TURN_TIMEOUT = 60
"""Seconds to wait for another process that migrates."""

TABLE_TIMEOUT = 1
"""Seconds to wait for a table that others use: while a change of a table waits, all its later users wait behind it."""

TRIES = 20
"""How often a migration is tried while tables it needs are in use, each time as a whole."""

PAUSE = 2.0
"""Seconds between two tries, at the most, in which those who waited behind it get their turn."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to `revision`, all or nothing. Waits for another process that is doing so.

    Raises StartupError. Not for use inside an event loop, like everything here that takes a URL.
    """
    run(url, partial(_alembic, command.upgrade, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to `revision`, or with "base" to nothing, all or nothing. Raises StartupError."""
    run(url, partial(_alembic, command.downgrade, revision))


def run(url: str, migrate: Callable[[Connection], None]) -> None:
    """Call `migrate` with a connection, in a transaction and while no other process migrates.

    It is called again, in another transaction, while tables are in use, for about a minute at the most.
    """
    for number in range(1, TRIES + 1):
        try:
            return asyncio.run(_run(url, migrate))
        except TableLocked:
            if number == TRIES:
                raise
            logger.warning("Tables are in use; the migration is tried again (%s of %s)", number + 1, TRIES)
            time.sleep(random.uniform(PAUSE / 2, PAUSE))  # noqa: S311
    return None


async def check(engine: AsyncEngine) -> None:
    """Raise StartupError unless the database can be reached and has the schema that this program needs."""
    async with connect(engine) as connection:
        await _check(connection)


def check_url(url: str) -> None:
    """Do as `check`, from outside an event loop."""
    asyncio.run(_check_url(url))


async def _check_url(url: str) -> None:
    async with transaction(url) as connection:
        await _check(connection)


async def _check(connection: AsyncConnection) -> None:
    current = await _current(connection)
    _refuse_newer(current)
    if current is None:
        raise StartupError("The database is empty. To make the tables run: shop-graphql migrate")
    if current != _scripts().get_current_head():
        raise StartupError("The database is not up to date. To bring it up to date run: shop-graphql migrate")


async def _run(url: str, migrate: Callable[[Connection], None]) -> None:
    async with transaction(url) as connection:
        await connection.execute(text(f"SET LOCAL lock_timeout = '{TURN_TIMEOUT}s'"))
        await _take_turn(connection)
        await connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_TIMEOUT}s'"))
        _refuse_newer(await _current(connection))
        await connection.run_sync(migrate)


async def _take_turn(connection: AsyncConnection) -> None:
    try:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
    except DBAPIError as error:
        raise StartupError(f"Another process migrates, and nothing was changed: {reason(error)}.") from None


def _refuse_newer(current: str | None) -> None:
    if current is not None and current not in {script.revision for script in _scripts().walk_revisions()}:
        raise StartupError(f"The database is newer than this program (its schema is {current}); install a newer one.")


async def _current(connection: AsyncConnection) -> str | None:
    table = await connection.execute(text("SELECT to_regclass('alembic_version')"))
    if table.scalar_one() is None:
        return None
    version = await connection.execute(text("SELECT version_num FROM alembic_version"))
    return version.scalar_one_or_none()


def _alembic(act: Callable[[Config, str], None], revision: str, connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    act(config, revision)


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    """In a wheel the migrations lie inside the package, in a checkout beside it."""
    package = Path(__file__).parent
    folder = next(path for path in (package / "migrations", package.parent / "migrations") if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
