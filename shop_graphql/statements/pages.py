"""Connections: pages and whatever else is asked of a list, for every parent in one statement."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Numeric,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy import column as bare_column
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.access import Role
from shop_graphql.deferred import later
from shop_graphql.pace import slow
from shop_graphql.statements.criteria import Criteria, with_default
from shop_graphql.statements.filters import EVERYTHING, Where, bind, without
from shop_graphql.statements.rows import Model, columns, some_columns
from shop_graphql.statements.scanning import reads_much
from shop_graphql.statements.sorting import RELEVANCE, Order, beyond, column, order_by, reversed_order
from shop_graphql.statements.visibility import visible

MAX_LIMIT = 100
"""Rows of a page, at the most."""


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

    @property
    def direction(self) -> Order:
        """The order in which rows are looked for."""
        return reversed_order(self.order) if self.backwards else self.order


class Listing:
    """A connection inside a statement: its rows, beside the parent they belong to."""

    def __init__(self, source: Source, window: Window, parents: FromClause | None = None) -> None:
        self.source = source
        self.window = window
        self._parents = parents
        self._criteria = Criteria(source.model, source.role)
        self.is_slow = reads_much(source.model, source.where, window.order)
        """Whether most of the table is looked at."""

    def rows(self, *selected: ColumnElement[Any], disregarding: str = "") -> Select[Any]:
        """Select of the parent's rows, as though the filter did not mention the leaf `disregarding`."""
        where = without(with_default(self.source.model, self.source.where), disregarding)
        table = self.source.model.__table__
        seen = visible(self.source.model, self.source.role)
        statement = select(*selected).select_from(table).where(seen, self._criteria.condition(where))
        if self.source.parent is not None and self._parents is not None:
            statement = statement.where(table.c[self.source.parent] == self._parents.c.id)
        correlated = statement.correlate(self._parents)
        return slow(correlated) if self.is_slow else correlated

    def beyond(self, order: Order, point: Sequence[Any], *, inclusive: bool = False) -> ColumnElement[bool]:
        """Return the condition that a row comes after `point` in `order`; see sorting.beyond."""
        return beyond(self.source.model, self.source.where, order, point, inclusive=inclusive)


class Part(ABC):
    """Something that can be asked of a connection, as rows of these columns. Equal parts are asked for once."""

    columns: ClassVar[Mapping[str, type]]
    many: ClassVar[bool] = False
    """Whether there can be any number of rows; else there is one."""
    is_slow: ClassVar[bool] = False
    """Whether it looks at all rows of the list."""

    def select(self, listing: Listing) -> Select[Any]:
        """Select the rows, marked when that takes long."""
        rows = self.rows(listing)
        return slow(rows) if self.is_slow else rows

    @abstractmethod
    def rows(self, listing: Listing) -> Select[Any]:
        """Select the rows."""

    def order(self, rows: FromClause) -> Sequence[ColumnElement[Any]]:
        """Return what many rows are sorted by."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        """Return the row, or the list of rows, that `connection` selects as one value."""
        return [self._row(members) for members in value] if self.many else self._row(value)

    def _row(self, members: Sequence[Any]) -> Any:
        row = dict(zip(self.columns, members, strict=True))
        amounts = (name for name, type_ in self.columns.items() if type_ is Decimal and row[name] is not None)
        return SimpleNamespace(**{**row, **{name: Decimal(row[name]) for name in amounts}})


@dataclass(frozen=True)
class Rows:
    """The rows of the page, and one more when there is one. The only part that is not a single value."""


@dataclass(frozen=True)
class Outside(Part):
    """Whether a row lies at or beyond the window's `before` (`ahead`), or its `after`."""

    ahead: bool
    columns = {"value": bool}  # noqa: RUF012

    def rows(self, listing: Listing) -> Select[Any]:
        window = listing.window
        point, order = (window.before, window.order) if self.ahead else (window.after, reversed_order(window.order))
        if point is None:
            raise ValueError("nothing lies beyond the end of the window")
        rows = listing.rows(literal(1)).where(listing.beyond(order, point, inclusive=True))
        return select(exists(rows).label("value"))


