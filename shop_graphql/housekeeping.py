"""What the server does by itself, beside answering: old idempotency keys, sessions and events are swept away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql import services
from shop_graphql.database import Database

logger = logging.getLogger("shop_graphql")

EVERY = 600.0
"""Seconds between two rounds."""


Sweep = Callable[[AsyncSession], Coroutine[Any, Any, int]]
"""Deletes some of what is old, and returns how much."""


@asynccontextmanager
async def running(
    database: Database, events_kept: timedelta | None = None, every: float = EVERY
) -> AsyncIterator[None]:
    """Keep house inside the block; without `events_kept` all events of the outbox stay."""
    task = asyncio.create_task(_keep(database, events_kept, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep(database: Database, events_kept: timedelta | None, every: float) -> None:
    sweeps: list[Sweep] = [services.sweep, services.sweep_sessions]
    if events_kept is not None:
        sweeps.append(partial(services.sweep_outbox, kept=events_kept))
    while True:
        await asyncio.sleep(every)
        try:
            for sweep in sweeps:
                while await database.write(sweep):
                    pass
        except (SQLAlchemyError, OSError) as error:
            logger.warning("Old idempotency keys, sessions and events stay for now: %s", type(error).__name__)
