"""The outbox: events for other systems, written in the transaction that they tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of
from shop_graphql.models import OutboxEvent


@dataclass(frozen=True)
class Position:
    """How far a reader has come."""

    transaction_id: int = 0
    id: int = 0


async def emit(session: AsyncSession, kind: str, payload: Mapping[str, Any]) -> None:
    """Leave an event, which others can read once the transaction has committed."""
    event = insert(OutboxEvent).values(kind=kind, payload=dict(payload), actor=actor_of(session))
    await session.execute(event)


async def read(session: AsyncSession, after: Position, limit: int = 100) -> list[OutboxEvent]:
    """Return the next events after a position. One who follows them misses none and meets none twice.

    Only transactions older than the oldest open one are shown: all that are numbered below it have ended, so nothing
    can come in between any more. See "Transaction ID and snapshot information functions" in PostgreSQL's manual.
    """
    place = tuple_(OutboxEvent.transaction_id, OutboxEvent.id)
    oldest_open = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)
    statement = (
        select(OutboxEvent)
        .where(place > tuple_(after.transaction_id, after.id), OutboxEvent.transaction_id < oldest_open)
        .order_by(OutboxEvent.transaction_id, OutboxEvent.id)
        .limit(limit)
    )
    return list(await session.scalars(statement))
