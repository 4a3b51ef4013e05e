"""What the shop sells, and how it is sorted."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    ColumnDefault,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop_graphql.models.base import Base, CreatedAt, Id, Money, Version

if TYPE_CHECKING:
    from shop_graphql.models.orders import OrderItem
    from shop_graphql.models.stock import StockMovement


LISTED = text("archived_at IS NULL")
"""Lists leave archived products out, and so do their indexes."""


class Category(Base):
    """A shelf of the shop. It cannot be deleted while it has products."""

    __tablename__ = "categories"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[CreatedAt]

    products: Mapped[list["Product"]] = relationship(back_populates="category", lazy="raise")

    __table_args__ = (UniqueConstraint("name"), Index(None, "created_at", "id"))


Index("ix_categories_name_prefix", Category.name, postgresql_ops={"name": "text_pattern_ops"})


class Product(Base):
    """Something to buy. It cannot be deleted once it has been ordered."""

    __tablename__ = "products"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Money]
    stock_quantity: Mapped[int] = mapped_column(server_default="0")
    category_id: Mapped[int] = mapped_column(ForeignKey(Category.id))
    created_at: Mapped[CreatedAt]
    sku: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[Version]
    archived_at: Mapped[datetime | None]

    category: Mapped[Category] = relationship(back_populates="products", lazy="raise")
    order_items: Mapped[list["OrderItem"]] = relationship(back_populates="product", lazy="raise")
    stock_movements: Mapped[list["StockMovement"]] = relationship(
        back_populates="product", lazy="raise", passive_deletes=True
    )

    # No index holds the stock, and the pages have room: so a sale changes one row in place, and enters no index.
    # NaN counts as greater than every number in PostgreSQL, so `price >= 0` alone would let it in.
    __table_args__ = (
        CheckConstraint("price >= 0 AND price < 'NaN'", name="price"),
        CheckConstraint("stock_quantity >= 0", name="stock_quantity"),
        UniqueConstraint("sku"),
        Index(None, "category_id"),
        Index(None, "archived_at", "id", postgresql_where=text("archived_at IS NOT NULL")),
        Index(None, "name", "id", postgresql_where=LISTED),
        Index(None, "price", "id", postgresql_where=LISTED),
        Index(None, "created_at", "id", postgresql_where=LISTED),
        Index(None, "category_id", "name", "id", postgresql_where=LISTED),
        Index(None, "category_id", "price", "id", postgresql_where=LISTED),
        Index(None, "category_id", "created_at", "id", postgresql_where=LISTED),
        {"postgresql_with": {"fillfactor": 80}},
    )


# Every update raises the version, whoever writes it.
Product.__table__.c.version.onupdate = ColumnDefault(Product.__table__.c.version + 1)

Index("ix_products_name_prefix", Product.name, postgresql_ops={"name": "text_pattern_ops"})


class SearchEntry(Base):
    """What products are searched in. A trigger on their names and descriptions writes it, and nothing else does.

    Apart from the products, since an order changes their stock: a row with these columns is long, and their indexes
    take as long to enter as all others of a product together.
    """

    __tablename__ = "search_entries"

    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id, ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)
    folded_name: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index(None, "words", postgresql_using="gin"),
        Index(None, "folded_name", postgresql_using="gin", postgresql_ops={"folded_name": "gin_trgm_ops"}),
    )
