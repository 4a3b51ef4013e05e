"""Many products at once, matched by SKU and written by a handful of statements. Callers own the transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, TypedDict

from sqlalchemy import ARRAY, BigInteger, Integer, Numeric, Text, bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.errors import ValidationFailed
from shop_graphql.models import Category, MovementKind, Product
from shop_graphql.services import locks, outbox, stock
from shop_graphql.services.product_rows import Judged, Keep, ProductRow, judge_products
from shop_graphql.services.rules import Rules
from shop_graphql.statements.rows import texts

MAX_ROWS = 250


class UpsertPolicy(Enum):
    """What a row that breaks a rule means for the others."""

    ALL_OR_NOTHING = "all-or-nothing"
    SKIP_FAILED = "skip-failed"


class UpsertStatus(Enum):
    """What came of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class UpsertIssue(TypedDict):
    """An Issue as JSON."""

    path: list[str | int]
    message: str


class Upserted(TypedDict):
    """What came of one row, as JSON that an idempotency key can remember; `status` is the value of an UpsertStatus."""

    sku: str
    status: str
    product_id: int | None
    issues: list[UpsertIssue]


Written = tuple[UpsertStatus, int]
"""What came of a sound row, and the product's id."""


class _Overtaken(Exception):
    """Somebody else has just created what was missing a moment ago."""


async def upsert_products(session: AsyncSession, *, rows: Sequence[ProductRow], policy: UpsertPolicy) -> list[Upserted]:
    """Create the products whose SKU is new, change those that differ, and return one outcome for each row, in order.

    Categories are named, and created where missing. Locks categories by name, then products by id. Raises
    ValidationFailed for no rows, for more than 250 and, under ALL_OR_NOTHING, for any row that breaks a rule.
    """
    rules = Rules()
    rules.require(0 < len(rows) <= MAX_ROWS, ("rows",), f"These are {len(rows)} rows; 1 to {MAX_ROWS} are allowed.")
    rules.enforce()
    judged = judge_products(rows)
    issues = [issue for one in judged for issue in one.issues]
    if issues and policy is UpsertPolicy.ALL_OR_NOTHING:
        raise ValidationFailed(*issues)
    written = await _write(session, {one.row.sku: one.row for one in judged if not one.issues})
    outcomes = [_outcome(one, written) for one in judged]
    await _tell(session, outcomes)
    return outcomes


def _outcome(judged: Judged, written: Mapping[str, Written]) -> Upserted:
    sku = judged.row.sku
    issues = [UpsertIssue(path=list(issue.path), message=issue.message) for issue in judged.issues]
    status, product_id = (UpsertStatus.FAILED, None) if issues else written[sku]
    return Upserted(sku=sku, status=status.value, product_id=product_id, issues=issues)


async def _tell(session: AsyncSession, outcomes: Sequence[Upserted]) -> None:
    """Leave the event, unless nothing was written."""
    counts = Counter(outcome["status"] for outcome in outcomes)
    written = {UpsertStatus.CREATED.value, UpsertStatus.UPDATED.value}
    ids = [outcome["product_id"] for outcome in outcomes if outcome["status"] in written]
    if ids:
        payload = {f"{status.value}Count": counts[status.value] for status in UpsertStatus}
        await outbox.emit(session, "products.upserted", {**payload, "productIds": ids})


async def _write(session: AsyncSession, rows: Mapping[str, ProductRow]) -> dict[str, Written]:
    """Write sound rows by SKU.

    New rows exclude each other only when they are inserted. Whoever comes second has to look again, and has to give up
    its locks before, to take them in their order; going back to a savepoint does that.
    """
    while rows:
        with suppress(_Overtaken):
            async with session.begin_nested():
                return await _try_to_write(session, rows)
    return {}


async def _try_to_write(session: AsyncSession, rows: Mapping[str, ProductRow]) -> dict[str, Written]:
    categories = await _categories(session, sorted({row.category for row in rows.values()}))
    known = await locks.lock_products_by_sku(session, list(rows))
    new = {sku: row for sku, row in rows.items() if sku not in known}
    changed = await _change(session, {known[sku]: row for sku, row in rows.items() if sku in known}, categories)
    created = await _create(session, new, categories) if new else {}
    return created | {
        sku: (UpsertStatus.UPDATED if product.id in changed else UpsertStatus.UNCHANGED, product.id)
        for sku, product in known.items()
    }


