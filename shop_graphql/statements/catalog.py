"""Categories by name, and the figures of the catalogue."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from shop_graphql.access import Role
from shop_graphql.models import ZERO, Category, Product
from shop_graphql.pace import slow
from shop_graphql.statements.rows import columns, is_any_of, texts
from shop_graphql.statements.visibility import visible


def has_name(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a category has just this name."""
    return Category.__table__.c.name == name


@cache
def categories_by_name(role: Role | None) -> Select[Any]:
    """Select `key` and the category, if seen, of every name in the array `:keys`."""
    keys = texts("keys")
    categories = select(keys.c.key, *columns(Category)).join(keys, has_name(keys.c.key))
    return categories.where(visible(Category, role))


@cache
def category_stats() -> Select[Any]:
    """Select the figures of every category, by name; a category without products counts as zero.

    Result columns: `category_id`, `product_count`, `total_value` (of all stock, at today's prices), `average_price`
    (rounded half up to the cent), `name` (the category's, to sort by).
    """
    figures = (
        select(
            Category.id.label("category_id"),
            func.count(Product.id).label("product_count"),
            func.coalesce(func.sum(Product.price * Product.stock_quantity), ZERO).label("total_value"),
            func.round(func.coalesce(func.avg(Product.price), ZERO), 2).label("average_price"),
            Category.name,
        )
        .join(Product, and_(Product.category_id == Category.id, Product.archived_at.is_(None)), isouter=True)
        .group_by(Category.id)
        .order_by(Category.name)
    )
    return slow(figures)


def category_stats_of(category_id: ColumnElement[int]) -> Select[Any]:
    """Select the same figures of one category."""
    return category_stats().where(Category.__table__.c.id == category_id)


@cache
def category_stats_by_id() -> Select[Any]:
    """Select the same figures of the categories whose id is in the array `:ids`."""
    return category_stats().where(is_any_of(Category.__table__.c.id, "ids"))
