"""Strawchemy: types and resolvers generated from the models of SQLAlchemy, one SQL statement per root field."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal

import orjson
import strawberry
from sqlalchemy import ForeignKey, Numeric, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types.unset import UNSET
from strawchemy import Strawchemy, StrawchemyAsyncRepository, StrawchemyConfig
from strawchemy.schema.pagination import DefaultOffsetPagination


class Base(DeclarativeBase): ...


class Category(Base):
    __tablename__ = "categories"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    products: Mapped[list[Product]] = relationship(back_populates="category")


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    stock_quantity: Mapped[int]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    category: Mapped[Category] = relationship(back_populates="products")


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    orders: Mapped[list[Order]] = relationship(back_populates="user")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(server_default="pending")
    total_amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    user: Mapped[User] = relationship(back_populates="orders")
    items: Mapped[list[OrderItem]] = relationship(back_populates="order")


class OrderItem(Base):
    __tablename__ = "order_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    order: Mapped[Order] = relationship(back_populates="items")
    product: Mapped[Product] = relationship()


engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["POOL"]),
    max_overflow=0,
    connect_args={"prepared_statement_cache_size": 500},
)
Session = async_sessionmaker(engine, expire_on_commit=False)
strawchemy = Strawchemy(StrawchemyConfig("postgresql", repository_type=StrawchemyAsyncRepository))
page20 = DefaultOffsetPagination(limit=20)


@strawchemy.order(Product, include=["id", "name", "price", "created_at"])
class ProductOrderBy: ...


@strawchemy.filter(Product, include=["id", "name", "price", "category_id"])
class ProductFilter: ...


@strawchemy.type(Category, include="all", paginate=["products"], order=["products"], default_pagination=page20)
class CategoryType: ...


@strawchemy.type(Product, include="all", override=True)
class ProductType: ...


@strawchemy.type(User, include="all", paginate=["orders"], order=["orders"], default_pagination=page20)
class UserType: ...


@strawchemy.type(Order, include="all", override=True)
class OrderType: ...


@strawchemy.type(OrderItem, include="all", override=True)
class OrderItemType: ...


@strawberry.input
class OrderItemInput:
    product_id: int
    quantity: int


@strawberry.type
class Query:
    product: ProductType | None = strawchemy.field()
    products: list[ProductType] = strawchemy.field(
        filter_input=ProductFilter, order_by_input=ProductOrderBy, pagination=True
    )
    user: UserType | None = strawchemy.field()
    categories: list[CategoryType] = strawchemy.field(pagination=page20)


@strawberry.type
class Mutation:
    @strawchemy.field
    async def create_order(self, info: strawberry.Info, user_id: int, items: list[OrderItemInput]) -> OrderType:
        if not items:
            raise ValueError("order needs items")
        need: dict[int, int] = {}
        for i in items:
            if i.quantity <= 0:
                raise ValueError("quantity must be positive")
            need[i.product_id] = need.get(i.product_id, 0) + i.quantity
        session = info.context["session"]
        async with session.begin():
            locked = await session.scalars(
                select(Product).where(Product.id.in_(need)).order_by(Product.id).with_for_update()
            )
            products = {p.id: p for p in locked}
            for pid, q in need.items():
                if pid not in products:
                    raise ValueError(f"unknown product {pid}")
                if products[pid].stock_quantity < q:
                    raise ValueError(f"insufficient stock for product {pid}")
                products[pid].stock_quantity -= q
            order = Order(
                user_id=user_id,
                total_amount=sum(products[p].price * q for p, q in need.items()),
                items=[
                    OrderItem(product_id=i.product_id, quantity=i.quantity, unit_price=products[i.product_id].price)
                    for i in items
                ],
            )
            session.add(order)
            await session.flush()
            # read back what the client selected, one statement, still inside the transaction
            return (
                await StrawchemyAsyncRepository(OrderType, info, deterministic_ordering=True).get_by_id(id=order.id)
            ).graphql_type()


schema = strawberry.Schema(
    Query, Mutation, extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]
)


class View(GraphQL):
    def decode_json(self, data):
        return orjson.loads(data)

    def encode_json(self, data):
        return orjson.dumps(data)

    async def run(self, request, context=UNSET, root_value=UNSET):  # noqa: ARG002
        async with Session() as session:
            return await super().run(request, {"request": request, "session": session}, root_value)


view = View(schema, graphql_ide=None)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            m = await receive()
            if m["type"] == "lifespan.shutdown":
                await engine.dispose()
            await send({"type": m["type"] + ".complete"})
            if m["type"] == "lifespan.shutdown":
                return
    await view(scope, receive, send)
