"""Orders of rows, and what lies beyond a point of such an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true, tuple_
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.statements import search
from shop_graphql.statements.filters import Where, bind, value_of
from shop_graphql.statements.rows import Model

RELEVANCE = "relevance"
"""The key that compares how far a row is from what the filter searches for."""


@dataclass(frozen=True)
class Sort:
    """One key of an order: an attribute of the table, or RELEVANCE."""

    key: str
    descending: bool = False

    def reversed(self) -> "Sort":
        """Return the same key the other way round."""
        return Sort(self.key, not self.descending)


Order = tuple[Sort, ...]


def total(order: Sequence[Sort]) -> Order:
    """Return `order` with the id appended, so that no two rows are equal in it. Repeated keys are dropped.

    The id takes the direction of the first key, so that an order in one direction is one index read in one direction.
    """
    sorts: dict[str, Sort] = {}
    for sort in order:
        sorts.setdefault(sort.key, sort)
    keys = tuple(sorts.values())
    return keys if "id" in sorts else (*keys, Sort("id", keys[0].descending))


def reversed_order(order: Order) -> Order:
    """Return `order` the other way round."""
    return tuple(sort.reversed() for sort in order)


def column(model: Model, where: Where, sort: Sort) -> ColumnElement[Any]:
    """Return what `sort` compares, among the rows of `where`."""
    if sort.key == RELEVANCE:
        return search.relevance(value_of(where, "search") or "")
    return model.__table__.c[sort.key]


def is_nullable(model: Model, sort: Sort) -> bool:
    """Tell whether rows can have no value to compare. They count as greater than all others, as in PostgreSQL."""
    return sort.key != RELEVANCE and bool(model.__table__.c[sort.key].nullable)


def order_by(rows: FromClause, order: Order) -> list[UnaryExpression[Any]]:
    """Return the ORDER BY of `order` over a selection whose columns are named after the keys."""
    return [rows.c[sort.key].desc() if sort.descending else rows.c[sort.key].asc() for sort in order]


def beyond(
    model: Model, where: Where, order: Order, point: Sequence[Any], *, inclusive: bool = False
) -> ColumnElement[bool]:
    """Return the condition that a row comes after `point` in `order`, or is the point itself when `inclusive`.

    Keyset pagination (the seek method of Markus Winand). Keys of one direction are compared as one row value, which is
    one range of an index. Mixed directions are spelled out, behind a bound on the first key that an index can use.
    """
    keys = [
        _Key(column(model, where, sort), value, sort.descending, is_nullable(model, sort))
        for sort, value in zip(order, point, strict=True)
    ]
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        columns, values = tuple_(*(key.column for key in keys)), tuple_(*(key.bound() for key in keys))
        return _compare(columns, values, keys[0].descending, inclusive)
    last = len(keys) - 1
    alternatives = [
        and_(*(key.equals() for key in keys[:i]), keys[i].follows(inclusive=inclusive and i == last))
        for i in range(len(keys))
    ]
    return and_(keys[0].follows(inclusive=True), or_(*alternatives))


@dataclass(frozen=True)
class _Key:
    """One key at a point of an order. Null is the greatest value."""

    column: ColumnElement[Any]
    value: Any
    descending: bool
    nullable: bool

    def bound(self) -> ColumnElement[Any]:
        return bind(self.value, self.column.type)

    def equals(self) -> ColumnElement[bool]:
        return self.column.is_(None) if self.value is None else self.column == self.bound()

    def follows(self, *, inclusive: bool) -> ColumnElement[bool]:
        if self.value is None:
            if not self.descending:
                return self.column.is_(None) if inclusive else false()
            return true() if inclusive else self.column.is_not(None)
        follows = _compare(self.column, self.bound(), self.descending, inclusive)
        return or_(follows, self.column.is_(None)) if self.nullable and not self.descending else follows


def _compare(left: Any, right: Any, descending: bool, inclusive: bool) -> ColumnElement[bool]:
    condition: ColumnElement[bool]
    if descending:
        condition = left <= right if inclusive else left < right
    else:
        condition = left >= right if inclusive else left > right
    return condition
