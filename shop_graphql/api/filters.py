"""What clients can filter each list by, and how that becomes a filter of the statements."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

import strawberry

from shop_graphql.api.enums import MovementKind, OrderStatus, Role
from shop_graphql.api.nodes import Node, decode_id
from shop_graphql.api.scalars import Money
from shop_graphql.deferred import checked, later
from shop_graphql.errors import BadArgument
from shop_graphql.models import Category, Order, OrderItem, Product, User
from shop_graphql.statements import search
from shop_graphql.statements.filters import All, AnyOf, Leaf, Not, Range, TextMatch, Where
from shop_graphql.statements.rows import Model

MAX_DEPTH = 5
MAX_LEAVES = 50
MAX_VALUES = 100

LEAF = "leaf"
READ = "read"


@strawberry.input(description="Amounts between bounds; each may be missing.")
class MoneyRange:
    gte: Money | None = strawberry.field(default=strawberry.UNSET, description="At least this.")
    gt: Money | None = strawberry.field(default=strawberry.UNSET, description="More than this.")
    lte: Money | None = strawberry.field(default=strawberry.UNSET, description="At most this.")
    lt: Money | None = strawberry.field(default=strawberry.UNSET, description="Less than this.")


@strawberry.input(description="Whole numbers between bounds; each may be missing.")
class IntRange:
    gte: int | None = strawberry.field(default=strawberry.UNSET, description="At least this.")
    gt: int | None = strawberry.field(default=strawberry.UNSET, description="More than this.")
    lte: int | None = strawberry.field(default=strawberry.UNSET, description="At most this.")
    lt: int | None = strawberry.field(default=strawberry.UNSET, description="Less than this.")


@strawberry.input(description="Times between bounds; each may be missing.")
class DateTimeRange:
    gte: datetime | None = strawberry.field(default=strawberry.UNSET, description="Then or later.")
    gt: datetime | None = strawberry.field(default=strawberry.UNSET, description="Later than this.")
    lte: datetime | None = strawberry.field(default=strawberry.UNSET, description="Then or earlier.")
    lt: datetime | None = strawberry.field(default=strawberry.UNSET, description="Earlier than this.")


@strawberry.input(description="A text.")
class TextFilter:
    eq: str | None = strawberry.field(default=strawberry.UNSET, description="Just this.")
    starts_with: str | None = strawberry.field(default=strawberry.UNSET, description="Beginning with this.")


def _given(value: Any) -> bool:
    return value is not None and value is not strawberry.UNSET


def _range(bounds: Any) -> Range:
    return Range(**{field.name: value for field in fields(bounds) if _given(value := getattr(bounds, field.name))})


def _text(match: TextFilter) -> TextMatch:
    return TextMatch(
        match.eq if _given(match.eq) else None,
        match.starts_with if _given(match.starts_with) else None,
    )


def _values(values: list[Any]) -> tuple[Any, ...]:
    if len(values) > MAX_VALUES:
        raise BadArgument(f"A list in a filter has at most {MAX_VALUES} values; this has {len(values)}.")
    return tuple(values)


def _ids(model: Model) -> Callable[[list[str]], tuple[int, ...]]:
    def read(ids: list[str]) -> tuple[int, ...]:
        return tuple(decode_id(Node.by_model[model], text) for text in _values(ids))

    return lambda ids: checked(read, ids)


def _id(model: Model) -> Callable[[str], tuple[int, ...]]:
    return lambda text: later(lambda text: (decode_id(Node.by_model[model], text),), text)


def _search(query: str) -> Any:
    return checked(_short_enough, query)


def _short_enough(query: str) -> str:
    if len(query) > search.MAX_LENGTH:
        raise BadArgument(f"A search has at most {search.MAX_LENGTH} characters; this has {len(query)}.")
    return query


def _as_is(value: Any) -> Any:
    return value


def leaf(key: str, description: str, read: Callable[[Any], Any] = _as_is) -> Any:
    """Declare a field that is the leaf `key` of the table; `read` turns the input into the leaf's value."""
    return strawberry.field(default=strawberry.UNSET, description=description, metadata={LEAF: key, READ: read})


def branch(name: str, description: str) -> Any:
    """Declare a field that combines filters: `and`, `or` or `not`."""
    return strawberry.field(default=strawberry.UNSET, name=name, description=description)


_AND = "All of these must hold as well."
_OR = "One of these must hold as well."
_NOT = "This must not hold."


@strawberry.input(description="Which users. What is said side by side must all hold.")
class UserWhere:
    ids: list[strawberry.ID] | None = leaf("id", "These users.", _ids(User))
    email: TextFilter | None = leaf("email", "The e-mail address, in whatever case.", _text)
    full_name: TextFilter | None = leaf("full_name", "The full name.", _text)
    created_at: DateTimeRange | None = leaf("created_at", "When the user was created.", _range)
    roles: list[Role] | None = leaf("role", "What the user may do: one of these.", _values)
    and_: list["UserWhere"] | None = branch("and", _AND)
    or_: list["UserWhere"] | None = branch("or", _OR)
    not_: "UserWhere | None" = branch("not", _NOT)


