"""What the database must say, held against what people were told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shop_graphql.consistency import Violation, violations
from shop_graphql.values import async_url
from tests.chaos.customers import STOCK, Purchase, Record

ORDERS = """
    SELECT 'ord_' || o.id AS id, 'user_' || o.user_id AS "user", o.status, o.total_amount AS total,
        jsonb_object_agg('prod_' || i.product_id, i.quantity) AS items
    FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id
"""
PLACED = "SELECT count(*) FROM outbox WHERE kind = 'order.placed'"
STOCKS = """
    SELECT 'prod_' || p.id AS id, p.stock_quantity AS stock, coalesce(sum(m.delta), 0) AS adjusted
    FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id AND m.kind = 'adjustment'
    GROUP BY p.id
"""


class Judge:
    """Looks at the shop while it is being broken and when all is over."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(async_url(url), poolclass=NullPool, connect_args={"timeout": 2})
        self.looks = 0

    async def watch(self, stop: asyncio.Event, pause: float = 1) -> list[str]:
        """Check the invariants again and again until `stop`; return what was wrong as soon as anything is."""
        while not stop.is_set():
            # While PostgreSQL is down there is nothing to see.
            with suppress(OSError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if found := await self.inconsistencies():
                    return found
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
        return []

    async def inconsistencies(self) -> list[str]:
        """Return what breaks the shop's invariants."""
        async with self._engine.connect() as connection:
            found = await violations(connection)
        self.looks += 1
        return [_sentence(violation) for violation in found]

    async def broken_promises(self, record: Record) -> list[str]:
        """Return what the shop acknowledged and does not have, or has and never acknowledged."""
        async with self._engine.connect() as connection:
            orders = {row["id"]: row for row in (await connection.execute(text(ORDERS))).mappings()}
            placed = (await connection.execute(text(PLACED))).scalar_one()
            stocks = {row["id"]: row for row in (await connection.execute(text(STOCKS))).mappings()}
        promises = record.purchases
        complaints = [
            complaint for purchase in promises for complaint in _judge(purchase, orders.pop(purchase.id, None))
        ]
        complaints += [f"{id} is there, and nobody was told" for id in orders]
        complaints += [f"{id} was acknowledged under several keys" for id in _repeated([p.id for p in promises])]
        if placed != len(promises):
            complaints.append(f"{placed} orders were placed, and {len(promises)} acknowledged")
        for id, row in stocks.items():
            if row["adjusted"] != record.restocked[id]:
                complaints.append(f"{id} was restocked by {row['adjusted']}, and {record.restocked[id]} acknowledged")
            elif row["stock"] != STOCK + record.restocked[id] - sum(_kept(purchase, id) for purchase in promises):
                complaints.append(f"{id} has a stock of {row['stock']}, which is not what was left")
        return complaints

    async def close(self) -> None:
        """Close its connections."""
        await self._engine.dispose()


def _sentence(violation: Violation) -> str:
    return f"{violation.check.name}: {[dict(row) for row in violation.rows]}"


def _judge(purchase: Purchase, row: Any) -> list[str]:
    if purchase.fate == "deleted" or row is None:
        return (
            [] if purchase.fate == "deleted" and row is None else [f"{purchase} is {'lost' if row is None else 'back'}"]
        )
    promised = (purchase.user, purchase.fate, Decimal(purchase.total), purchase.items)
    kept = (row["user"], row["status"], row["total"], row["items"])
    wanted = {item["productId"]: item["quantity"] for item in purchase.wanted}
    return [] if promised == kept and wanted == purchase.items else [f"{purchase} is {kept}"]


def _kept(purchase: Purchase, product: str) -> int:
    """How many of a product an order still keeps from stock."""
    return purchase.items.get(product, 0) if purchase.keeps_stock else 0


def _repeated(ids: Sequence[str]) -> list[str]:
    return [id for id, times in Counter(ids).items() if times > 1]
