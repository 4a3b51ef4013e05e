"""Strawberry as its documentation shows it: types by hand, entities of SQLAlchemy, one DataLoader per relation."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from decimal import Decimal

import orjson
import strawberry
from aiodataloader import DataLoader
from sqlalchemy import ForeignKey, Numeric, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column, relationship
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types.unset import UNSET


class Base(DeclarativeBase): ...


class CategoryRow(Base):
    __tablename__ = "categories"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ProductRow(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    stock_quantity: Mapped[int]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserRow(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str] = mapped_column(server_default="pending")
    total_amount: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lines: Mapped[list[OrderItemRow]] = relationship()


class OrderItemRow(Base):
    __tablename__ = "order_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["POOL"]),
    max_overflow=0,
    connect_args={"prepared_statement_cache_size": 500},
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Context:
    """One per request: the session, the lock that keeps it to one statement at a time, one loader per relation."""

    def __init__(self, session):
        self.session, self.lock, self.by_arg = session, asyncio.Lock(), {}
        self.category, self.product, self.user = self.one(CategoryRow), self.one(ProductRow), self.one(UserRow)
        self.items = self.many(OrderItemRow, OrderItemRow.order_id)

    async def all(self, stmt):
        async with self.lock:
            return (await self.session.scalars(stmt)).all()

    def one(self, model):
        async def load(ids):
            rows = {r.id: r for r in await self.all(select(model).where(model.id.in_(ids)))}
            return [rows.get(i) for i in ids]

        return DataLoader(load)

    def many(self, model, fk):
        async def load(ids):
            out = {i: [] for i in ids}
            for r in await self.all(select(model).where(fk.in_(ids)).order_by(model.id)):
                out[getattr(r, fk.key)].append(r)
            return [out[i] for i in ids]

        return DataLoader(load)

    def first(self, model, fk, order, n):
        """The first n rows of each parent: one loader per argument value."""
        key = fk, n
        if key not in self.by_arg:

            async def load(ids):
                rn = func.row_number().over(partition_by=fk, order_by=order).label("rn")
                ranked = select(model, rn).where(fk.in_(ids)).subquery()
                row = aliased(model, ranked)
                out = {i: [] for i in ids}
                for r in await self.all(select(row).where(ranked.c.rn <= n).order_by(ranked.c.rn)):
                    out[getattr(r, fk.key)].append(r)
                return [out[i] for i in ids]

            self.by_arg[key] = DataLoader(load)
        return self.by_arg[key]


Info = strawberry.Info[Context, None]


@strawberry.type
class Category:
    id: int
    name: str
    description: str | None
    created_at: datetime

    @strawberry.field
    async def products(self, info: Info, first: int = 20) -> list[Product]:
        return await info.context.first(ProductRow, ProductRow.category_id, ProductRow.id, first).load(self.id)


@strawberry.type
class Product:
    id: int
    name: str
    description: str | None
    price: Decimal
    stock_quantity: int
    created_at: datetime

    @strawberry.field
    async def category(self, info: Info) -> Category:
        return await info.context.category.load(self.category_id)


@strawberry.type
class User:
    id: int
    email: str
    full_name: str
    created_at: datetime

    @strawberry.field
    async def orders(self, info: Info, first: int = 20) -> list[Order]:
        return await info.context.first(OrderRow, OrderRow.user_id, OrderRow.created_at.desc(), first).load(self.id)


@strawberry.type
class Order:
    id: int
    status: str
    total_amount: Decimal
    created_at: datetime

    @strawberry.field
    async def items(self, info: Info) -> list[OrderItem]:
        return await info.context.items.load(self.id)

    @strawberry.field
    async def user(self, info: Info) -> User:
        return await info.context.user.load(self.user_id)


@strawberry.type
class OrderItem:
    id: int
    quantity: int
    unit_price: Decimal

    @strawberry.field
    async def product(self, info: Info) -> Product:
        return await info.context.product.load(self.product_id)


@strawberry.input
class OrderItemInput:
    product_id: int
    quantity: int


@strawberry.type
class Query:
    @strawberry.field
    async def product(self, info: Info, id: int) -> Product | None:
        async with info.context.lock:
            return await info.context.session.get(ProductRow, id)

    @strawberry.field
    async def products(self, info: Info, first: int = 50) -> list[Product]:
        return await info.context.all(select(ProductRow).order_by(ProductRow.created_at.desc()).limit(first))

    @strawberry.field
    async def user(self, info: Info, id: int) -> User | None:
        async with info.context.lock:
            return await info.context.session.get(UserRow, id)

    @strawberry.field
    async def categories(self, info: Info, first: int = 20) -> list[Category]:
        return await info.context.all(select(CategoryRow).order_by(CategoryRow.id).limit(first))


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_order(self, info: Info, user_id: int, items: list[OrderItemInput]) -> Order:
        if not items:
            raise ValueError("order needs items")
        need: dict[int, int] = {}
        for i in items:
            if i.quantity <= 0:
                raise ValueError("quantity must be positive")
            need[i.product_id] = need.get(i.product_id, 0) + i.quantity
        session = info.context.session
        async with info.context.lock, session.begin():
            locked = await session.scalars(
                select(ProductRow).where(ProductRow.id.in_(need)).order_by(ProductRow.id).with_for_update()
            )
            products = {p.id: p for p in locked}
            for pid, q in need.items():
                if pid not in products:
                    raise ValueError(f"unknown product {pid}")
                if products[pid].stock_quantity < q:
                    raise ValueError(f"insufficient stock for product {pid}")
                products[pid].stock_quantity -= q
            order = OrderRow(
                user_id=user_id,
                total_amount=sum(products[p].price * q for p, q in need.items()),
                lines=[
                    OrderItemRow(product_id=i.product_id, quantity=i.quantity, unit_price=products[i.product_id].price)
                    for i in items
                ],
            )
            session.add(order)
        return order


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
            return await super().run(request, Context(session), root_value)


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
