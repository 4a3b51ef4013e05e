"""What each table can be filtered by. An index stands behind every leaf but those of the stock; see scanning."""

from collections.abc import Callable, Mapping
from functools import cache

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from shop_graphql.access import Role
from shop_graphql.models import Category, Order, OrderItem, Product, StockMovement, User
from shop_graphql.statements import search
from shop_graphql.statements.filters import (
    All,
    Condition,
    Leaf,
    Not,
    TextMatch,
    Where,
    among,
    in_range,
    matches,
    mentions,
    one_of,
)
from shop_graphql.statements.rows import Model
from shop_graphql.statements.visibility import visible

_category, _item, _movement, _order, _product, _user = (
    model.__table__.c for model in (Category, OrderItem, StockMovement, Order, Product, User)
)


def _in_stock(wanted: bool) -> ColumnElement[bool]:
    return _product.stock_quantity > 0 if wanted else _product.stock_quantity == 0


def _ever_ordered(role: Role | None) -> Condition:
    ordered = exists(select(_item.id).where(_item.product_id == _product.id, visible(OrderItem, role)))
    return lambda wanted: ordered if wanted else ~ordered


def _has_products(role: Role | None) -> Condition:
    filled = exists(select(_product.id).where(_product.category_id == _category.id, visible(Product, role)))
    return lambda wanted: filled if wanted else ~filled


def _contains_product(role: Role | None) -> Condition:
    items = select(_item.order_id).where(visible(OrderItem, role))
    return lambda ids: _order.id.in_(items.where(one_of(_item.product_id)(ids)))


def _archived(wanted: bool) -> ColumnElement[bool]:
    return _product.archived_at.is_not(None) if wanted else _product.archived_at.is_(None)


def _sku(match: TextMatch) -> ColumnElement[bool]:
    return and_(_product.sku.is_not(None), matches(_product.sku)(match))


LEAVES: Mapping[Model, Mapping[str, Condition]] = {
    User: {
        "id": one_of(_user.id),
        "email": matches(_user.email, fold=True),
        "full_name": matches(_user.full_name),
        "created_at": in_range(_user.created_at),
        "role": among(_user.role),
    },
    Category: {
        "id": one_of(_category.id),
        "name": matches(_category.name),
        "created_at": in_range(_category.created_at),
    },
    Product: {
        "id": one_of(_product.id),
        "category_id": one_of(_product.category_id),
        "name": matches(_product.name),
        "price": in_range(_product.price),
        "stock_quantity": in_range(_product.stock_quantity),
        "in_stock": _in_stock,
        "created_at": in_range(_product.created_at),
        "archived": _archived,
        "sku": _sku,
        "search": search.condition,
    },
    Order: {
        "id": one_of(_order.id),
        "status": among(_order.status),
        "total_amount": in_range(_order.total_amount),
        "created_at": in_range(_order.created_at),
        "user_id": one_of(_order.user_id),
    },
    OrderItem: {
        "id": one_of(_item.id),
        "order_id": one_of(_item.order_id),
        "quantity": in_range(_item.quantity),
        "unit_price": in_range(_item.unit_price),
    },
    StockMovement: {
        "kind": among(_movement.kind),
        "order_id": lambda ids: and_(_movement.order_id.is_not(None), one_of(_movement.order_id)(ids)),
    },
}


_RELATED: Mapping[Model, Mapping[str, Callable[[Role | None], Condition]]] = {
    Category: {"has_products": _has_products},
    Product: {"ever_ordered": _ever_ordered},
    Order: {"product_id": _contains_product},
}
"""Leaves that look at other tables, and there at what the viewer sees."""


@cache
def leaves(model: Model, role: Role | None) -> Mapping[str, Condition]:
    """Return what each leaf of the table means to a viewer."""
    return {**LEAVES[model], **{key: related(role) for key, related in _RELATED.get(model, {}).items()}}


DEFAULTS: Mapping[Model, Leaf] = {Product: Leaf("archived", False)}
"""What holds of a list whose filter says nothing of it."""


def with_default(model: Model, where: Where) -> Where:
    """Return `where` with what holds of the table's lists by default."""
    default = DEFAULTS.get(model)
    return where if default is None or mentions(where, default.key) else All((where, default))


class Criteria:
    """A viewer's filters as SQL, inside one statement: equal leaves become the same condition, computed once."""

    def __init__(self, model: Model, role: Role | None) -> None:
        self._leaves = leaves(model, role)
        self._made: dict[Leaf, ColumnElement[bool]] = {}

    def condition(self, where: Where) -> ColumnElement[bool]:
        """Return the SQL of `where`."""
        if isinstance(where, Leaf):
            return self._leaf(where)
        if isinstance(where, Not):
            return not_(self.condition(where.of))
        parts = [self.condition(part) for part in where.of]
        return and_(true(), *parts) if isinstance(where, All) else or_(false(), *parts)

    def _leaf(self, leaf: Leaf) -> ColumnElement[bool]:
        if leaf not in self._made:
            self._made[leaf] = self._leaves[leaf.key](leaf.value)
        return self._made[leaf]
