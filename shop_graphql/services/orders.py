"""Order rules. Callers own the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of
from shop_graphql.errors import (
    InvalidTransition,
    Issue,
    NotFound,
    OutOfStock,
    Path,
    PriceChanged,
    ShopError,
    Shortage,
    ValidationFailed,
    VersionConflict,
    refuse,
)
from shop_graphql.models import (
    MAX_INT,
    MAX_MONEY,
    TRANSITIONS,
    MovementKind,
    Order,
    OrderEvent,
    OrderItem,
    OrderStatus,
)
from shop_graphql.services import locks, outbox, stock
from shop_graphql.services.rules import Rules

MAX_ITEMS = 50
MAX_QUANTITY = 999


@dataclass(frozen=True)
class NewItem:
    """A product and how many of it are ordered."""

    product_id: int
    quantity: int


@dataclass
class _Line:
    """All items of one product; `path` is where it was first named."""

    path: Path
    quantity: int = 0


@dataclass(frozen=True)
class _Target:
    """Where an order is to come to, from which version, and whose it must be."""

    status: OrderStatus
    expected_version: int | None
    only_user: int | None = None


async def create_order(
    session: AsyncSession, *, user_id: int, items: Sequence[NewItem], expected_total: Decimal | None = None
) -> Order:
    """Order products at today's prices and take them from stock, all or nothing.

    Quantities are summed per product; locks the products by id. Raises, with every problem of the request at once,
    ValidationFailed, NotFound (paths `user_id` and `items.N.product_id`) and OutOfStock; and PriceChanged when the
    total is not `expected_total`.
    """
    lines, rules = _lines(items)
    exists = await locks.keep_user(session, user_id)
    products = await locks.lock_products(session, lines)
    for id, line in lines.items():
        sold = id not in products or products[id].archived_at is None
        rules.require(sold, (*line.path, "product_id"), "This product is no longer sold.")
    stranger = [] if exists else [NotFound("user", ("user_id",))]
    refuse([*rules.problems(), *stranger, *_missing(lines, products), *_shortages(lines, products)])
    total = sum((products[id].price * line.quantity for id, line in lines.items()), Decimal())
    if total > MAX_MONEY:
        raise ValidationFailed(Issue(("items",), f"The order comes to {total}; at most {MAX_MONEY} is possible."))
    if expected_total is not None and total != expected_total:
        raise PriceChanged(expected_total, total)
    order = await _insert(session, user_id, total, lines, products)
    balances = await stock.move(
        session, {id: -line.quantity for id, line in lines.items()}, MovementKind.ORDER, order_id=order.id
    )
    await outbox.emit(session, "order.placed", _event(order, lines, balances))
    return order


async def complete_order(session: AsyncSession, *, order_id: int, expected_version: int | None = None) -> Order:
    """Bring an order to its good end. Raises NotFound, VersionConflict and InvalidTransition. Locks the order."""
    return await _advance(session, order_id, _Target(OrderStatus.COMPLETED, expected_version))


async def cancel_order(
    session: AsyncSession,
    *,
    order_id: int,
    reason: str | None = None,
    restock: bool = True,
    expected_version: int | None = None,
    only_user: int | None = None,
) -> Order:
    """Call an order off and, unless told otherwise, return what it took to stock; with `only_user` one of theirs only.

    Raises ValidationFailed, NotFound, VersionConflict and InvalidTransition. Locks the order, then its products by id.
    """
    rules = Rules()
    reason = rules.optional_text(reason, ("reason",), 500)
    rules.enforce()
    target = _Target(OrderStatus.CANCELLED, expected_version, only_user)
    order = await _advance(session, order_id, target, reason, restock=restock)
    if restock:
        await _put_back(session, order_id, reason)
    return order


async def delete_order(session: AsyncSession, *, order_id: int) -> None:
    """Delete an order and its items, as though it had never been placed. Raises NotFound.

    What it took returns to stock, unless the order was cancelled. Locks the order, then its products by id.
    """
    order = await locks.lock_order(session, order_id)
    if order is None:
        raise NotFound("order", ("order_id",))
    if order.status is not OrderStatus.CANCELLED:
        await _put_back(session, order_id, "The order was deleted.")
    await outbox.emit(session, "order.deleted", {"orderId": order_id})
    await session.execute(delete(Order).where(Order.id == order_id))


async def _insert(
    session: AsyncSession, user_id: int, total: Decimal, lines: Mapping[int, _Line], products: Mapping[int, Any]
) -> Order:
    order = Order(user_id=user_id, total_amount=total)
    session.add(order)
    await session.flush()
    items = [
        {
            "order_id": order.id,
            "product_id": id,
            "product_name": products[id].name,
            "quantity": line.quantity,
            "unit_price": products[id].price,
        }
        for id, line in lines.items()
    ]
    await session.execute(insert(OrderItem), items)
    await session.execute(
        insert(OrderEvent).values(order_id=order.id, status=OrderStatus.PENDING, actor=actor_of(session))
    )
    return order


async def _advance(
    session: AsyncSession, order_id: int, target: _Target, reason: str | None = None, **facts: bool
) -> Order:
    order = await locks.lock_order(session, order_id)
    if order is None or target.only_user not in (None, order.user_id):
        raise NotFound("order", ("order_id",))
    if target.expected_version not in (None, order.version):
        raise VersionConflict(order.version)
    allowed = TRANSITIONS[order.status]
    status = target.status
    if status not in allowed:
        raise InvalidTransition(order.status.name, status.name, [status.name for status in allowed])
    statement = update(Order).where(Order.id == order_id).values(status=status).returning(Order)
    changed = (await session.scalars(statement)).one()
    event = {"order_id": order_id, "status": status, "reason": reason, "actor": actor_of(session)}
    await session.execute(insert(OrderEvent).values(event))
    await outbox.emit(session, f"order.{status.value}", {"orderId": order_id, "reason": reason, **facts})
    return changed


def _event(order: Order, lines: Mapping[int, _Line], balances: Mapping[int, int]) -> dict[str, Any]:
    items = [{"productId": id, "quantity": line.quantity, "balance": balances[id]} for id, line in lines.items()]
    return {"orderId": order.id, "userId": order.user_id, "totalAmount": str(order.total_amount), "items": items}


def _lines(items: Sequence[NewItem]) -> tuple[dict[int, _Line], Rules]:
    rules = Rules()
    rules.require(len(items) > 0, ("items",), "An order has at least one item.")
    lines: dict[int, _Line] = {}
    for index, item in enumerate(items):
        rules.require(item.quantity >= 1, ("items", index, "quantity"), "This must be at least 1.")
        line = lines.setdefault(item.product_id, _Line(("items", index)))
        line.quantity += item.quantity
    for line in lines.values():
        message = f"At most {MAX_QUANTITY} of one product can be ordered at once; this comes to {line.quantity}."
        rules.require(line.quantity <= MAX_QUANTITY, (*line.path, "quantity"), message)
    if len(lines) > MAX_ITEMS:
        rules.require(False, ("items",), f"An order has at most {MAX_ITEMS} different products, not {len(lines)}.")
        rules.enforce()
    return lines, rules


def _missing(lines: Mapping[int, _Line], products: Mapping[int, Any]) -> list[ShopError]:
    return [NotFound("product", (*line.path, "product_id")) for id, line in lines.items() if id not in products]


def _shortages(lines: Mapping[int, _Line], products: Mapping[int, Any]) -> list[ShopError]:
    shortages = [
        Shortage((*line.path, "quantity"), id, line.quantity, products[id].stock_quantity)
        for id, line in lines.items()
        # What no integer can hold has broken its rule already, and a client could not be told how much it is.
        if id in products and products[id].stock_quantity < line.quantity <= MAX_INT
    ]
    return [OutOfStock(*shortages)] if shortages else []


async def _put_back(session: AsyncSession, order_id: int, reason: str | None) -> None:
    items = (
        select(OrderItem.product_id, func.sum(OrderItem.quantity).label("quantity"))
        .where(OrderItem.order_id == order_id)
        .group_by(OrderItem.product_id)
    )
    quantities = {row.product_id: row.quantity for row in await session.execute(items)}
    await locks.lock_products(session, quantities)
    await stock.move(session, quantities, MovementKind.RETURN, order_id=order_id, reason=reason)
