"""Stock rules, and the one door to stock: whatever changes it writes the ledger in the same statement."""

from collections.abc import Mapping

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, column, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of
from shop_graphql.errors import Issue, NotFound, OutOfStock, Shortage, ValidationFailed, VersionConflict, refuse
from shop_graphql.models import MovementKind, Product, StockMovement
from shop_graphql.services import locks, outbox
from shop_graphql.services.rules import Rules

MAX_STOCK = 1_000_000_000
"""Far from what the column holds, so that orders can always be returned to stock."""

_products = Product.__table__
_movements = StockMovement.__table__
_wanted = (
    func.unnest(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("deltas", type_=ARRAY(Integer)))
    .table_valued(column("id", BigInteger), column("delta", Integer))
    .render_derived()
)
_changed = (
    update(_products)
    .where(_products.c.id == _wanted.c.id, _products.c.stock_quantity + _wanted.c.delta >= 0)
    .values(stock_quantity=_products.c.stock_quantity + _wanted.c.delta)
    .returning(_products.c.id, _wanted.c.delta, _products.c.stock_quantity)
    .cte("changed")
)
_MOVE = (
    insert(_movements)
    .from_select(
        ["product_id", "delta", "balance", "kind", "order_id", "reason", "actor"],
        select(
            _changed,
            bindparam("kind", type_=_movements.c.kind.type),
            bindparam("order_id", type_=BigInteger),
            bindparam("reason", type_=_movements.c.reason.type),
            bindparam("actor", type_=_movements.c.actor.type),
        ).order_by(_changed.c.id),
    )
    .returning(_movements.c.product_id, _movements.c.balance)
)

_OPEN = insert(_movements).from_select(
    ["product_id", "delta", "balance", "kind", "actor"],
    select(
        _wanted.c.id,
        _wanted.c.delta,
        _wanted.c.delta,
        literal(MovementKind.INITIAL, _movements.c.kind.type),
        bindparam("actor", type_=_movements.c.actor.type),
    ).order_by(_wanted.c.id),
)


async def move(
    session: AsyncSession,
    deltas: Mapping[int, int],
    kind: MovementKind,
    *,
    order_id: int | None = None,
    reason: str | None = None,
) -> dict[int, int]:
    """Change the stock of locked products by id and return what is left of each. The caller has judged that it can."""
    parameters = {
        "ids": list(deltas),
        "deltas": list(deltas.values()),
        "kind": kind,
        "order_id": order_id,
        "reason": reason,
        "actor": actor_of(session),
    }
    balances = {row.product_id: row.balance for row in await session.execute(_MOVE, parameters)}
    if len(balances) != len(deltas):
        raise RuntimeError("locked stock changed under its lock")
    return balances


async def record_initial(session: AsyncSession, product: Product) -> None:
    """Open the ledger of a new product."""
    await open_ledger(session, {product.id: product.stock_quantity})


async def open_ledger(session: AsyncSession, quantities: Mapping[int, int]) -> None:
    """Open the ledger of new products by id; one without stock has nothing to enter."""
    opening = {id: quantity for id, quantity in quantities.items() if quantity}
    if opening:
        parameters = {"ids": list(opening), "deltas": list(opening.values()), "actor": actor_of(session)}
        await session.execute(_OPEN, parameters)


async def adjust_stock(
    session: AsyncSession,
    *,
    product_id: int,
    delta: int,
    reason: str | None = None,
    expected_stock: int | None = None,
) -> Product:
    """Change a product's stock by `delta`; with `expected_stock` only if that is what there is.

    Locks the product. Raises ValidationFailed, NotFound, OutOfStock when less than nothing would be left, and
    VersionConflict with the stock there is when another was expected.
    """
    rules = Rules()
    rules.integer(delta, ("delta",), -MAX_STOCK, MAX_STOCK)
    rules.require(delta != 0, ("delta",), "This must not be 0.")
    reason = rules.optional_text(reason, ("reason",), 500)
    products = await locks.lock_products(session, [product_id])
    refuse(rules.problems() + ([] if products else [NotFound("product", ("product_id",))]))
    stock: int = products[product_id].stock_quantity
    if expected_stock is not None and expected_stock != stock:
        raise VersionConflict(stock)
    if stock + delta < 0:
        raise OutOfStock(Shortage(("delta",), product_id, -delta, stock))
    if stock + delta > MAX_STOCK:
        raise ValidationFailed(Issue(("delta",), f"With this the stock would pass {MAX_STOCK}."))
    balances = await move(session, {product_id: delta}, MovementKind.ADJUSTMENT, reason=reason)
    payload = {"productId": product_id, "delta": delta, "balance": balances[product_id], "reason": reason}
    await outbox.emit(session, "stock.adjusted", payload)
    return await session.get_one(Product, product_id)
