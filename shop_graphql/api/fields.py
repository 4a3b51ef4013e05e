"""How a field comes from the database: each is declared once, where its type is defined."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import MANYTOONE, QueryableAttribute, RelationshipProperty

from shop_graphql.access import Role
from shop_graphql.api.connections import PageArguments, View, connection_of
from shop_graphql.api.context import Info
from shop_graphql.api.filters import read_where
from shop_graphql.api.nodes import SOURCE, Node, load_by_id, row_field
from shop_graphql.api.paging import Pages
from shop_graphql.api.sorting import SortKey, read_order
from shop_graphql.api.sources import Column, ToMany, ToOne
from shop_graphql.loaders.rows import RowsByParent
from shop_graphql.statements.filters import EVERYTHING
from shop_graphql.statements.pages import Source, Window
from shop_graphql.statements.rows import Model
from shop_graphql.statements.sorting import Sort

ROOT = 0
"""The parent of a connection that has none."""


_FIRST = strawberry.argument(description="How many elements from the start, 1 to 100. 20 when neither is given.")
_LAST = strawberry.argument(description="How many elements from the end, 1 to 100.")
_AFTER = strawberry.argument(description="Only elements after this cursor.")
_BEFORE = strawberry.argument(description="Only elements before this cursor.")
_WHERE = strawberry.argument(description="Only elements that keep these conditions.")
_ORDER_BY = strawberry.argument(description="The keys to sort by, the most important first.")


def column(attribute: QueryableAttribute[Any], description: str) -> Any:
    """Declare a field that is a column of the type's table."""
    return row_field(Column(attribute.key), description)


def to_one(relationship: QueryableAttribute[Any], description: str) -> Any:
    """Declare a field that is the one row at the other end of `relationship`."""
    edge = ToOne(*_foreign_key(relationship))

    async def resolve(self: Node, info: Info) -> Any:
        return await load_by_id(info, Node.by_model[edge.model], getattr(self.row, edge.key))

    return strawberry.field(resolver=resolve, description=description, metadata={SOURCE: edge})


def named(model: Model, attribute: str, description: str) -> Any:
    """Declare a field that is the row of `model` whose id stands in an attribute of the object, or null without one."""

    async def resolve(self: Any, info: Info) -> Any:
        return await load_by_id(info, Node.by_model[model], getattr(self, attribute))

    return strawberry.field(resolver=resolve, description=description, metadata={SOURCE: ToOne(model, attribute)})


def to_many(relationship: QueryableAttribute[Any], description: str) -> Any:
    """Declare a field that is the list of all rows at the other end of `relationship`; only where few are possible."""
    edge = ToMany(*_foreign_key(relationship))

    async def resolve(self: Node, info: Info) -> Any:
        rows = await info.context.loaders.get(RowsByParent, edge.model, edge.key).load(self.row.id)
        return [Node.by_model[edge.model].from_row(row) for row in rows]

    return strawberry.field(resolver=resolve, description=description, metadata={SOURCE: edge})


def connection(
    rows: Model | QueryableAttribute[Any],
    where: type,
    order_by: type[SortKey],
    default: Sequence[Sort],
    description: str,
) -> Any:
    """Declare a connection: of a whole table, or of the rows at the other end of a relationship.

    `where` and `order_by` are the input types of its filter and its sort keys, `default` the order when the client
    names none and does not search.
    """
    model, foreign_key = _foreign_key(rows) if isinstance(rows, QueryableAttribute) else (rows, None)
    filter_type, key_type = where, order_by

    def read(role: Role | None, where: Any = None, order_by: Any = None, **page: Any) -> tuple[Source, Window]:
        source = Source(model, role, foreign_key, EVERYTHING if _given(where) is None else read_where(where))
        order = read_order(source.where, _given(order_by) or (), default)
        limits = PageArguments(*(_given(page.get(name)) for name in ("first", "after", "last", "before")))
        return source, limits.window(source, order)

    def resolve(
        self: Any,
        info: Info,
        where: Any = strawberry.UNSET,
        order_by: Any = strawberry.UNSET,
        first: Annotated[int | None, _FIRST] = strawberry.UNSET,
        after: Annotated[str | None, _AFTER] = strawberry.UNSET,
        last: Annotated[int | None, _LAST] = strawberry.UNSET,
        before: Annotated[str | None, _BEFORE] = strawberry.UNSET,
    ) -> Any:
        role = info.context.viewer.role
        source, window = read(role, where, order_by, first=first, after=after, last=last, before=before)
        return connection_of(View(info.context.loaders, source, window, ROOT if foreign_key is None else self.row.id))

    resolve.__annotations__["where"] = Annotated[filter_type | None, _WHERE]
    resolve.__annotations__["order_by"] = Annotated[list[key_type] | None, _ORDER_BY]  # type: ignore[valid-type]
    return strawberry.field(resolver=resolve, description=description, metadata={SOURCE: Pages(read)})


def _given(value: Any) -> Any:
    return None if value is strawberry.UNSET else value


def _foreign_key(relationship: QueryableAttribute[Any]) -> tuple[Model, str]:
    """Return the model at the other end and the attribute, here or there, that holds the foreign key."""
    edge = relationship.property
    if not isinstance(edge, RelationshipProperty):
        raise TypeError(f"{relationship} is no relationship")
    here = edge.direction is MANYTOONE
    (column,) = edge.local_columns if here else edge.remote_side
    return edge.mapper.class_, str(column.key)
