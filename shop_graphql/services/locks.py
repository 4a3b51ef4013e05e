"""Row locks, and the order in which every transaction takes them: key, users, order, categories, products.

services/idempotency.py claims the key before anything else is done. An order, one statement, claims it when it
has all its locks: services/placing.py. Two that lock rows in one order cannot wait for each other in a circle.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.access import Role
from shop_graphql.models import Category, Order, Product, User
from shop_graphql.statements.rows import is_any_of

# FOR NO KEY UPDATE: excludes other writers of the row, but not the foreign key checks of those who insert items.
_PRODUCTS = (
    select(Product.id, Product.name, Product.price, Product.stock_quantity, Product.version, Product.archived_at)
    .where(is_any_of(Product.__table__.c.id, "ids"))
    .order_by(Product.id)
    .with_for_update(key_share=True)
)

_PRODUCTS_BY_SKU = (
    select(
        Product.id,
        Product.sku,
        Product.name,
        Product.price,
        Product.category_id,
        Product.description,
        Product.stock_quantity,
    )
    .where(Product.sku == any_(bindparam("skus", type_=ARRAY(Text))))
    .order_by(Product.id)
    .with_for_update(key_share=True)
)
_CATEGORIES_BY_NAME = (
    select(Category.id, Category.name)
    .where(Category.name == any_(bindparam("names", type_=ARRAY(Text))))
    .order_by(Category.name)
    .with_for_update(read=True, key_share=True)
)


async def lock_admins_and_user(session: AsyncSession, user_id: int) -> dict[int, Any]:
    """Lock every admin and the user by ascending id; return id, role and time of erasure of each, by id."""
    columns = User.id, User.role, User.erased_at
    concerned = or_(User.id == user_id, User.role == Role.ADMIN)
    statement = select(*columns).where(concerned).order_by(User.id).with_for_update(key_share=True)
    return {row.id: row for row in await session.execute(statement)}


async def keep_category(session: AsyncSession, category_id: int) -> bool:
    """Tell whether the category exists, and keep it from being deleted until the transaction ends."""
    statement = select(Category.id).where(Category.id == category_id).with_for_update(read=True, key_share=True)
    return await session.scalar(statement) is not None


async def keep_categories_by_name(session: AsyncSession, names: Collection[str]) -> dict[str, int]:
    """Return the ids of those categories that exist by name, and keep them until the transaction ends."""
    rows = await session.execute(_CATEGORIES_BY_NAME, {"names": list(names)})
    return {row.name: row.id for row in rows}


async def lock_order(session: AsyncSession, order_id: int) -> Any:
    """Lock an order against every change and return its id, user, status and version, or None."""
    columns = Order.id, Order.user_id, Order.status, Order.version
    statement = select(*columns).where(Order.id == order_id).with_for_update()
    return (await session.execute(statement)).one_or_none()


async def lock_products(session: AsyncSession, ids: Collection[int]) -> dict[int, Any]:
    """Lock products by ascending id; return what orders need of those that exist, by id."""
    rows = await session.execute(_PRODUCTS, {"ids": sorted(ids)})
    return {row.id: row for row in rows}


async def lock_products_by_sku(session: AsyncSession, skus: Collection[str]) -> dict[str, Any]:
    """Lock the products with these SKUs by ascending id; return what can be changed of those that exist, by SKU."""
    rows = await session.execute(_PRODUCTS_BY_SKU, {"skus": list(skus)})
    return {row.sku: row for row in rows}


async def lock_product_for_deletion(session: AsyncSession, product_id: int) -> bool:
    """Lock a product so that no order item can come to refer to it; tell whether it exists."""
    statement = select(Product.id).where(Product.id == product_id).with_for_update()
    return await session.scalar(statement) is not None


async def lock_category_for_deletion(session: AsyncSession, category_id: int) -> bool:
    """Lock a category so that no product can come to refer to it; tell whether it exists."""
    statement = select(Category.id).where(Category.id == category_id).with_for_update()
    return await session.scalar(statement) is not None
