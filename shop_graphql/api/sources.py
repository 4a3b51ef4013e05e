"""Where fields come from: each kind is read by resolvers and said in SQL in one place."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
from graphql import GraphQLObjectType
from sqlalchemy import ColumnElement, Select
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.compiler import json
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Field, Source
from shop_graphql.statements import rows
from shop_graphql.statements.rows import Model
from shop_graphql.statements.sorting import Order, order_by


@dataclass(frozen=True)
class Column(Source):
    """A column, or a computed column, of the row that the object shows."""

    key: str

    def read(self, node: Any) -> Any:
        """Return the column's value in the row of `node`."""
        return getattr(node.row, self.key)

    def columns(self, field: Field) -> Set[str]:  # noqa: ARG002
        return {self.key}

    def json(self, field: Field, at: FromClause) -> Json:
        return field.leaf(at.c[self.key])


@dataclass(frozen=True)
class Translated(Source):
    """What a table of this program says of the value of a column."""

    key: str
    values: Mapping[Any, Any]

    def read(self, node: Any) -> Any:
        """Return what belongs to the column's value in the row of `node`."""
        return self.values[getattr(node.row, self.key)]

    def columns(self, field: Field) -> Set[str]:  # noqa: ARG002
        return {self.key}

    def json(self, field: Field, at: FromClause) -> Json:
        texts = {getattr(stored, "value", stored): _written(field, value) for stored, value in self.values.items()}
        return json.choice(at.c[self.key], texts)


def _written(field: Field, value: Any) -> str:
    serialize = field.named_type.serialize
    content = list(map(serialize, value)) if isinstance(value, list | tuple) else serialize(value)
    return orjson.dumps(content).decode()


@dataclass(frozen=True)
class Group(Source):
    """An object of the type `kind` that shows those columns of the row whose names begin alike."""

    kind: type
    prefix: str

    def read(self, node: Any) -> Any:
        """Return the object of the row of `node`."""
        return self.kind(row=SimpleNamespace(**self._own(vars(node.row).items())))

    def json(self, field: Field, at: FromClause) -> Json:
        return field.object(SimpleNamespace(c=self._own(at.c.items())))

    def _own(self, columns: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        prefix = self.prefix
        return {name.removeprefix(prefix): column for name, column in columns if name.startswith(prefix)}


@dataclass(frozen=True)
class Same(Source):
    """An object that shows the same as the one it is found in."""

    def columns(self, field: Field) -> Set[str]:
        return field.columns()

    def json(self, field: Field, at: Any) -> Json:
        return field.object(at)


@dataclass(frozen=True)
class ToOne(Source):
    """The row which the foreign key `key` names."""

    model: Model
    key: str

    def columns(self, field: Field) -> Set[str]:  # noqa: ARG002
        return {self.key}

    def json(self, field: Field, at: FromClause) -> Json:
        found = rows.matching(
            self.model, field.operation.role, self.model.__table__.c.id == at.c[self.key], field.columns()
        )
        return one(field, found.correlate(at))


@dataclass(frozen=True)
class ToMany(Source):
    """All rows of `model` whose foreign key `key` names the object's row."""

    model: Model
    key: str

    def json(self, field: Field, at: FromClause) -> Json:
        belongs = self.model.__table__.c[self.key] == at.c.id
        found = matching(field, self.model, belongs).correlate(at).subquery()
        return json.many(field.object(found), found, [found.c.id])


@dataclass(frozen=True)
class Lookup(Source):
    """The row of `model` that keeps the condition which `named` makes of the arguments."""

    model: Model
    named: Callable[..., ColumnElement[bool]]

    def json(self, field: Field, at: None) -> Json:  # noqa: ARG002
        return one(
            field, rows.matching(self.model, field.operation.role, self.named(**field.arguments), field.columns())
        )


@dataclass(frozen=True)
class Listed(Source):
    """The rows that `select` makes of the arguments, in this order."""

    select: Callable[..., Select[Any]]
    order: Order

    def json(self, field: Field, at: None) -> Json:  # noqa: ARG002
        found = self.select(**field.arguments).subquery()
        return json.many(field.object(found), found, order_by(found, self.order))


@dataclass(frozen=True)
class Single(Source):
    """The one row that `select` makes of the object's row."""

    select: Callable[[FromClause], Select[Any]]

    def json(self, field: Field, at: FromClause) -> Json:
        found = self.select(at).correlate(at).subquery()
        return json.only(field.object(found), found)


def matching(
    field: Field, model: Model, condition: ColumnElement[bool], parent: GraphQLObjectType | None = None
) -> Select[Any]:
    """Select the rows that keep `condition` and that the viewer sees, with what is asked of the field's `parent`."""
    return rows.matching(model, field.operation.role, condition, field.columns(parent))


def one(field: Field, statement: Select[Any]) -> Json:
    """Return the object that shows the one row of `statement`, null or impossible when there is none."""
    found = statement.subquery()
    return json.one(field.object(found), found, or_null=field.is_nullable)
