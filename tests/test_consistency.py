"""The checker is checked: a shop used in every way passes, and each fault that a service could have is named."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import CliRunner

from shop_graphql import migration, services
from shop_graphql.cli import app
from shop_graphql.connection import transaction
from shop_graphql.consistency import CHECKS, violations
from shop_graphql.database import Database
from shop_graphql.models import (
    IdempotencyKey,
    MovementKind,
    Order,
    OrderItem,
    OrderStatus,
    OutboxEvent,
    Product,
    StockMovement,
)
from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from shop_graphql.services import locks, orders, outbox, stock
from shop_graphql.settings import Settings
from tests.conftest import temporary_database

Work = Callable[[AsyncSession], Coroutine[Any, Any, Any]]


class Shop:
    """A shop of two products, ten of each at 2.50, and one user; all of it made by the services."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def open(self) -> None:
        await self.run(services.create_user, email="ada@example.com", full_name="Ada Lovelace")
        for name in ("Lamp", "Desk"):
            category: Any = services.NewCategory(name=f"{name}s")
            product = {"name": name, "price": Decimal("2.50"), "category": category, "stock_quantity": 10}
            await self.run(services.create_product, **product)

    async def run(self, service: Any, **arguments: Any) -> Any:
        async with self.database.transaction() as session:
            return await service(session, **arguments)

    async def order(self, *quantities: int, key: str | None = None) -> Any:
        """Order so many of the first products, under a key."""
        items = [services.NewItem(id, quantity) for id, quantity in enumerate(quantities, 1)]
        order = partial(services.create_order, actor="user_1", user_id=1, items=items, key=key or uuid4().hex)
        return (await self.database.send(order)).result

    async def found(self) -> dict[str, list[dict[str, Any]]]:
        """Return the offending rows by the names of the checks."""
        async with self.database.engine.connect() as connection:
            return {found.check.name: [dict(row) for row in found.rows] for found in await violations(connection)}


@pytest.fixture
async def shop(database: Database, empty_shop: None) -> Shop:
    shop = Shop(database)
    await shop.open()
    return shop


async def test_a_shop_used_in_every_way_is_consistent(shop: Shop) -> None:
    pending, completed, cancelled, kept, deleted, kept_and_deleted = [await shop.order(1, 1) for _ in range(6)]
    assert (await shop.order(1, 1, key="twice")).id == (await shop.order(1, 1, key="twice")).id
    await shop.run(services.complete_order, order_id=completed.id)
    await shop.run(services.cancel_order, order_id=cancelled.id)
    for order in (kept, kept_and_deleted):
        await shop.run(services.cancel_order, order_id=order.id, restock=False)
    for order in (deleted, kept_and_deleted):
        await shop.run(services.delete_order, order_id=order.id)
    await shop.run(services.adjust_stock, product_id=1, delta=-2)
    await shop.run(services.add_category_stock, category_id=2, quantity=5)
    changes = {"price": Decimal("9.99")}
    await shop.run(services.update_product, product_id=1, changes=changes)
    assert await shop.found() == {}
    assert pending.status is OrderStatus.PENDING


def test_the_sample_shop_is_consistent_and_stays_so_when_its_orders_are_cancelled_and_deleted(server_url: str) -> None:
    async def change(url: str) -> None:
        database = Database(Settings(), url)
        async with database.transaction() as session:
            pending = select(Order.id).where(Order.status == OrderStatus.PENDING).order_by(Order.id).limit(2)
            first, second = await session.scalars(pending)
            await services.cancel_order(session, order_id=first)
            await services.delete_order(session, order_id=second)
        await database.close()

    async def found(url: str) -> list[Any]:
        async with transaction(url) as connection:
            return await violations(connection)

    with temporary_database(server_url) as url:
        migration.upgrade(url)
        load(url, Size(categories=3, products=20, users=5, orders=100), lambda _: None)
        assert asyncio.run(found(url)) == []
        asyncio.run(change(url))
        assert asyncio.run(found(url)) == []


async def _naive_order(session: AsyncSession, quantity: int = 2) -> Order:
    """What create_order would be, had it forgotten the stock."""
    order = Order(user_id=1, total_amount=Decimal("2.50") * quantity)
    order.items = [OrderItem(product_id=1, product_name="Lamp", quantity=quantity, unit_price=Decimal("2.50"))]
    session.add(order)
    await session.flush()
    await outbox.emit(session, "order.placed", {"orderId": order.id, "items": [{"productId": 1, "quantity": quantity}]})
    return order


async def test_an_order_that_takes_nothing_from_stock_is_caught(shop: Shop) -> None:
    await shop.run(_naive_order)
    assert await shop.found() == {"order movements": [{"order_id": 1, "product_id": 1, "ordered": 2, "taken": 0}]}


async def test_an_order_that_takes_from_stock_beside_the_ledger_is_caught(shop: Shop) -> None:
    async def order(session: AsyncSession) -> None:
        await _naive_order(session)
        await session.execute(update(Product).where(Product.id == 1).values(stock_quantity=8))

    await shop.run(order)
    found = await shop.found()
    assert found.keys() == {"stock ledger", "order movements"}
    assert found["stock ledger"] == [{"product_id": 1, "stock_quantity": 8, "ledger": 10}]


