"""What each table can be sorted by, and what lies beyond a point of such an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, tuple_
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.statements.rows import Model


@dataclass(frozen=True)
class Sort:
    """One key of an order: an attribute of the table."""

    key: str
    descending: bool = False

    def reversed(self) -> "Sort":
        """Return the same key the other way round."""
        return Sort(self.key, not self.descending)


Order = tuple[Sort, ...]


def total(order: Sequence[Sort]) -> Order:
    """Return `order` with the id appended, so that no two rows are equal in it. Repeated keys are dropped.

    The id takes the direction of the first key, so that an order by one key is one index read in one direction.
    """
    sorts = {sort.key: sort for sort in reversed(order)}
    keys = tuple(sort for sort in order if sorts.pop(sort.key, None))
    return keys if any(sort.key == "id" for sort in keys) else (*keys, Sort("id", keys[0].descending))


def column(model: Model, sort: Sort) -> ColumnElement[Any]:
    """Return the column that `sort` compares."""
    return model.__table__.c[sort.key]


def order_by(rows: FromClause, order: Order) -> list[UnaryExpression[Any]]:
    """Return the ORDER BY of `order` over `rows`, a table or a selection that has the table's columns."""
    return [rows.c[sort.key].desc() if sort.descending else rows.c[sort.key].asc() for sort in order]


def beyond(model: Model, order: Order, point: Sequence[Any], *, inclusive: bool = False) -> ColumnElement[bool]:
    """Return the condition that a row comes after `point` in `order`, or is the point itself when `inclusive`.

    Keyset pagination (the seek method of Markus Winand). Keys of one direction are compared as one row value, which is
    one range of an index. Mixed directions are spelled out, behind a bound on the first key that an index can use.
    """
    columns = [column(model, sort) for sort in order]
    values = [bindparam(None, value, type_=c.type) for c, value in zip(columns, point, strict=True)]
    if len({sort.descending for sort in order}) == 1:
        return _compare(tuple_(*columns), tuple_(*values), order[0].descending, inclusive)
    last = len(order) - 1
    alternatives = [
        and_(
            *(columns[j] == values[j] for j in range(i)),
            _compare(columns[i], values[i], order[i].descending, inclusive and i == last),
        )
        for i in range(len(order))
    ]
    return and_(_compare(columns[0], values[0], order[0].descending, inclusive=True), or_(*alternatives))


def _compare(left: Any, right: Any, descending: bool, inclusive: bool) -> ColumnElement[bool]:
    condition: ColumnElement[bool]
    if descending:
        condition = left <= right if inclusive else left < right
    else:
        condition = left >= right if inclusive else left > right
    return condition
