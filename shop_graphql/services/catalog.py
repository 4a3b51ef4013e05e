"""Catalogue rules. Callers own the transaction."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, distinct, exists, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.errors import (
    AlreadyExists,
    InUse,
    Issue,
    NotFound,
    OutOfStock,
    Path,
    Shortage,
    ValidationFailed,
    refuse,
)
from shop_graphql.models import Category, OrderItem, Product
from shop_graphql.services import locks
from shop_graphql.services.constraints import refusing
from shop_graphql.services.rules import Rules

MAX_SHORTAGES = 100
MAX_STOCK = 1_000_000_000
"""Far from what the column holds, so that orders can always be returned to stock."""


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
) -> Product:
    """Create a product in a category that exists, given by id, or in a new one, created with it.

    Raises ValidationFailed, NotFound for the category's id, and AlreadyExists for the new category's name.
    """
    rules = Rules()
    product = Product(
        name=rules.text(name, ("name",), 200),
        description=rules.optional_text(description, ("description",)),
        price=rules.price(price, ("price",)),
        stock_quantity=rules.integer(stock_quantity, ("stock_quantity",), 0, MAX_STOCK),
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
    await session.flush()
    return product


async def update_product_price(session: AsyncSession, *, product_id: int, price: Decimal) -> Product:
    """Change what a product costs from now on. Raises ValidationFailed and NotFound."""
    rules = Rules()
    rules.price(price, ("price",))
    rules.enforce()
    statement = update(Product).where(Product.id == product_id).values(price=price).returning(Product)
    product = await session.scalar(statement)
    if product is None:
        raise NotFound("product", ("product_id",))
    return product


async def add_category_stock(session: AsyncSession, *, category_id: int, quantity: int) -> int:
    """Add `quantity`, which may be negative, to the stock of every product of a category; return how many changed.

    Locks the products by id and changes all or none. Raises ValidationFailed, NotFound, and OutOfStock with the
    products that would go below zero, 100 at the most.
    """
    rules = Rules()
    rules.integer(quantity, ("quantity",), -MAX_STOCK, MAX_STOCK)
    rules.require(quantity != 0, ("quantity",), "This must not be 0.")
    exists = await locks.keep_category(session, category_id)
    refuse(rules.problems() + ([] if exists else [NotFound("category", ("category_id",))]))
    rows = (await session.execute(_add_stock(category_id, quantity))).all()
    short = [row for row in rows if row.id is not None]
    if short and quantity > 0:
        message = f"With this the stock of a product would pass {MAX_STOCK}."
        raise ValidationFailed(Issue(("quantity",), message))
    if short:
        raise OutOfStock(*(Shortage(("quantity",), row.id, -quantity, row.stock_quantity) for row in short))
    changed: int = rows[0].changed
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


async def delete_category(session: AsyncSession, *, category_id: int) -> None:
    """Delete a category. Raises NotFound, and InUse with the number of products when it has any."""
    if not await locks.lock_category_for_deletion(session, category_id):
        raise NotFound("category", ("category_id",))
    products = select(func.count()).select_from(Product).where(Product.category_id == category_id)
    count = await session.scalar(products) or 0
    if count:
        raise InUse(f"The category has {count} product(s).", product_count=count)
    await session.execute(delete(Category).where(Category.id == category_id))


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


def _add_stock(category_id: int, quantity: int) -> Select[Any]:
    """Lock, judge and change in one statement, so that no product can join the category in between.

    Result: one row for each product that forbids the change, or one row with null columns; each with `changed`.
    """
    locked = (
        select(Product.id, Product.stock_quantity)
        .where(Product.category_id == category_id)
        .order_by(Product.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    allowed = locked.c.stock_quantity.between(max(0, -quantity), MAX_STOCK - max(0, quantity))
    refused = select(locked).where(~allowed).order_by(locked.c.id).limit(MAX_SHORTAGES).cte("refused")
    products = Product.__table__
    changed = (
        update(products)
        .where(products.c.id == locked.c.id, ~exists(select(refused.c.id)))
        .values(stock_quantity=products.c.stock_quantity + quantity)
        .returning(products.c.id)
        .cte("changed")
    )
    count = select(func.count()).select_from(changed).scalar_subquery()
    one = select(count.label("changed")).subquery()
    return select(one.c.changed, refused).select_from(one).join(refused, true(), isouter=True)
