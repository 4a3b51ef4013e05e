"""What a transaction leaves beside its rows: the answer to its key, and events for others to read."""

from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shop_graphql.models.base import Base, CreatedAt, Id


class IdempotencyKey(Base):
    """A request that was carried out once, and what it was answered. Deleted after a day or more.

    Each sender has keys of their own; `owner` is the sender's name as an actor.
    """

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index(None, "created_at"),)


class OutboxEvent(Base):
    """An event, written in the transaction that it tells of.

    A reader follows (transaction_id, id) up to the oldest transaction that is still open. By id alone it would pass
    over what a slow transaction commits late under a number that it drew early.
    """

    __tablename__ = "outbox"

    id: Mapped[Id]
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint"))
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index(None, "transaction_id", "id"),)
