"""How the sample shop gets into the database: by COPY, in one transaction, in portions that memory does not notice."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from shop_graphql.connection import connect, transaction
from shop_graphql.errors import StartupError
from shop_graphql.sample.rows import Row, categories, orders, products, users
from shop_graphql.sample.size import Size
from shop_graphql.values import async_url

T = TypeVar("T")
Progress = Callable[[int], None]
"""Called with the number of categories, products, users and orders that have been loaded since the last call."""
Postponed = Callable[[], AbstractContextManager[Callable[[], None]]]
"""Lets signals wait inside the block, and yields what deals with them."""

PORTION = 5_000
COLUMNS = {
    "categories": ["id", "name", "description", "created_at"],
    "products": ["id", "name", "description", "price", "stock_quantity", "category_id", "created_at"],
    "users": ["id", "email", "full_name", "created_at"],
    "orders": ["id", "user_id", "status", "total_amount", "created_at"],
    "order_items": ["order_id", "product_id", "product_name", "quantity", "unit_price"],
}
TABLES = ", ".join(COLUMNS)
HISTORY = (
    "INSERT INTO stock_movements (product_id, kind, delta, balance, created_at) "
    "SELECT id, 'initial', stock_quantity, stock_quantity, created_at FROM products WHERE stock_quantity <> 0",
    "INSERT INTO order_events (order_id, status, created_at) SELECT id, 'pending', created_at FROM orders ORDER BY id",
    "INSERT INTO order_events (order_id, status, created_at) "
    "SELECT id, status, created_at + interval '2 days' FROM orders WHERE status <> 'pending' ORDER BY id",
)
"""What the ledger and the orders tell of the time before: stock is what was left after all of it."""


class NotEmpty(StartupError):
    """The shop has data already."""


def load(url: str, size: Size, progress: Progress, postponed: Postponed = lambda: nullcontext(lambda: None)) -> None:
    """Load the sample shop into the empty shop at `url`, all or nothing; others can read meanwhile, and not write.

    Raises NotEmpty, StartupError. Not for use inside an event loop.
    """
    if not size.is_possible():
        raise StartupError("Orders need at least one user and one product, and products at least one category.")
    asyncio.run(_load(url, size, progress, postponed))


async def _load(url: str, size: Size, progress: Progress, postponed: Postponed) -> None:
    with postponed() as end_now:

        def loaded(count: int) -> None:
            progress(count)
            end_now()

        await _fill(url, size, loaded)
        end_now()
    await _tidy(url)


async def _fill(url: str, size: Size, progress: Progress) -> None:
    async with transaction(url) as connection:
        await _refuse_data(connection)
        await connection.execute(text(f"LOCK TABLE {TABLES} IN SHARE ROW EXCLUSIVE MODE"))
        await _refuse_data(connection)
        driver = (await connection.get_raw_connection()).driver_connection
        for table, rows in (("categories", categories), ("products", products), ("users", users)):
            for portion in _portions(rows(size)):
                await _copy(driver, table, portion)
                progress(len(portion))
        for purchases in _portions(orders(size)):
            await _copy(driver, "orders", (order for order, _ in purchases))
            await _copy(driver, "order_items", chain.from_iterable(items for _, items in purchases))
            progress(len(purchases))
        await _continue_ids(connection)
        for statement in HISTORY:
            await connection.execute(text(statement))


async def _tidy(url: str) -> None:
    """Do what PostgreSQL would do by itself a minute later: count rows and mark pages that an index alone can serve."""
    engine = create_async_engine(async_url(url), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        async with connect(engine) as connection:
            await connection.execute(text(f"VACUUM (ANALYZE) {TABLES}, search_entries"))
    finally:
        await engine.dispose()


async def _refuse_data(connection: AsyncConnection) -> None:
    found = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in COLUMNS)
    if (await connection.execute(text(f"SELECT {found}"))).scalar_one():
        raise NotEmpty("The shop has data already; the sample shop is loaded into an empty shop only.")


async def _copy(driver: Any, table: str, rows: Iterable[Row]) -> None:
    await driver.copy_records_to_table(table, records=rows, columns=COLUMNS[table])


async def _continue_ids(connection: AsyncConnection) -> None:
    """COPY with ids leaves the sequences where they were. Items had none and took theirs from the sequence."""
    for table in COLUMNS:
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        await connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table} HAVING max(id) IS NOT NULL"))


def _portions(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while portion := list(islice(remaining, PORTION)):
        yield portion
