"""Orders per second: createOrder through GraphQL beside a naive transaction, on 5 hot products and on 1,000.

Run by `make bench-orders`. Forty buyers order five random products each, without pause, on thirty connections, inside
one process and without HTTP. The naive buyer reads the stock, judges, and updates product by product in the order of
the cart, without a lock: what an order looks like before anybody has thought about two of them.
"""

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from benchmarks.viewer import context as context_of
from shop_graphql import embedded, migration
from shop_graphql.api.schema import schema
from shop_graphql.database import Database
from shop_graphql.models import Order, OrderItem, Product
from shop_graphql.settings import Settings

BUYERS = 40
CART = 5
SECONDS = 10.0
STOCK = 2_000

CREATE_ORDER = """
mutation ($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on CreateOrderSuccess { order { id totalAmount } } }
}
"""

Buy = Callable[[Database, list[int]], Awaitable[str]]


@dataclass
class Run:
    """What became of one load."""

    outcomes: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    oversold: int = 0


async def through_graphql(database: Database, cart: list[int]) -> str:
    """Order as a client does; return the name of the outcome."""
    items = [{"productId": f"prod_{id}", "quantity": 1} for id in cart]
    variables = {"input": {"idempotencyKey": uuid4().hex, "userId": "user_1", "items": items}}
    context = context_of(database)
    result = await schema.execute(CREATE_ORDER, variable_values=variables, context_value=context)
    await context.close()
    return "error" if result.errors else str((result.data or {})["createOrder"]["__typename"])


async def naively(database: Database, cart: list[int]) -> str:
    """Order as a tutorial does; return the name of the outcome."""
    try:
        async with database.transaction() as session:
            products = {p.id: p for p in await session.scalars(select(Product).where(Product.id.in_(cart)))}
            if any(products[id].stock_quantity < 1 for id in cart):
                return "OutOfStockError"
            total = sum(products[id].price for id in cart)
            order = Order(user_id=1, total_amount=total)
            session.add(order)
            await session.flush()
            for id in cart:
                left = products[id].stock_quantity - 1
                await session.execute(update(Product).where(Product.id == id).values(stock_quantity=left))
                item = {"product_name": products[id].name, "quantity": 1, "unit_price": products[id].price}
                await session.execute(insert(OrderItem).values(order_id=order.id, product_id=id, **item))
    except DBAPIError as error:
        return "deadlock" if getattr(error.orig, "sqlstate", "") == "40P01" else "error"
    return "CreateOrderSuccess"


async def load(database: Database, buy: Buy, products: int, seconds: float) -> Run:
    """Let the buyers buy for so many seconds."""
    await _stock_up(database, products)
    run, chance, start = Run(), random.Random(1), time.perf_counter()  # noqa: S311

    async def buyer() -> None:
        while time.perf_counter() - start < seconds:
            cart = chance.sample(range(1, products + 1), CART)
            began = time.perf_counter()
            run.outcomes[await buy(database, cart)] += 1
            run.times.append(time.perf_counter() - began)

    await asyncio.gather(*(buyer() for _ in range(BUYERS)))
    run.seconds = time.perf_counter() - start
    run.oversold = await _oversold(database, products)
    return run


async def _stock_up(database: Database, products: int) -> None:
    tables = "users, categories, products, orders, order_items, stock_movements, order_events, outbox, idempotency_keys"
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        await session.execute(text("INSERT INTO users (email, full_name) VALUES ('ada@example.com', 'Ada')"))
        await session.execute(text("INSERT INTO categories (name) VALUES ('All')"))
        fill = "INSERT INTO products (name, price, stock_quantity, category_id) SELECT 'P' || n, 1, :stock, 1"
        values = {"stock": STOCK, "products": products}
        await session.execute(text(f"{fill} FROM generate_series(1, :products) n"), values)


async def _oversold(database: Database, products: int) -> int:
    """Return how many more pieces were sold than left the stock."""
    async with database.transaction() as session:
        sold = await session.scalar(select(func.coalesce(func.sum(OrderItem.quantity), 0)))
        left = await session.scalar(select(func.sum(Product.stock_quantity)))
    return int(sold or 0) - (STOCK * products - int(left or 0))


async def measure(url: str) -> Table:
    """Return the table of all loads."""
    table = Table("Load", "Orders/s", "p50, ms", "p99, ms", "Deadlocks", "Errors", "Oversold", title="Orders")
    database = Database(Settings(pool_timeout=30, request_timeout=60), url)
    for products in (5, 1_000):
        for name, buy in (("createOrder", through_graphql), ("naive", naively)):
            run = await load(database, buy, products, SECONDS)
            table.add_row(f"{name}, {products:,} products", *_figures(run))
    await database.close()
    return table


def _figures(run: Run) -> list[Any]:
    rate = run.outcomes["CreateOrderSuccess"] / run.seconds
    quantiles = statistics.quantiles(run.times, n=100)
    times = [f"{quantiles[50] * 1000:.0f}", f"{quantiles[98] * 1000:.0f}"]
    return [f"{rate:.0f}", *times, *(str(n) for n in (run.outcomes["deadlock"], run.outcomes["error"], run.oversold))]


def main() -> None:
    """Measure on a durable PostgreSQL of its own and print the table."""
    with TemporaryDirectory() as folder, embedded.server(Path(folder, "shop")) as server:
        url = server.database("shop")
        migration.upgrade(url)
        Console().print(asyncio.run(measure(url)))


if __name__ == "__main__":
    main()
