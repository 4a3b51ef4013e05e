"""The life of orders once they were placed. Callers own the transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of
from shop_graphql.errors import (
    InvalidTransition,
    NotFound,
    VersionConflict,
)
from shop_graphql.models import (
    TRANSITIONS,
    MovementKind,
    Order,
    OrderEvent,
    OrderItem,
    OrderStatus,
)
from shop_graphql.services import locks, outbox, stock
from shop_graphql.services.rules import Rules


@dataclass(frozen=True)
class _Target:
    """Where an order is to come to, from which version, and whose it must be."""

    status: OrderStatus
    expected_version: int | None
    only_user: int | None = None


async def complete_order(session: AsyncSession, *, order_id: int, expected_version: int | None = None) -> Order:
    """Bring an order to its good end. Raises NotFound, VersionConflict and InvalidTransition. Locks the order."""
    order = await _advance(session, order_id, _Target(OrderStatus.COMPLETED, expected_version))
    await _tell(session, order, reason=None)
    return order


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
    order = await _advance(session, order_id, target, reason)
    returned = await _put_back(session, order_id, reason) if restock else []
    await _tell(session, order, reason=reason, restock=restock, productIds=returned)
    return order


async def delete_order(session: AsyncSession, *, order_id: int) -> None:
    """Delete an order and its items, as though it had never been placed. Raises NotFound.

    What it took returns to stock, unless the order was cancelled. Locks the order, then its products by id.
    """
    order = await locks.lock_order(session, order_id)
    if order is None:
        raise NotFound("order", ("order_id",))
    is_kept = order.status is not OrderStatus.CANCELLED
    returned = await _put_back(session, order_id, "The order was deleted.") if is_kept else []
    event = {"orderId": order_id, "userId": order.user_id, "productIds": returned}
    await outbox.emit(session, "order.deleted", event)
    await session.execute(delete(Order).where(Order.id == order_id))


async def _advance(session: AsyncSession, order_id: int, target: _Target, reason: str | None = None) -> Order:
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
    return changed


async def _tell(session: AsyncSession, order: Order, **facts: Any) -> None:
    await outbox.emit(session, f"order.{order.status.value}", {"orderId": order.id, "userId": order.user_id, **facts})


async def _put_back(session: AsyncSession, order_id: int, reason: str | None) -> list[int]:
    """Return what an order took to stock, and the ids of its products."""
    items = (
        select(OrderItem.product_id, func.sum(OrderItem.quantity).label("quantity"))
        .where(OrderItem.order_id == order_id)
        .group_by(OrderItem.product_id)
    )
    quantities = {row.product_id: row.quantity for row in await session.execute(items)}
    await locks.lock_products(session, quantities)
    await stock.move(session, quantities, MovementKind.RETURN, order_id=order_id, reason=reason)
    return list(quantities)
