"""What was bought, by whom, at which price."""

from decimal import Decimal
from enum import Enum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from shop_graphql.models.base import Base, CreatedAt, Id, Money
from shop_graphql.models.catalog import Product
from shop_graphql.models.users import User


class OrderStatus(Enum):
    """How far an order has come; stored as its value."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Order(Base):
    """A purchase. `total_amount` is the sum of its items' line totals; deleting it deletes its items."""

    __tablename__ = "orders"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    status: Mapped[OrderStatus] = mapped_column(
        EnumType(
            OrderStatus,
            native_enum=False,
            create_constraint=True,
            length=20,
            name="status",
            values_callable=lambda statuses: [status.value for status in statuses],
        ),
        server_default=OrderStatus.PENDING.value,
    )
    total_amount: Mapped[Money]
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="orders", lazy="raise")
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
