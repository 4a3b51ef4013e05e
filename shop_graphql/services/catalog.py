"""Catalogue rules. Callers own the transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, distinct, exists, func, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import actor_of
from shop_graphql.errors import (
    AlreadyExists,
    InUse,
    Issue,
    NotFound,
    OutOfStock,
    Path,
    Shortage,
    ValidationFailed,
    VersionConflict,
    refuse,
)
from shop_graphql.models import Category, MovementKind, OrderItem, Product, StockMovement
from shop_graphql.services import locks, outbox, stock
from shop_graphql.services.constraints import refusing
from shop_graphql.services.rules import MAX_DESCRIPTION, Rules

MAX_SHORTAGES = 100


@dataclass(frozen=True)
class NewCategory:
    """A category that does not exist yet."""

    name: str
    description: str | None = None


async def create_category(session: AsyncSession, *, new: NewCategory) -> Category:
    """Create a category. Raises ValidationFailed, and AlreadyExists when the name is taken."""
    rules = Rules()
    category = _category(rules, new, ())
    rules.enforce()
    return await _add_category(session, category, ())


async def create_product(
    session: AsyncSession,
    *,
    name: str,
    price: Decimal,
    category: int | NewCategory,
    description: str | None = None,
    stock_quantity: int = 0,
    sku: str | None = None,
) -> Product:
    """Create a product in a category that exists, given by id, or in a new one, created with it.

    Raises ValidationFailed, NotFound for the category's id, and AlreadyExists for the new category's name or the SKU.
    """
    rules = Rules()
    product = Product(
        name=rules.text(name, ("name",), 200),
        description=rules.optional_text(description, ("description",), MAX_DESCRIPTION),
        price=rules.price(price, ("price",)),
        stock_quantity=rules.integer(stock_quantity, ("stock_quantity",), 0, stock.MAX_STOCK),
        sku=rules.optional_text(sku, ("sku",), 64),
    )
    if isinstance(category, NewCategory):
        path: Path = ("category", "new")
        new = _category(rules, category, path)
        rules.enforce()
        product.category_id = (await _add_category(session, new, path)).id
    else:
        exists = await locks.keep_category(session, category)
        refuse(rules.problems() + ([] if exists else [NotFound("category", ("category", "id"))]))
        product.category_id = category
    session.add(product)
    with refusing({"uq_products_sku": AlreadyExists("There is a product with this SKU.", ("sku",))}):
        await session.flush()
    await stock.record_initial(session, product)
    return product


async def update_product(
    session: AsyncSession, *, product_id: int, changes: Mapping[str, Any], expected_version: int | None = None
) -> Product:
    """Change the `changes` of a product (name, description, price, sku, category_id) and nothing else.

    Locks the product. Raises ValidationFailed, NotFound for the product or the category, AlreadyExists for the SKU, and
    VersionConflict when the version is not `expected_version`.
    """
    rules = Rules()
    values = _checked(rules, changes)
    problems = rules.problems()
    if "category_id" in values and not await locks.keep_category(session, values["category_id"]):
        problems.append(NotFound("category", ("category_id",)))
    product = (await locks.lock_products(session, [product_id])).get(product_id)
    refuse(problems + ([] if product else [NotFound("product", ("product_id",))]))
    if product is not None and expected_version not in (None, product.version):
        raise VersionConflict(product.version)
    if not values:
        return await session.get_one(Product, product_id)
    statement = update(Product).where(Product.id == product_id).values(**values).returning(Product)
    with refusing({"uq_products_sku": AlreadyExists("There is a product with this SKU.", ("sku",))}):
        changed = (await session.scalars(statement)).one()
    await outbox.emit(session, "product.updated", {"productId": product_id, "fields": sorted(values)})
    return changed


async def update_category(session: AsyncSession, *, category_id: int, changes: Mapping[str, Any]) -> Category:
    """Change the `changes` of a category (name, description). Raises ValidationFailed, NotFound and AlreadyExists."""
    rules = Rules()
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = rules.text(changes["name"], ("name",), 100)
    if "description" in changes:
        values["description"] = rules.optional_text(changes["description"], ("description",), 500)
    exists = await locks.keep_category(session, category_id)
    refuse(rules.problems() + ([] if exists else [NotFound("category", ("category_id",))]))
    if not values:
        return await session.get_one(Category, category_id)
    statement = update(Category).where(Category.id == category_id).values(**values).returning(Category)
    with refusing({"uq_categories_name": AlreadyExists("There is a category with this name.", ("name",))}):
        return (await session.scalars(statement)).one()


async def archive_product(
    session: AsyncSession, *, product_id: int, archived: bool = True, expected_version: int | None = None
) -> Product:
    """Take a product off the lists and out of orders to come, or put it back. Done already, it changes nothing.

    Raises NotFound, and VersionConflict when the version is not `expected_version`. Locks the product.
    """
    product = (await locks.lock_products(session, [product_id])).get(product_id)
    if product is None:
        raise NotFound("product", ("product_id",))
    if expected_version not in (None, product.version):
        raise VersionConflict(product.version)
    if (product.archived_at is not None) is archived:
        return await session.get_one(Product, product_id)
    moment = func.now() if archived else None
    statement = update(Product).where(Product.id == product_id).values(archived_at=moment).returning(Product)
    changed = (await session.scalars(statement)).one()
    await outbox.emit(session, "product.archived" if archived else "product.restored", {"productId": product_id})
    return changed


async def add_category_stock(session: AsyncSession, *, category_id: int, quantity: int) -> int:
    """Add `quantity`, which may be negative, to the stock of every product of a category; return how many changed.

    Locks the products by id and changes all or none. Raises ValidationFailed, NotFound, and OutOfStock with the
    products that would go below zero, 100 at the most.
    """
    rules = Rules()
    rules.integer(quantity, ("quantity",), -stock.MAX_STOCK, stock.MAX_STOCK)
    rules.require(quantity != 0, ("quantity",), "This must not be 0.")
    exists = await locks.keep_category(session, category_id)
    refuse(rules.problems() + ([] if exists else [NotFound("category", ("category_id",))]))
    rows = (await session.execute(_add_stock(category_id, quantity, actor_of(session)))).all()
    short = [row for row in rows if row.id is not None]
    if short and quantity > 0:
        message = f"With this the stock of a product would pass {stock.MAX_STOCK}."
        raise ValidationFailed(Issue(("quantity",), message))
    if short:
        raise OutOfStock(*(Shortage(("quantity",), row.id, -quantity, row.stock_quantity) for row in short))
    changed: int = rows[0].changed
    payload = {"categoryId": category_id, "quantity": quantity, "changedCount": changed}
    await outbox.emit(session, "stock.added", payload)
    return changed


async def delete_product(session: AsyncSession, *, product_id: int) -> None:
    """Delete a product. Raises NotFound, and InUse with the number of orders when it was ever ordered."""
    if not await locks.lock_product_for_deletion(session, product_id):
        raise NotFound("product", ("product_id",))
    orders = select(func.count(distinct(OrderItem.order_id))).where(OrderItem.product_id == product_id)
    count = await session.scalar(orders) or 0
    if count:
        raise InUse(f"The product stands in {count} order(s).", order_count=count)
    await session.execute(delete(Product).where(Product.id == product_id))
    await outbox.emit(session, "product.deleted", {"productId": product_id})


async def delete_category(session: AsyncSession, *, category_id: int) -> None:
    """Delete a category. Raises NotFound, and InUse with the number of products when it has any."""
    if not await locks.lock_category_for_deletion(session, category_id):
        raise NotFound("category", ("category_id",))
    products = select(func.count()).select_from(Product).where(Product.category_id == category_id)
    count = await session.scalar(products) or 0
    if count:
        raise InUse(f"The category has {count} product(s).", product_count=count)
    await session.execute(delete(Category).where(Category.id == category_id))


def _checked(rules: Rules, changes: Mapping[str, Any]) -> dict[str, Any]:
    checks: dict[str, Callable[[Any, Path], Any]] = {
        "name": lambda value, path: rules.text(value, path, 200),
        "description": lambda value, path: rules.optional_text(value, path, MAX_DESCRIPTION),
        "price": rules.price,
        "sku": lambda value, path: rules.optional_text(value, path, 64),
        "category_id": lambda value, _: value,
    }
    return {name: checks[name](value, (name,)) for name, value in changes.items()}


def _category(rules: Rules, new: NewCategory, path: Path) -> Category:
    return Category(
        name=rules.text(new.name, (*path, "name"), 100),
        description=rules.optional_text(new.description, (*path, "description"), 500),
    )


async def _add_category(session: AsyncSession, category: Category, path: Path) -> Category:
    session.add(category)
    taken = AlreadyExists("There is a category with this name.", (*path, "name"))
    with refusing({"uq_categories_name": taken}):
        await session.flush()
    return category


def _add_stock(category_id: int, quantity: int, actor: str | None) -> Select[Any]:
    """Lock, judge, change and write the ledger in one statement, so that no product can join the category in between.

    Result: one row for each product that forbids the change, or one row with null columns; each with `changed`.
    """
    locked = (
        select(Product.id, Product.stock_quantity)
        .where(Product.category_id == category_id)
        .order_by(Product.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    allowed = locked.c.stock_quantity.between(max(0, -quantity), stock.MAX_STOCK - max(0, quantity))
    refused = select(locked).where(~allowed).order_by(locked.c.id).limit(MAX_SHORTAGES).cte("refused")
    products = Product.__table__
    changed = (
        update(products)
        .where(products.c.id == locked.c.id, ~exists(select(refused.c.id)))
        .values(stock_quantity=products.c.stock_quantity + quantity)
        .returning(products.c.id, products.c.stock_quantity)
        .cte("changed")
    )
    moved = (
        insert(StockMovement.__table__)
        .from_select(
            ["product_id", "balance", "delta", "kind", "actor"],
            select(
                changed,
                literal(quantity),
                literal(MovementKind.ADJUSTMENT, StockMovement.__table__.c.kind.type),
                literal(actor, StockMovement.__table__.c.actor.type),
            ),
        )
        .returning(StockMovement.__table__.c.id)
        .cte("moved")
    )
    count = select(func.count()).select_from(moved).scalar_subquery()
    one = select(count.label("changed")).subquery()
    return select(one.c.changed, refused).select_from(one).join(refused, true(), isouter=True)
