"""Order rules. Callers own the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, column, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import affected
from shop_graphql.errors import Issue, NotFound, OutOfStock, Path, ShopError, Shortage, ValidationFailed, refuse
from shop_graphql.models import MAX_INT, MAX_MONEY, Order, OrderItem, OrderStatus, Product
from shop_graphql.services import locks
from shop_graphql.services.rules import Rules

MAX_ITEMS = 50
MAX_QUANTITY = 999

_changes = (
    func.unnest(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("quantities", type_=ARRAY(Integer)))
    .table_valued(column("id", BigInteger), column("quantity", Integer))
    .render_derived()
)
_products = Product.__table__
_TAKE = (
    update(_products)
    .where(_products.c.id == _changes.c.id, _products.c.stock_quantity >= _changes.c.quantity)
    .values(stock_quantity=_products.c.stock_quantity - _changes.c.quantity)
)
_PUT_BACK = (
    update(_products)
    .where(_products.c.id == _changes.c.id)
    .values(stock_quantity=_products.c.stock_quantity + _changes.c.quantity)
)


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


async def create_order(session: AsyncSession, *, user_id: int, items: Sequence[NewItem]) -> Order:
    """Order products at today's prices and take them from stock, all or nothing.

    Quantities are summed per product; locks the products by id. Raises, with every problem of the request at once,
    ValidationFailed, NotFound (paths `user_id` and `items.N.product_id`) and OutOfStock.
    """
    lines, rules = _lines(items)
    exists = await locks.keep_user(session, user_id)
    products = await locks.lock_products(session, lines)
    stranger = [] if exists else [NotFound("user", ("user_id",))]
    refuse([*rules.problems(), *stranger, *_missing(lines, products), *_shortages(lines, products)])
    total = sum((products[id].price * line.quantity for id, line in lines.items()), Decimal())
    if total > MAX_MONEY:
        raise ValidationFailed(Issue(("items",), f"The order comes to {total}; at most {MAX_MONEY} is possible."))
    await _take(session, lines)
    order = Order(user_id=user_id, total_amount=total)
    order.items = [
        OrderItem(product_id=id, quantity=line.quantity, unit_price=products[id].price) for id, line in lines.items()
    ]
    session.add(order)
    await session.flush()
    return order


async def delete_order(session: AsyncSession, *, order_id: int) -> None:
    """Delete an order and its items, as though it had never been placed. Raises NotFound.

    What it took returns to stock, unless the order was cancelled. Locks the order, then its products by id.
    """
    order = await locks.lock_order(session, order_id)
    if order is None:
        raise NotFound("order", ("order_id",))
    if order.status is not OrderStatus.CANCELLED:
        await _put_back(session, order_id)
    await session.execute(delete(Order).where(Order.id == order_id))


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


async def _take(session: AsyncSession, lines: Mapping[int, _Line]) -> None:
    quantities = [line.quantity for line in lines.values()]
    taken = await session.execute(_TAKE, {"ids": list(lines), "quantities": quantities})
    if affected(taken) != len(lines):
        raise RuntimeError("locked stock changed under its lock")


async def _put_back(session: AsyncSession, order_id: int) -> None:
    items = (
        select(OrderItem.product_id, func.sum(OrderItem.quantity).label("quantity"))
        .where(OrderItem.order_id == order_id)
        .group_by(OrderItem.product_id)
    )
    quantities = {row.product_id: row.quantity for row in await session.execute(items)}
    await locks.lock_products(session, quantities)
    await session.execute(_PUT_BACK, {"ids": list(quantities), "quantities": list(quantities.values())})