async def test_two_orders_that_read_and_then_write_without_locks_are_caught(shop: Shop) -> None:
    both_have_read = asyncio.Barrier(2)

    async def order(quantity: int) -> None:
        async with shop.database.transaction() as session:
            left = (await session.scalar(select(Product.stock_quantity).where(Product.id == 1)) or 0) - quantity
            await both_have_read.wait()
            placed = await _naive_order(session, quantity)
            await session.execute(update(Product).where(Product.id == 1).values(stock_quantity=left))
            movement = {"product_id": 1, "kind": MovementKind.ORDER, "order_id": placed.id}
            await session.execute(insert(StockMovement).values(**movement, delta=-quantity, balance=left))

    await asyncio.gather(order(6), order(6))
    found = await shop.found()
    assert found.keys() == {"stock ledger", "ledger balance"}
    assert found["stock ledger"] == [{"product_id": 1, "stock_quantity": 4, "ledger": -2}]


async def test_a_cancelled_order_that_was_not_returned_is_caught(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(*arguments: object) -> None:
        pass

    order = await shop.order(3, 1)
    monkeypatch.setattr(orders, "_put_back", forget)
    await shop.run(services.cancel_order, order_id=order.id)
    missing = [{"order_id": 1, "product_id": id, "to_return": count, "returned": 0} for id, count in ((1, 3), (2, 1))]
    assert await shop.found() == {"order returns": missing}


async def test_a_deleted_order_that_was_not_returned_is_caught(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(*arguments: object) -> None:
        pass

    order = await shop.order(3)
    monkeypatch.setattr(orders, "_put_back", forget)
    await shop.run(services.delete_order, order_id=order.id)
    assert await shop.found() == {"deleted orders": [{"product_id": 1, "expected": 0, "ledger": -3}]}


async def _put_back_again(session: AsyncSession, *, order_id: int) -> None:
    await locks.lock_products(session, [1])
    await stock.move(session, {1: 3}, MovementKind.RETURN, order_id=order_id)


@pytest.mark.parametrize("restock", [True, False])
async def test_an_order_returned_more_than_it_should_be_is_caught(shop: Shop, restock: bool) -> None:
    order = await shop.order(3)
    await shop.run(services.cancel_order, order_id=order.id, restock=restock)
    await shop.run(_put_back_again, order_id=order.id)
    wanted, returned = (3, 6) if restock else (0, 3)
    row = {"order_id": 1, "product_id": 1, "to_return": wanted, "returned": returned}
    assert await shop.found() == {"order returns": [row]}


async def test_an_order_returned_without_being_cancelled_is_caught(shop: Shop) -> None:
    order = await shop.order(3)
    await shop.run(_put_back_again, order_id=order.id)
    assert (await shop.found()).keys() == {"order returns"}


async def test_a_deleted_order_returned_twice_is_caught(shop: Shop) -> None:
    order = await shop.order(3)
    await shop.run(_put_back_again, order_id=order.id)
    await shop.run(services.delete_order, order_id=order.id)
    assert await shop.found() == {"deleted orders": [{"product_id": 1, "expected": 0, "ledger": 3}]}


async def _execute(session: AsyncSession, *, statement: str) -> None:
    await session.execute(text(statement))


CORRUPTIONS = [
    ("UPDATE orders SET total_amount = 7", "order total", {"order_id": 1, "total_amount": 7, "items_amount": 5}),
    (
        "UPDATE stock_movements SET balance = 9 WHERE id = 3",
        "ledger balance",
        {"movement_id": 3, "product_id": 1, "balance": 9, "running": 8},
    ),
    ("UPDATE idempotency_keys SET answer = NULL", "idempotency keys", {"key": "first", "order_id": None, "keys": None}),
    ("DELETE FROM outbox", "order.placed events", {"order_id": 1, "events": 0}),
    (
        "INSERT INTO outbox (kind, payload) SELECT kind, payload FROM outbox WHERE kind = 'order.placed'",
        "order.placed events",
        {"order_id": 1, "events": 2},
    ),
    ("DELETE FROM orders", "order.placed events", {"order_id": 1, "events": 1}),
]


@pytest.mark.parametrize(("statement", "name", "row"), CORRUPTIONS)
async def test_a_row_that_is_wrong_or_missing_is_caught(
    shop: Shop, statement: str, name: str, row: dict[str, Any]
) -> None:
    await shop.order(2, key="first")
    await shop.run(_execute, statement=statement)
    assert (await shop.found())[name] == [row]


async def test_an_order_without_items_is_caught(shop: Shop) -> None:
    await shop.order(2)
    await shop.run(_execute, statement="DELETE FROM order_items")
    assert (await shop.found())["order items"] == [{"order_id": 1}]


async def test_an_order_with_two_keys_is_caught(shop: Shop) -> None:
    await shop.order(1, key="first")
    async with shop.database.transaction() as session:
        known = (await session.scalars(select(IdempotencyKey))).one()
        session.add(IdempotencyKey(owner="user_1", key="second", fingerprint=known.fingerprint, answer=known.answer))
    rows = [{"key": key, "order_id": 1, "keys": 2} for key in ("first", "second")]
    assert await shop.found() == {"idempotency keys": rows}


async def test_stock_below_zero_is_caught_even_without_its_constraint(shop: Shop) -> None:
    async with shop.database.engine.connect() as connection:
        await connection.execute(text("ALTER TABLE products DROP CONSTRAINT ck_products_stock_quantity"))
        await connection.execute(text("UPDATE products SET stock_quantity = -1 WHERE id = 2"))
        rows = (await connection.execute(text(CHECKS[0].statement), {"limit": 5})).mappings().all()
        await connection.rollback()
    assert [dict(row) for row in rows] == [{"product_id": 2, "stock_quantity": -1}]


def test_reconcile_prints_every_check_and_fails_when_one_does(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def corrupt(url: str) -> None:
        async with transaction(url) as connection:
            await connection.execute(text("UPDATE products SET stock_quantity = 77 WHERE id = 1"))

    monkeypatch.setenv("COLUMNS", "160")
    with temporary_database(server_url) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        migration.upgrade(url)
        load(url, Size(categories=1, products=2, users=1, orders=1), lambda _: None)
        good = CliRunner().invoke(app, ["reconcile"])
        asyncio.run(corrupt(url))
        bad = CliRunner().invoke(app, ["reconcile"])
    assert (good.exit_code, good.stdout.count(" ok ")) == (0, len(CHECKS))
    assert all(check.name in good.stdout for check in CHECKS)
    assert (bad.exit_code, bad.stdout.count(" ok ")) == (1, len(CHECKS) - 1)
    assert "product_id 1, stock_quantity 77, ledger " in bad.stdout


AGE = """
    UPDATE idempotency_keys SET created_at = created_at - interval '40 days';
    UPDATE orders SET created_at = created_at - interval '40 days';
    UPDATE stock_movements SET created_at = created_at - interval '40 days';
    UPDATE outbox SET created_at = created_at - interval '40 days'
"""


async def _sweep(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all that is there forty days older, and sweep the outbox of all of it, which is less than a batch."""
    for statement in AGE.split(";"):
        await shop.run(_execute, statement=statement)
    async with shop.database.transaction() as session:
        count = await session.scalar(select(func.count()).select_from(OutboxEvent))
    monkeypatch.setattr(outbox, "BATCH", count)
    assert await shop.run(services.sweep_outbox, kept=timedelta(days=30)) == count


async def test_a_shop_whose_events_were_swept_is_consistent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [await shop.order(1, key=f"key {number}") for number in range(5)]
    pending, cancelled, kept, deleted, kept_and_deleted = orders
    await shop.run(services.cancel_order, order_id=cancelled.id)
    for order in (kept, kept_and_deleted):
        await shop.run(services.cancel_order, order_id=order.id, restock=False)
    for order in (deleted, kept_and_deleted):
        await shop.run(services.delete_order, order_id=order.id)
    await _sweep(shop, monkeypatch)
    assert await shop.found() == {}
    await shop.run(services.complete_order, order_id=pending.id)
    for order in (cancelled, kept):
        await shop.run(services.delete_order, order_id=order.id)
    await shop.order(1)
    assert await shop.found() == {}


async def test_an_event_that_is_lost_after_a_sweep_is_caught(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.order(1, key="old")
    await _sweep(shop, monkeypatch)
    order = await shop.order(2, key="new")
    await shop.run(_execute, statement="DELETE FROM outbox WHERE kind = 'order.placed'")
    assert await shop.found() == {
        "order movements": [{"order_id": order.id, "product_id": 1, "ordered": 0, "taken": 2}],
        "order.placed events": [{"order_id": order.id, "events": 0}],
    }


async def test_old_events_that_were_deleted_and_not_swept_are_missed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await shop.order(1)
    await _sweep(shop, monkeypatch)
    await shop.run(_execute, statement="DELETE FROM outbox")
    assert set(await shop.found()) == {"order movements", "order.placed events"}
    assert (await shop.found())["order.placed events"] == [{"order_id": first.id, "events": 0}]


async def test_an_order_that_took_the_wrong_number_is_caught_without_its_event(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.order(2)
    await _sweep(shop, monkeypatch)
    await shop.run(_execute, statement="UPDATE order_items SET quantity = 3")
    assert "order movements" in await shop.found()


async def test_a_deleted_order_that_returns_nothing_is_caught_after_a_sweep(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.order(2)
    await _sweep(shop, monkeypatch)
    order = await shop.order(2)
    await shop.run(_execute, statement=f"DELETE FROM orders WHERE id = {order.id}")
    async with shop.database.transaction() as session:
        await outbox.emit(session, "order.deleted", {"orderId": order.id})
    assert await shop.found() == {"deleted orders": [{"product_id": 1, "expected": 0, "ledger": -2}]}
