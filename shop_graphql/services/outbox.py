"""The outbox: events for other systems, written in the transaction that they tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, cast, delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of, affected
from shop_graphql.models import OutboxEvent

BATCH = 1_000

SWEPT = "outbox.swept"
"""The kind of event that says from which moment on no event is missing."""


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


async def sweep_outbox(session: AsyncSession, *, kept: timedelta) -> int:
    """Delete the oldest thousand events if all are older than `kept`, and leave one that says so; return how many.

    Fewer are left until there are a thousand. They are found by id, which comes without an index that orders would pay
    for.
    """
    oldest = select(OutboxEvent.id, OutboxEvent.created_at).order_by(OutboxEvent.id).limit(BATCH)
    events = (await session.execute(oldest)).all()
    before = (await session.execute(select(func.now() - kept))).scalar_one()
    if len(events) < BATCH or any(event.created_at >= before for event in events):
        return 0
    count = affected(await session.execute(delete(OutboxEvent).where(OutboxEvent.id.in_([e.id for e in events]))))
    if count:  # else another worker was first
        await emit(session, SWEPT, {"before": before.isoformat(), "events": count})
    return count