async def _categories(session: AsyncSession, names: list[str]) -> dict[str, int]:
    """Return the ids of categories by name, creating those that are missing; none is deleted until the end."""
    known = await locks.keep_categories_by_name(session, names)
    missing = [name for name in names if name not in known]
    if missing:
        created = {row.name: row.id for row in await session.execute(_ADD_CATEGORIES, {"names": missing})}
        if len(created) < len(missing):
            raise _Overtaken
        known |= created
    return known


async def _change(session: AsyncSession, rows: Mapping[Any, ProductRow], categories: Mapping[str, int]) -> set[int]:
    """Write what differs from the locked products and return the ids of those that did."""
    wanted = {product: _values(row, product.description, categories) for product, row in rows.items()}
    differing = [(product.id, *values) for product, values in wanted.items() if values != _values_of(product)]
    if differing:
        await session.execute(_CHANGE, _arrays(differing, "ids", "names", "prices", "category_ids", "descriptions"))
    deltas = {
        product.id: row.stock_quantity - product.stock_quantity
        for product, row in rows.items()
        if row.stock_quantity not in (None, product.stock_quantity)
    }
    if deltas:
        await stock.move(session, deltas, MovementKind.ADJUSTMENT)
    return {row[0] for row in differing} | deltas.keys()


async def _create(
    session: AsyncSession, rows: Mapping[str, ProductRow], categories: Mapping[str, int]
) -> dict[str, Written]:
    """Insert products whose ids ascend as the rows do. Raises _Overtaken when a SKU is taken by now."""
    ids = dict(zip(rows, await session.scalars(_IDS, {"count": len(rows)}), strict=True))
    new = [(ids[sku], *_values(row, None, categories), sku, row.stock_quantity or 0) for sku, row in rows.items()]
    names = ("ids", "names", "prices", "category_ids", "descriptions", "skus", "quantities")
    inserted = (await session.scalars(_ADD_PRODUCTS, _arrays(new, *names))).all()
    if len(inserted) < len(new):
        raise _Overtaken
    await stock.open_ledger(session, {ids[sku]: row.stock_quantity or 0 for sku, row in rows.items()})
    return {sku: (UpsertStatus.CREATED, id) for sku, id in ids.items()}


def _values(row: ProductRow, description: str | None, categories: Mapping[str, int]) -> tuple[Any, ...]:
    kept = description if isinstance(row.description, Keep) else row.description
    return row.name, row.price, categories[row.category], kept


def _values_of(product: Any) -> tuple[Any, ...]:
    return product.name, product.price, product.category_id, product.description


def _arrays(rows: Sequence[tuple[Any, ...]], *names: str) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


_products = Product.__table__
_categories_table = Category.__table__
_TYPES: dict[str, Any] = {
    "ids": BigInteger,
    "names": Text,
    "prices": Numeric(10, 2),
    "category_ids": BigInteger,
    "descriptions": Text,
    "skus": Text,
    "quantities": Integer,
}


def _rows_of(names: Mapping[str, str]) -> Any:
    """Return arrays as one table; `names` are the arrays' and, for each, the column's."""
    arrays = [bindparam(array, type_=ARRAY(_TYPES[array])) for array in names]
    columns = [column(name, _TYPES[array]) for array, name in names.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived()


_VALUES = {"names": "name", "prices": "price", "category_ids": "category_id", "descriptions": "description"}
_changes = _rows_of({"ids": "id", **_VALUES})
_CHANGE = (
    update(_products)
    .where(_products.c.id == _changes.c.id)
    .values({name: _changes.c[name] for name in _VALUES.values()})
)
_new = _rows_of({"ids": "id", **_VALUES, "skus": "sku", "quantities": "stock_quantity"})
# In the order of their SKUs, so that two who insert the same ones cannot wait for each other in a circle.
_ADD_PRODUCTS = (
    insert(_products)
    .from_select([name.name for name in _new.c], select(_new).order_by(_new.c.sku))
    .on_conflict_do_nothing(index_elements=["sku"])
    .returning(_products.c.id)
)
_names = texts("names")
_ADD_CATEGORIES = (
    insert(_categories_table)
    .from_select(["name"], select(_names.c.key).order_by(_names.c.key))
    .on_conflict_do_nothing(index_elements=["name"])
    .returning(_categories_table.c.id, _categories_table.c.name)
)
_IDS = select(func.nextval(func.pg_get_serial_sequence("products", "id"))).select_from(
    func.generate_series(1, bindparam("count", type_=Integer)).table_valued("number")
)
