"""How users prove who they are. Nothing here is ever read by the API's types."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shop_graphql.models.base import Base, CreatedAt
from shop_graphql.models.users import User


class Credential(Base):
    """A user's password, hashed by argon2id."""

    __tablename__ = "credentials"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[CreatedAt]


class Session(Base):
    """A sign-in that goes on: `digest` is that of the only refresh token which continues it."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]
    used_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]

    __table_args__ = (Index(None, "user_id"), Index(None, "expires_at"))


class Identity(Base):
    """A user as an identity provider knows them."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index(None, "user_id"),)