@strawberry.input(description="Which categories. What is said side by side must all hold.")
class CategoryWhere:
    ids: list[strawberry.ID] | None = leaf("id", "These categories.", _ids(Category))
    name: TextFilter | None = leaf("name", "The name.", _text)
    created_at: DateTimeRange | None = leaf("created_at", "When the category was created.", _range)
    has_products: bool | None = leaf("has_products", "Whether there are products in it.")
    and_: list["CategoryWhere"] | None = branch("and", _AND)
    or_: list["CategoryWhere"] | None = branch("or", _OR)
    not_: "CategoryWhere | None" = branch("not", _NOT)


@strawberry.input(description="Which products. What is said side by side must all hold.")
class ProductWhere:
    search: str | None = leaf(
        "search",
        'Words of the name or description: all of them, the last may be unfinished; "quoted words" follow each other, '
        "`or` separates alternatives, `-word` must not occur. Accents and endings do not matter. When nothing in the "
        "shop has the words, products with similar names are found.",
        _search,
    )
    ids: list[strawberry.ID] | None = leaf("id", "These products.", _ids(Product))
    category_ids: list[strawberry.ID] | None = leaf("category_id", "Products of these categories.", _ids(Category))
    name: TextFilter | None = leaf("name", "The name.", _text)
    price: MoneyRange | None = leaf("price", "What one costs.", _range)
    stock_quantity: IntRange | None = leaf("stock_quantity", "How many can be ordered.", _range)
    in_stock: bool | None = leaf("in_stock", "Whether any can be ordered.")
    created_at: DateTimeRange | None = leaf("created_at", "When the product was created.", _range)
    ever_ordered: bool | None = leaf("ever_ordered", "Whether it stands in any order.")
    archived: bool | None = leaf("archived", "Whether it is archived. Where nothing is said of it, none is listed.")
    sku: TextFilter | None = leaf("sku", "The stock keeping unit.", _text)
    and_: list["ProductWhere"] | None = branch("and", _AND)
    or_: list["ProductWhere"] | None = branch("or", _OR)
    not_: "ProductWhere | None" = branch("not", _NOT)


@strawberry.input(description="Which orders. What is said side by side must all hold.")
class OrderWhere:
    ids: list[strawberry.ID] | None = leaf("id", "These orders.", _ids(Order))
    statuses: list[OrderStatus] | None = leaf("status", "How far the order has come: one of these.", _values)
    total_amount: MoneyRange | None = leaf("total_amount", "What the order costs.", _range)
    created_at: DateTimeRange | None = leaf("created_at", "When the order was placed.", _range)
    user_id: strawberry.ID | None = leaf("user_id", "Who placed the order.", _id(User))
    product_id: strawberry.ID | None = leaf("product_id", "A product that the order contains.", _id(Product))
    and_: list["OrderWhere"] | None = branch("and", _AND)
    or_: list["OrderWhere"] | None = branch("or", _OR)
    not_: "OrderWhere | None" = branch("not", _NOT)


@strawberry.input(description="Which order items. What is said side by side must all hold.")
class OrderItemWhere:
    ids: list[strawberry.ID] | None = leaf("id", "These order items.", _ids(OrderItem))
    order_ids: list[strawberry.ID] | None = leaf("order_id", "Items of these orders.", _ids(Order))
    quantity: IntRange | None = leaf("quantity", "How many were bought.", _range)
    unit_price: MoneyRange | None = leaf("unit_price", "What one cost.", _range)
    and_: list["OrderItemWhere"] | None = branch("and", _AND)
    or_: list["OrderItemWhere"] | None = branch("or", _OR)
    not_: "OrderItemWhere | None" = branch("not", _NOT)


@strawberry.input(description="Which stock movements. What is said side by side must all hold.")
class StockMovementWhere:
    kinds: list[MovementKind] | None = leaf("kind", "Why stock changed: one of these.", _values)
    order_id: strawberry.ID | None = leaf("order_id", "The order that took or returned it.", _id(Order))
    and_: list["StockMovementWhere"] | None = branch("and", _AND)
    or_: list["StockMovementWhere"] | None = branch("or", _OR)
    not_: "StockMovementWhere | None" = branch("not", _NOT)


def read_where(where: Any) -> Where:
    """Return a client's filter as one of the statements. Raises BadArgument when it is too deep or too large."""
    tree = _read(where, 1)
    if (count := _leaves(tree)) > MAX_LEAVES:
        raise BadArgument(f"A filter has at most {MAX_LEAVES} conditions; this has {count}.")
    return tree


def _read(where: Any, depth: int) -> Where:
    if depth > MAX_DEPTH:
        raise BadArgument(f"A filter is at most {MAX_DEPTH} levels deep.")
    parts: list[Where] = [
        Leaf(field.metadata[LEAF], field.metadata[READ](value))
        for field in fields(where)
        if LEAF in field.metadata and _given(value := getattr(where, field.name))
    ]
    if _given(where.and_):
        parts += [_read(part, depth + 1) for part in where.and_]
    if _given(where.or_):
        parts.append(AnyOf(tuple(_read(part, depth + 1) for part in where.or_)))
    if _given(where.not_):
        parts.append(Not(_read(where.not_, depth + 1)))
    return All(tuple(parts))


def _leaves(tree: Where) -> int:
    if isinstance(tree, Leaf):
        return 1
    return _leaves(tree.of) if isinstance(tree, Not) else max(1, sum(map(_leaves, tree.of)))
