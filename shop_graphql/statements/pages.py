"""Pages of a connection: rows, counts and what lies on either side, for every parent in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, bindparam, exists, func, literal, select, true
from sqlalchemy import column as bare_column
from sqlalchemy.sql.selectable import FromClause, LateralFromClause

from shop_graphql.statements.rows import Model, columns
from shop_graphql.statements.sorting import Order, beyond, order_by


@dataclass(frozen=True)
class Source:
    """The rows of a connection: a whole table, or, with `parent`, the rows whose foreign key names a parent."""

    model: Model
    parent: str | None = None


@dataclass(frozen=True)
class Window:
    """Which rows of the order make a page: `limit` of them from one end, between two points of the order."""

    order: Order
    limit: int
    backwards: bool = False
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Rows:
    """Part of a connection: the rows of its page, and one more when there is one."""


@dataclass(frozen=True)
class Outside:
    """Part of a connection: whether a row lies at or beyond the window's `after`, or its `before`."""

    ahead: bool


@dataclass(frozen=True)
class Count:
    """Part of a connection: how many rows there are without paging, counted no further than one past `up_to`."""

    up_to: int


Part = Rows | Outside | Count


def connection(source: Source, window: Window, parts: Sequence[Part]) -> Select[Any]:
    """Select all `parts` for all parents of the array `:parents` at once.

    Result columns: the parent's id, one for each part but Rows in the order of `parts`, then those of the row. Each
    parent has as many result rows as its page has rows, at least one. The page's rows come in the window's order; for a
    window that runs backwards, in the reversed one.
    """
    parents = _parents(source)
    figures = [_figure(source, window, part, parents) for part in parts if not isinstance(part, Rows)]
    statement = select(parents.c.id.label("parent"), *(figure.c.value for figure in figures)).select_from(parents)
    for figure in figures:
        statement = statement.join(figure, true())
    if not any(isinstance(part, Rows) for part in parts):
        return statement
    page = _page(source, window, parents).lateral("page")
    return (
        statement.add_columns(*(page.c[column.name] for column in columns(source.model)))
        .join(page, true(), isouter=True)
        .order_by(*order_by(page, _direction(window)))
    )


def _parents(source: Source) -> FromClause:
    if source.parent is None:
        return select(literal(0, BigInteger).label("id")).subquery("parents")
    ids = bindparam("parents", type_=ARRAY(BigInteger))
    return func.unnest(ids).table_valued(bare_column("id", BigInteger), name="parents").render_derived()


def _belongs(source: Source, parents: FromClause) -> ColumnElement[bool]:
    return true() if source.parent is None else source.model.__table__.c[source.parent] == parents.c.id


def _direction(window: Window) -> Order:
    return tuple(sort.reversed() for sort in window.order) if window.backwards else window.order


def _page(source: Source, window: Window, parents: FromClause) -> Select[Any]:
    statement = select(*columns(source.model)).where(_belongs(source, parents))
    if window.after is not None:
        statement = statement.where(beyond(source.model, window.order, window.after))
    if window.before is not None:
        backwards = tuple(sort.reversed() for sort in window.order)
        statement = statement.where(beyond(source.model, backwards, window.before))
    return statement.order_by(*order_by(source.model.__table__, _direction(window))).limit(window.limit + 1)


def _figure(source: Source, window: Window, part: Outside | Count, parents: FromClause) -> LateralFromClause:
    rows = select(literal(1)).select_from(source.model).where(_belongs(source, parents)).correlate(parents)
    if isinstance(part, Count):
        counted = rows.limit(part.up_to + 1).lateral()
        return select(func.count().label("value")).select_from(counted).lateral()
    point = window.before if part.ahead else window.after
    if point is None:
        raise ValueError("nothing lies beyond the end of the window")
    order = window.order if part.ahead else tuple(sort.reversed() for sort in window.order)
    return select(exists(rows.where(beyond(source.model, order, point, inclusive=True))).label("value")).lateral()
