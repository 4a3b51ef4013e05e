"""Connections in SQL: what their fields are, said of a list and its page instead of loaded rows."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import BigInteger, ColumnElement, case, false, func, or_, select
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.compiler import json
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Field, Source
from shop_graphql.statements import cursors
from shop_graphql.statements.filters import bind
from shop_graphql.statements.pages import Listing, Outside, Part, Window, page_of
from shop_graphql.statements.pages import Source as Rows
from shop_graphql.statements.sorting import order_by


class Place:
    """A connection inside a statement. Its page is read only when something is said of it."""

    def __init__(self, listing: Listing, columns: Set[str], *, surplus: bool) -> None:
        self.listing = listing
        self._columns = columns
        self._surplus = surplus
        self._limit = bind(listing.window.limit, BigInteger())

    @property
    def window(self) -> Window:
        """Which rows make the page."""
        return self.listing.window

    @cached_property
    def page(self) -> FromClause:
        """The rows of the page. With the surplus one, each has its `number` and how many were `found`."""
        page = page_of(self.listing, self._columns, surplus=self._surplus).subquery()
        if not self._surplus:
            return page
        number = func.row_number().over(order_by=order_by(page, self.window.direction))
        return select(page, number.label("number"), func.count().over().label("found")).subquery()

    @property
    def is_read(self) -> bool:
        """Whether anything was said of the page."""
        return "page" in vars(self)

    @property
    def cursor(self) -> ColumnElement[str]:
        """The cursor of each row."""
        return cursors.encoded(self.listing.source, self.window.order, self.page)

    def elements(self, element: Json) -> Json:
        """Return the array of `element` for each row of the page."""
        elements = json.aggregated(element, order_by(self.page, self.window.order))
        return ["[", elements.filter(self.page.c.number <= self._limit) if self._surplus else elements, "]"]

    def has_surplus(self) -> ColumnElement[bool]:
        """Return the condition that a row follows the page's last one, in the direction in which it is read."""
        return func.count(self.page.c.id) > self._limit

    def cursor_at(self, *, end: bool) -> Json:
        """Return the cursor of the page's first element, or its last; null on an empty page."""
        last = func.least(self.page.c.found, self._limit)
        number = last if end is not self.window.backwards else 1
        cursor = json.joined(json.quoted(self.cursor))
        return [func.coalesce(func.max(case((self.page.c.number == number, cursor))), json.text("null"))]


@dataclass(frozen=True)
class Pages(Source):
    """A connection; `read` makes its rows and its window of a role and the arguments."""

    read: Callable[..., tuple[Rows, Window]]

    def json(self, field: Field, at: FromClause | None) -> Json:
        rows, window = self.read(field.operation.role, **field.arguments)
        surplus = any(part.name == "pageInfo" for part in field.subfields())
        place = Place(Listing(rows, window, at), field.columns(), surplus=surplus)
        content = field.object(place)
        return json.only(content, place.page) if place.is_read else content


@dataclass(frozen=True)
class Nodes(Source):
    """The elements of a page."""

    def columns(self, field: Field) -> Set[str]:
        return field.columns()

    def json(self, field: Field, at: Place) -> Json:
        return at.elements(field.object(at.page))


@dataclass(frozen=True)
class Edges(Source):
    """The elements of a page, each beside its cursor."""

    def columns(self, field: Field) -> Set[str]:
        return field.columns()

    def json(self, field: Field, at: Place) -> Json:
        return at.elements(field.object(at))


@dataclass(frozen=True)
class EdgeCursor(Source):
    """The cursor of an edge."""

    def json(self, field: Field, at: Place) -> Json:  # noqa: ARG002
        return json.quoted(at.cursor)


@dataclass(frozen=True)
class EdgeNode(Source):
    """The element of an edge."""

    def columns(self, field: Field) -> Set[str]:
        return field.columns()

    def json(self, field: Field, at: Place) -> Json:
        return field.object(at.page)


@dataclass(frozen=True)
class HasMore(Source):
    """Whether the list goes on past the page: `ahead` of it, or behind it."""

    ahead: bool

    def json(self, field: Field, at: Place) -> Json:  # noqa: ARG002
        more: list[ColumnElement[bool]] = [false()]
        if (at.window.before if self.ahead else at.window.after) is not None:
            more.append(Outside(self.ahead).rows(at.listing).scalar_subquery())
        if self.ahead is not at.window.backwards:
            more.append(at.has_surplus())
        return json.truth(or_(*more))


@dataclass(frozen=True)
class PageCursor(Source):
    """The cursor of the page's first element, or of its last."""

    end: bool

    def json(self, field: Field, at: Place) -> Json:  # noqa: ARG002
        return at.cursor_at(end=self.end)


@dataclass(frozen=True)
class Asked(Source):
    """Whatever part of a connection `part` makes of the arguments."""

    part: Callable[..., Part]

    def json(self, field: Field, at: Place) -> Json:
        part = self.part(**field.arguments)
        found = part.select(at.listing).subquery()
        if part.many:
            return json.many(field.object(found), found, part.order(found))
        return json.only(field.object(found), found)
