"""Which lists read much, whatever their page is: no index finds their rows, or leads through them in their order."""

from collections.abc import Iterator, Sequence
from typing import Any

from shop_graphql.deferred import now
from shop_graphql.models import Product
from shop_graphql.statements import search
from shop_graphql.statements.filters import Leaf, Not, Where, value_of
from shop_graphql.statements.rows import Model
from shop_graphql.statements.sorting import Order

FEW = 3
"""So many categories narrow a list enough."""


def reads_much(model: Model, where: Where, order: Order) -> bool:
    """Tell whether a list looks at most of its table.

    No index holds the stock, so that a sale changes one row in place. A list of what is in stock comes upon enough of
    it, though, and so do pages that follow another order first.
    """
    if model is not Product:
        return False
    leaves = list(_leaves(where))
    if any(leaf.key == "search" and search.asks(leaf.value) for leaf in leaves):
        return True
    return (order[0].key == "stock_quantity" or any(map(_is_met_seldom, leaves))) and not _is_narrow(where)


def _is_met_seldom(leaf: Leaf) -> bool:
    """Products that were ever ordered, or never, may be few, and each of the others is asked about."""
    return leaf.key in ("stock_quantity", "ever_ordered") or (leaf.key == "in_stock" and not now(bool, leaf.value))


def _is_narrow(where: Where) -> bool:
    """Tell whether an index narrows the list to what is soon read."""
    categories, sku = value_of(where, "category_id"), value_of(where, "sku")
    if value_of(where, "id") is not None or (sku is not None and sku.eq is not None):
        return True
    return categories is not None and now(_are_few, categories)


def _are_few(ids: Sequence[Any]) -> bool:
    return len(ids) <= FEW


def _leaves(where: Where) -> Iterator[Leaf]:
    if isinstance(where, Leaf):
        yield where
    else:
        for part in (where.of,) if isinstance(where, Not) else where.of:
            yield from _leaves(part)
