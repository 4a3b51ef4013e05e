"""The people who buy, and those who run the shop."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop_graphql.access import Role
from shop_graphql.models.base import Base, CreatedAt, Id, enum_column

if TYPE_CHECKING:
    from shop_graphql.models.orders import Order


class User(Base):
    """An account. Two e-mail addresses that differ only in case are the same. An erased one stands for nobody."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(255))
    full_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[CreatedAt]
    role: Mapped[Role] = mapped_column(enum_column(Role, "role"), server_default=Role.CUSTOMER.value)
    erased_at: Mapped[datetime | None]

    orders: Mapped[list["Order"]] = relationship(back_populates="user", lazy="raise")

    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "full_name", "id"),
        Index(None, "role", "created_at", "id"),
    )


Index("uq_users_email", func.lower(User.email), unique=True)
Index("ix_users_email_prefix", func.lower(User.email).label("folded"), postgresql_ops={"folded": "text_pattern_ops"})
Index("ix_users_full_name_prefix", User.full_name, postgresql_ops={"full_name": "text_pattern_ops"})
