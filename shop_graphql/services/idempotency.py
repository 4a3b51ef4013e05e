"""Idempotency keys: a request that is sent again is answered again, and carried out once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import Column, and_, delete, func, inspect, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import Statements, actor_of, affected
from shop_graphql.errors import IdempotencyConflict
from shop_graphql.models import Base, IdempotencyKey
from shop_graphql.services.rules import Rules

KEPT = timedelta(hours=24)
BATCH = 1_000

PATH = ("idempotency_key",)

Keyed = Callable[..., Awaitable[Any]]
"""A service that takes the session and keywords, and returns an entity or a number."""


@dataclass(frozen=True)
class Outcome:
    """What a service returned, now or the first time; an entity comes back as its columns were then."""

    result: Any
    replayed: bool


async def once(session: AsyncSession, *, key: str, work: Keyed, arguments: Mapping[str, Any]) -> Outcome:
    """Carry out `work` unless the same actor's request with the same key was; then return what that was answered.

    The key is claimed first, so that a twin waits for the outcome: it replays what was committed, or takes over what
    was rolled back. Key, answer and the work's rows commit together. Raises ValidationFailed for the key,
    IdempotencyConflict when it belongs to another request, and what `work` raises.
    """
    check(key)
    mark = fingerprint(work.__name__, arguments)
    owner = actor_of(session) or ""
    claim = insert(IdempotencyKey).values(owner=owner, key=key, fingerprint=mark).on_conflict_do_nothing()
    its_own = and_(IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    while await session.scalar(claim.returning(IdempotencyKey.key)) is None:
        known = select(IdempotencyKey.fingerprint, IdempotencyKey.answer).where(its_own)
        stored = (await session.execute(known)).one_or_none()
        if stored is not None:  # else it was swept away in between
            if stored.fingerprint != mark:
                raise IdempotencyConflict(PATH)
            return Outcome(thaw(stored.answer), replayed=True)
    result = await work(session, **arguments)
    await session.execute(update(IdempotencyKey).where(its_own).values(answer=_freeze(result)))
    return Outcome(result, replayed=False)


def fingerprint(name: str, arguments: Mapping[str, Any]) -> bytes:
    """Return what tells a request under a key from another one."""
    return sha256(repr((name, sorted(arguments.items()))).encode()).digest()


async def find(statements: Statements, owner: str, key: str, mark: bytes) -> Outcome | None:
    """Return what the request under a key was answered, or None. Raises IdempotencyConflict for another request's."""
    text = await statements.fetch(_FIND, [owner, key])
    if text is None:
        return None
    known = orjson.loads(text)
    if known["fingerprint"] != mark.hex():
        raise IdempotencyConflict(PATH)
    return Outcome(thaw(known["answer"]), replayed=True)


_FIND = """
SELECT json_build_object('fingerprint', encode(fingerprint, 'hex'), 'answer', answer)::text
FROM idempotency_keys WHERE owner = $1 AND key = $2
"""


async def sweep(session: AsyncSession) -> int:
    """Delete up to a thousand keys that are older than a day; return how many there were."""
    old = (
        select(IdempotencyKey.owner, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < func.now() - KEPT)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return affected(
        await session.execute(delete(IdempotencyKey).where(tuple_(IdempotencyKey.owner, IdempotencyKey.key).in_(old)))
    )


def check(key: str) -> None:
    """Raise ValidationFailed for what is no key."""
    rules = Rules()
    sound = 1 <= len(key) <= 255 and key.isprintable() and key.strip() == key
    rules.require(sound, PATH, "This must be 1 to 255 printable characters, without spaces at the ends.")
    rules.enforce()


def _freeze(result: Any) -> dict[str, Any]:
    if not isinstance(result, Base):
        return {"value": result}
    columns = result.__table__.columns
    return {
        "table": result.__tablename__,
        "row": {c.key: _plain(getattr(result, c.key)) for c in _mapped(result, columns)},
    }


def _mapped(entity: Base, columns: Any) -> list[Column[Any]]:
    attributes = inspect(type(entity)).column_attrs
    return [column for column in columns if column.key in attributes]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Decimal | datetime) else value


def thaw(answer: Mapping[str, Any]) -> Any:
    """Return what a service returned, as it was stored; an entity comes back as its columns were then."""
    if "table" not in answer:
        return answer["value"]
    columns = Base.metadata.tables[answer["table"]].columns
    return SimpleNamespace(**{name: _typed(columns[name], value) for name, value in answer["row"].items()})


def _typed(column: Column[Any], value: Any) -> Any:
    kind = column.type.python_type
    if value is None or kind in (int, str):
        return value
    return datetime.fromisoformat(value) if kind is datetime else kind(value)
