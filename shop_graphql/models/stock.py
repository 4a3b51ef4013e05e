"""The stock ledger: every change of stock, why, and what was left."""

from enum import Enum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop_graphql.models.base import Base, CreatedAt, Id, enum_column
from shop_graphql.models.catalog import Product
from shop_graphql.models.orders import Order


class MovementKind(Enum):
    """Why stock changed; stored as its value."""

    INITIAL = "initial"
    ORDER = "order"
    RETURN = "return"
    ADJUSTMENT = "adjustment"


class StockMovement(Base):
    """A change of a product's stock. Of each product, the deltas add up to its stock."""

    __tablename__ = "stock_movements"

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id, ondelete="CASCADE"))
    kind: Mapped[MovementKind] = mapped_column(enum_column(MovementKind, "kind"))
    delta: Mapped[int]
    balance: Mapped[int]
    order_id: Mapped[int | None] = mapped_column(ForeignKey(Order.id, ondelete="SET NULL"))
    reason: Mapped[str | None] = mapped_column(String(500))
    actor: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[CreatedAt]

    product: Mapped[Product] = relationship(back_populates="stock_movements", lazy="raise")
    order: Mapped[Order | None] = relationship(lazy="raise")

    __table_args__ = (Index(None, "product_id", "id"), Index(None, "order_id"))
