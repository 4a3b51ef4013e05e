"""What the server does by itself, beside answering: old idempotency keys and sessions are swept away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from shop_graphql import services
from shop_graphql.database import Database

logger = logging.getLogger("shop_graphql")

EVERY = 600.0
"""Seconds between two rounds."""


@asynccontextmanager
async def running(database: Database, every: float = EVERY) -> AsyncIterator[None]:
    """Keep house inside the block."""
    task = asyncio.create_task(_keep(database, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep(database: Database, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            for sweep in (services.sweep, services.sweep_sessions):
                while await database.write(sweep):
                    pass
        except (SQLAlchemyError, OSError) as error:
            logger.warning("Old idempotency keys and sessions stay for now: %s", type(error).__name__)
