"""Nodes: types that mirror a table, and the ids that name their rows."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import strawberry
from sqlalchemy import BigInteger, ColumnElement, Select, Text
from sqlalchemy.sql.selectable import FromClause
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info as AnyInfo

from shop_graphql.access import Role
from shop_graphql.api.context import Info
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Field, Source
from shop_graphql.deferred import later
from shop_graphql.loaders.rows import RowById, RowByText
from shop_graphql.models import MAX_ID
from shop_graphql.statements.filters import bind
from shop_graphql.statements.rows import Model
from shop_graphql.text import is_storable

NOTHING = 0
"""An id that no row has."""

_ID = re.compile(r"([a-z]+)_([1-9][0-9]{0,18})", re.ASCII)


SOURCE = "source"
"""The key of a field's metadata under which stands where its value comes from."""


class RowField(StrawberryField):
    """A field whose value its source reads from the object's row, without a resolver call."""

    def get_result(self, source: Any, info: AnyInfo | None, args: list[Any], kwargs: Any) -> Any:  # noqa: ARG002
        """Return the value of the field in the node `source`."""
        return self.metadata[SOURCE].read(source)


def row_field(source: Any, description: str, name: str | None = None) -> Any:
    """Declare a field that `source` reads from the row."""
    field = RowField(graphql_name=name, description=description, metadata={SOURCE: source})
    field.init = field.repr = field.compare = False
    return field


@dataclass(frozen=True)
class Identity(Source):
    """The source of a node's id."""

    def read(self, node: "Node") -> strawberry.ID:
        """Return the id that clients see."""
        return encode_id(type(node), node.row.id)

    def json(self, field: Field, at: FromClause) -> Json:
        return [f'"{Node.by_name[field.parent.name].prefix}_', at.c.id, '"']


@strawberry.interface(description="Anything that has an id of its own and can be read again by it.")
class Node:
    """A type that mirrors a table. `from_row` is the one door from a row to it."""

    model: ClassVar[Model]
    prefix: ClassVar[str]
    by_model: ClassVar[dict[Model, "type[Node]"]] = {}
    by_prefix: ClassVar[dict[str, "type[Node]"]] = {}
    by_name: ClassVar[dict[str, "type[Node]"]] = {}

    row: strawberry.Private[Any]
    id: strawberry.ID = row_field(Identity(), "Opaque, and unique among all things of the shop.")

    def __init_subclass__(cls, *, model: Model, prefix: str) -> None:
        cls.model = model
        cls.prefix = prefix
        Node.by_model[model] = Node.by_prefix[prefix] = Node.by_name[cls.__name__] = cls

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return what `row`, a row or an entity of the table, looks like to clients."""
        return cls(row=row)


def encode_id(node: type[Node], row_id: int) -> strawberry.ID:
    """Return the id that clients see."""
    return strawberry.ID(f"{node.prefix}_{row_id}")


def decode_id(node: type[Node], text: str) -> int:
    """Return the row's id, or NOTHING when `text` is no id of this type."""
    found, row_id = parse_id(text)
    return row_id if found is node else NOTHING


def has_id(node: type[Node], text: Any) -> ColumnElement[bool]:
    """Return the condition that a row of the table has the id that clients see; the id may be deferred."""
    row_id: ColumnElement[int] = node.model.__table__.c.id
    return row_id == bind(later(lambda text: decode_id(node, text), text), BigInteger())


def bind_text(text: Any) -> ColumnElement[str]:
    """Return a text, which may be deferred, as a parameter; one that cannot be stored is one that nothing has."""
    return bind(later(lambda text: text if is_storable(text) else None, text), Text())


async def load_node(info: Info, text: str) -> Node | None:
    """Return what the id names, of whatever type, or None."""
    node, row_id = parse_id(text)
    return await load_by_id(info, node, row_id) if node else None


async def load_by_id(info: Info, node: type[Node], row_id: int | None) -> Any:
    """Return the row with this id as a node, or None."""
    if not row_id:
        return None
    row = await info.context.loaders.get(RowById, node.model).load(row_id)
    return None if row is None else node.from_row(row)


async def load_by_text(info: Info, node: type[Node], statement: Callable[[Role | None], Select[Any]], text: str) -> Any:
    """Return the row that a text names as a node, or None; see RowByText for `statement`."""
    row = await info.context.loaders.get(RowByText, statement).load(text)
    return None if row is None else node.from_row(row)


def parse_id(text: str) -> tuple[type[Node] | None, int]:
    """Return the type and the row's id that `text` names; no type when it names nothing."""
    match = _ID.fullmatch(text)
    if match is None or (row_id := int(match[2])) > MAX_ID:
        return None, NOTHING
    return Node.by_prefix.get(match[1]), row_id
