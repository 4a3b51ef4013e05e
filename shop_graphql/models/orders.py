"""What was bought, by whom, at which price."""

from decimal import Decimal
from enum import Enum

from sqlalchemy import CheckConstraint, ColumnDefault, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from shop_graphql.models.base import Base, CreatedAt, Id, Money, Version, enum_column
from shop_graphql.models.catalog import Product
from shop_graphql.models.users import User


class OrderStatus(Enum):
    """How far an order has come; stored as its value."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.COMPLETED, OrderStatus.CANCELLED),
    OrderStatus.COMPLETED: (),
    OrderStatus.CANCELLED: (),
}
"""The life of an order: which status can follow which."""


class Order(Base):
    """A purchase. `total_amount` is the sum of its items' line totals; deleting it deletes its items."""

    __tablename__ = "orders"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    status: Mapped[OrderStatus] = mapped_column(
        enum_column(OrderStatus, "status"), server_default=OrderStatus.PENDING.value
    )
    total_amount: Mapped[Money]
    created_at: Mapped[CreatedAt]
    version: Mapped[Version]

    user: Mapped[User] = relationship(back_populates="orders", lazy="raise")
    history: Mapped[list["OrderEvent"]] = relationship(lazy="raise", viewonly=True)
    items: Mapped[list["OrderItem"]] = relationship(
        back_populates="order", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )

    __table_args__ = (
        CheckConstraint("total_amount >= 0 AND total_amount < 'NaN'", name="total_amount"),
        Index(None, "created_at", "id"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "status", "created_at", "id"),
        Index(None, "total_amount", "id"),
    )


class OrderItem(Base):
    """One product of an order, at the price of the moment of purchase."""

    __tablename__ = "order_items"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id, ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    product_name: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[int] = mapped_column()
    unit_price: Mapped[Money] = mapped_column()
    line_total: Mapped[Decimal] = column_property(quantity * unit_price)

    order: Mapped[Order] = relationship(back_populates="items", lazy="raise")
    product: Mapped[Product] = relationship(back_populates="order_items", lazy="raise")

    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("unit_price >= 0 AND unit_price < 'NaN'", name="unit_price"),
        Index(None, "order_id", "id"),
        Index(None, "product_id", "id"),
    )


class OrderEvent(Base):
    """A status that an order came to, and why; the first is that it was placed."""

    __tablename__ = "order_events"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id, ondelete="CASCADE"))
    status: Mapped[OrderStatus] = mapped_column(enum_column(OrderStatus, "status"))
    reason: Mapped[str | None] = mapped_column(String(500))
    actor: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index(None, "order_id", "id"),)


# Every update raises the version, whoever writes it.
Order.__table__.c.version.onupdate = ColumnDefault(Order.__table__.c.version + 1)
