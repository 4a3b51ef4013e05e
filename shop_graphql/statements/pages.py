"""Connections: pages and whatever else is asked of a list, for every parent in one statement."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, bindparam, exists, func, literal, select, true
from sqlalchemy import column as bare_column
from sqlalchemy.sql.selectable import FromClause, LateralFromClause

from shop_graphql.access import Role
from shop_graphql.statements.criteria import Criteria, with_default
from shop_graphql.statements.filters import EVERYTHING, Where, without
from shop_graphql.statements.rows import Model, columns
from shop_graphql.statements.sorting import RELEVANCE, Order, beyond, column, order_by, reversed_order
from shop_graphql.statements.visibility import visible


@dataclass(frozen=True)
class Source:
    """The rows of a connection: those that `role` sees and `where` admits.

    With `parent`, those whose foreign key `parent` names one.
    """

    model: Model
    role: Role | None
    parent: str | None = None
    where: Where = EVERYTHING


@dataclass(frozen=True)
class Window:
    """Which rows of the order make a page: `limit` of them from one end, between two points of the order."""

    order: Order
    limit: int
    backwards: bool = False
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None


class Listing:
    """A connection inside a statement: its rows, beside the parent they belong to."""

    def __init__(self, source: Source, window: Window, parents: FromClause) -> None:
        self.source = source
        self.window = window
        self._parents = parents
        self._criteria = Criteria(source.model, source.role)

    def rows(self, *selected: ColumnElement[Any], disregarding: str = "") -> Select[Any]:
        """Select of the parent's rows, as though the filter did not mention the leaf `disregarding`."""
        where = without(with_default(self.source.model, self.source.where), disregarding)
        table = self.source.model.__table__
        seen = visible(self.source.model, self.source.role)
        statement = select(*selected).select_from(table).where(seen, self._criteria.condition(where))
        if self.source.parent is not None:
            statement = statement.where(table.c[self.source.parent] == self._parents.c.id)
        return statement.correlate(self._parents)

    def beyond(self, order: Order, point: Sequence[Any], *, inclusive: bool = False) -> ColumnElement[bool]:
        """Return the condition that a row comes after `point` in `order`; see sorting.beyond."""
        return beyond(self.source.model, self.source.where, order, point, inclusive=inclusive)


class Part(ABC):
    """Something that can be asked of a connection. Equal parts are asked for once."""

    @abstractmethod
    def select(self, listing: Listing) -> Select[Any]:
        """Select one row of one column, `value`."""


@dataclass(frozen=True)
class Rows:
    """The rows of the page, and one more when there is one. The only part that is not a single value."""


@dataclass(frozen=True)
class Outside(Part):
    """Whether a row lies at or beyond the window's `before` (`ahead`), or its `after`."""

    ahead: bool

    def select(self, listing: Listing) -> Select[Any]:
        window = listing.window
        point, order = (window.before, window.order) if self.ahead else (window.after, reversed_order(window.order))
        if point is None:
            raise ValueError("nothing lies beyond the end of the window")
        rows = listing.rows(literal(1)).where(listing.beyond(order, point, inclusive=True))
        return select(exists(rows).label("value"))


@dataclass(frozen=True)
class Count(Part):
    """How many rows there are without paging, counted no further than one past `up_to`."""

    up_to: int

    def select(self, listing: Listing) -> Select[Any]:
        rows = listing.rows(literal(1)).limit(self.up_to + 1).lateral()
        return select(func.count().label("value")).select_from(rows)


def connection(source: Source, window: Window, parts: Sequence[Part | Rows]) -> Select[Any]:
    """Select all `parts` for all parents of the array `:parents` at once.

    Result columns: the parent's id, one for each part but Rows in the order of `parts`, then those of the row. Each
    parent has as many result rows as its page has rows, at least one. The page's rows come in the window's order; for a
    window that runs backwards, in the reversed one.
    """
    parents = _parents(source)
    listing = Listing(source, window, parents)
    values = [part.select(listing).lateral() for part in parts if isinstance(part, Part)]
    statement = select(parents.c.id.label("parent"), *(value.c.value for value in values)).select_from(parents)
    for value in values:
        statement = statement.join(value, true())
    return _with_page(statement, listing) if Rows() in parts else statement


def _parents(source: Source) -> FromClause:
    if source.parent is None:
        return select(literal(0, BigInteger).label("id")).subquery("parents")
    ids = bindparam("parents", type_=ARRAY(BigInteger))
    return func.unnest(ids).table_valued(bare_column("id", BigInteger), name="parents").render_derived()


def _with_page(statement: Select[Any], listing: Listing) -> Select[Any]:
    window = listing.window
    direction = reversed_order(window.order) if window.backwards else window.order
    page = _page(listing, direction)
    return statement.add_columns(*page.c).join(page, true(), isouter=True).order_by(*order_by(page, direction))


def _page(listing: Listing, direction: Order) -> LateralFromClause:
    model, where, window = listing.source.model, listing.source.where, listing.window
    selected = list(columns(model))
    selected += [column(model, where, sort).label(sort.key) for sort in direction if sort.key == RELEVANCE]
    statement = listing.rows(*selected)
    if window.after is not None:
        statement = statement.where(listing.beyond(window.order, window.after))
    if window.before is not None:
        statement = statement.where(listing.beyond(reversed_order(window.order), window.before))
    keys = [(column(model, where, sort), sort.descending) for sort in direction]
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key, descending in keys))
    return ordered.limit(window.limit + 1).lateral("page")