@dataclass(frozen=True)
class Count(Part):
    """How many rows there are without paging, `up_to` at the most, and whether that is all of them."""

    up_to: int
    columns = {"value": int, "is_exact": bool}  # noqa: RUF012

    def rows(self, listing: Listing) -> Select[Any]:
        limit = bind(self.up_to, BigInteger())
        one_more = bind(later(lambda up_to: up_to + 1, self.up_to), BigInteger())
        rows = listing.rows(literal(1)).limit(one_more).lateral()
        found = select(func.count().label("count")).select_from(rows).lateral().c.count
        return select(func.least(found, limit).label("value"), (found <= limit).label("is_exact"))


def connection(source: Source, window: Window, parts: Sequence[Part | Rows]) -> Select[Any]:
    """Select all `parts` for all parents of the array `:parents` at once.

    Result columns: the parent's id, one for each part but Rows in the order of `parts`, then those of the row. Each
    parent has as many result rows as its page has rows, at least one. The page's rows come in the window's order; for a
    window that runs backwards, in the reversed one.
    """
    parents = _parents(source)
    listing = Listing(source, window, parents)
    values = [_value(part, listing).lateral() for part in parts if isinstance(part, Part)]
    statement = select(parents.c.id.label("parent"), *(value.c.value for value in values)).select_from(parents)
    for value in values:
        statement = statement.join(value, true())
    if listing.is_slow or any(part.is_slow for part in parts if isinstance(part, Part)):
        statement = slow(statement)
    return _with_page(statement, listing) if Rows() in parts else statement


def _value(part: Part, listing: Listing) -> Select[Any]:
    """Select one row of one column, `value`: the part's row as a list, or the list of all its rows."""
    rows = part.select(listing).lateral()
    # Many languages and clients read numbers of JSON with the loss of digits.
    members = (cast(column, Text) if isinstance(column.type, Numeric) else column for column in rows.c)
    value = func.json_build_array(*members, type_=JSON)
    if part.many:
        listed = func.json_agg(value).aggregate_order_by(*part.order(rows))
        value = func.coalesce(listed, func.json_build_array(), type_=JSON)
    return select(value.label("value")).select_from(rows)


def _parents(source: Source) -> FromClause:
    if source.parent is None:
        return select(literal(0, BigInteger).label("id")).subquery("parents")
    ids = bindparam("parents", type_=ARRAY(BigInteger))
    return func.unnest(ids).table_valued(bare_column("id", BigInteger), name="parents").render_derived()


def _with_page(statement: Select[Any], listing: Listing) -> Select[Any]:
    page = page_of(listing, surplus=True).lateral("page")
    order = order_by(page, listing.window.direction)
    return statement.add_columns(*page.c).join(page, true(), isouter=True).order_by(*order)


def page_of(listing: Listing, names: Set[str] | None = None, *, surplus: bool) -> Select[Any]:
    """Select the rows of a page, from the end at which it begins, and the row after them when there is a `surplus`.

    They have all columns, or those of the `names` and of the order.
    """
    model, where, window = listing.source.model, listing.source.where, listing.window
    direction = window.direction
    keys = {sort.key for sort in direction}
    selected = list(columns(model)) if names is None else some_columns(model, names | keys)
    selected += [column(model, where, sort).label(sort.key) for sort in direction if sort.key == RELEVANCE]
    statement = listing.rows(*selected)
    if window.after is not None:
        statement = statement.where(listing.beyond(window.order, window.after))
    if window.before is not None:
        statement = statement.where(listing.beyond(reversed_order(window.order), window.before))
    sorts = [(column(model, where, sort), sort.descending) for sort in direction]
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key, descending in sorts))
    # PostgreSQL does not know the parameter when it plans for all values, and would expect a tenth of the table.
    few = ordered.limit(literal_column(str(MAX_LIMIT + 1))).subquery()
    limit = later(lambda limit: limit + 1, window.limit) if surplus else window.limit
    return select(few).order_by(*order_by(few, direction)).limit(bind(limit, BigInteger()))
