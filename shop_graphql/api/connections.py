"""Connections: pages of a list by keyset cursors, after the Relay connection specification."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import strawberry

from shop_graphql.api.nodes import SOURCE, Node, row_field
from shop_graphql.api.paging import Asked, EdgeCursor, EdgeNode, Edges, HasMore, Nodes, PageCursor
from shop_graphql.api.sources import Column, Same, Translated
from shop_graphql.deferred import checked
from shop_graphql.errors import BadArgument
from shop_graphql.loaders.batching import Loaders
from shop_graphql.loaders.pages import Pages
from shop_graphql.statements import cursors
from shop_graphql.statements.pages import MAX_LIMIT, Count, Outside, Part, Rows, Source, Window
from shop_graphql.statements.rows import Model
from shop_graphql.statements.sorting import Order

DEFAULT_LIMIT = 20
MAX_COUNT = 1_000_000

T = TypeVar("T")

_UP_TO = strawberry.argument(description=f"Where counting ends, {MAX_COUNT} at the most; small is fast.")


@dataclass(frozen=True)
class PageArguments:
    """Which page is wanted, as the client said it."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None

    def window(self, source: Source, order: Order) -> Window:
        """Return the page as values. Raises BadArgument and InvalidCursor."""
        if self.first is not None and self.last is not None:
            raise BadArgument("Give either first or last, not both.")
        first, last = (
            None if limit is None else checked(partial(checked_limit, name, MAX_LIMIT), limit)
            for name, limit in (("first", self.first), ("last", self.last))
        )
        return Window(
            order,
            first or last or DEFAULT_LIMIT,
            last is not None,
            None if self.after is None else cursors.decode(source, order, self.after),
            None if self.before is None else cursors.decode(source, order, self.before),
        )


def checked_limit(name: str, greatest: int, limit: int) -> int:
    """Return `limit`. Raises BadArgument, which calls it `name`, unless it is from 1 to `greatest`."""
    if not 1 <= limit <= greatest:
        raise BadArgument(f"{name} must be from 1 to {greatest}; it is {limit}.")
    return limit


class View:
    """A connection as its fields see it: each part is read when a field asks for it, all of them in one statement."""

    def __init__(self, loaders: Loaders, source: Source, window: Window, parent: int) -> None:
        self._loader = loaders.get(Pages, source, window)
        self._source = source
        self._window = window
        self._parent = parent

    def load(self, part: Part | Rows) -> "asyncio.Future[Any]":
        """Return a part of the connection; see the loader for what it is."""
        return self._loader.load((self._parent, part))

    @property
    def model(self) -> Model:
        """The table whose rows are shown."""
        return self._source.model

    async def rows(self) -> list[Any]:
        """Return the rows of the page, in the order of the list."""
        rows: list[Any] = (await self.load(Rows()))[: self._window.limit]
        return rows[::-1] if self._window.backwards else rows

    async def has_more(self, *, ahead: bool) -> bool:
        """Tell whether the list goes on past the page: `ahead` of it, or behind it."""
        window = self._window
        point = window.before if ahead else window.after
        parts: list[Part | Rows] = [] if point is None else [Outside(ahead)]
        if ahead is not window.backwards:
            parts.append(Rows())
        # All at once, so that one statement reads them.
        found = await asyncio.gather(*(self.load(part) for part in parts))
        return any(len(rows) > window.limit if isinstance(rows, list) else rows.value for rows in found)

    def node(self, row: Any) -> Any:
        """Return a row as the type that mirrors its table."""
        return Node.by_model[self.model].from_row(row)

    def cursor(self, row: Any) -> str:
        """Return where `row` stands in the list."""
        return cursors.encode(self._source, self._window.order, row)


@strawberry.type(description="One element of a list, with the place where it stands.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="Where the element stands; give it as `after` or `before`.", metadata={SOURCE: EdgeCursor()}
    )
    node: T = strawberry.field(description="The element.", metadata={SOURCE: EdgeNode()})


@strawberry.type(description="Whether and where the list goes on.")
class PageInfo:
    view: strawberry.Private[View]

    @strawberry.field(description="Whether elements follow this page.", metadata={SOURCE: HasMore(ahead=True)})
    async def has_next_page(self) -> bool:
        return await self.view.has_more(ahead=True)

    @strawberry.field(description="Whether elements precede this page.", metadata={SOURCE: HasMore(ahead=False)})
    async def has_previous_page(self) -> bool:
        return await self.view.has_more(ahead=False)

    @strawberry.field(
        description="The cursor of the page's first element; null on an empty page.",
        metadata={SOURCE: PageCursor(end=False)},
    )
    async def start_cursor(self) -> str | None:
        rows = await self.view.rows()
        return self.view.cursor(rows[0]) if rows else None

    @strawberry.field(
        description="The cursor of the page's last element; null on an empty page.",
        metadata={SOURCE: PageCursor(end=True)},
    )
    async def end_cursor(self) -> str | None:
        rows = await self.view.rows()
        return self.view.cursor(rows[-1]) if rows else None


@strawberry.enum(description="How a count is to be read.")
class CountPrecision(Enum):
    EXACT = strawberry.enum_value("exact", description="There are just as many.")
    AT_LEAST = strawberry.enum_value("at_least", description="There are more; counting ended at `upTo`.")


@strawberry.type(name="Count", description="How many elements a list has.")
class TotalCount:
    row: strawberry.Private[Any]

    value: int = row_field(Column("value"), "The number, `upTo` at the most.")
    precision: CountPrecision = row_field(
        Translated("is_exact", {True: CountPrecision.EXACT, False: CountPrecision.AT_LEAST}),
        "Whether that is all of them.",
    )


def _count(up_to: Any) -> Count:
    return Count(checked(_checked_end, up_to))


def _checked_end(up_to: int) -> int:
    if not 0 <= up_to <= MAX_COUNT:
        raise BadArgument(f"upTo must be from 0 to {MAX_COUNT}; it is {up_to}.")
    return up_to


@strawberry.type(description="A list in pages.")
class Connection(Generic[T]):
    """A subclass made for a model shows more than rows; see `connection_of`."""

    by_model: ClassVar[dict[Model, "type[Connection[Any]]"]] = {}

    view: strawberry.Private[View]

    def __init_subclass__(cls, *, model: Model | None = None) -> None:
        super().__init_subclass__()
        if model is not None:
            Connection.by_model[model] = cls

    @strawberry.field(description="The page's elements.", metadata={SOURCE: Nodes()})
    async def nodes(self) -> list[T]:
        return [self.view.node(row) for row in await self.view.rows()]

    @strawberry.field(description="The page's elements with their cursors.", metadata={SOURCE: Edges()})
    async def edges(self) -> list[Edge[T]]:
        return [Edge(cursor=self.view.cursor(row), node=self.view.node(row)) for row in await self.view.rows()]

    @strawberry.field(description="Whether and where the list goes on.", metadata={SOURCE: Same()})
    def page_info(self) -> PageInfo:
        return PageInfo(view=self.view)

    @strawberry.field(
        description="How many elements the whole list has; counted only when asked for.",
        metadata={SOURCE: Asked(_count)},
    )
    async def total_count(self, up_to: Annotated[int, _UP_TO] = 10_000) -> TotalCount:
        return TotalCount(row=await self.view.load(_count(up_to)))


def connection_of(view: View) -> Connection[Any]:
    """Return the connection type of the view's rows, showing it."""
    return Connection.by_model.get(view.model, Connection)(view=view)
