"""Mutations: which fields an operation carries out, and how what they return becomes JSON.

A field returns an object of Python. What such an object holds itself is written by Python. A row of the database in it,
with whatever is selected of the row, is one statement, to which the row's columns are handed as parameters: they are
shown as they were committed, and what they lead to is read afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import orjson
from graphql import (
    GraphQLObjectType,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.sql.selectable import Subquery

from shop_graphql.access import Role
from shop_graphql.compiler.documents import Document, deferred
from shop_graphql.compiler.plans import Plan, statement
from shop_graphql.compiler.selection import Declarations, Field, NotCompiledError, Operation
from shop_graphql.deferred import Decisions, Given

MAX_FIELDS = 3000
"""Of all types that the fields can return together: each of a union counts."""

Fetch = Callable[[str, list[Any]], Any]
Columns = Sequence[ColumnElement[Any]]


class Payloads(Declarations, Protocol):
    """What the schema's author says of objects that mutations return."""

    def attribute(self, field: Field) -> str | None:
        """Return the attribute of the object that is the field's value, or None when a resolver makes it."""

    def columns(self, type_name: str) -> Columns | None:
        """Return what a row has that the type shows, or None for a type that shows no row."""

    def type_name(self, value: Any) -> str:
        """Return the name of the type that `value` is an object of."""


@dataclass
class Mutation:
    """An operation whose variables have one shape."""

    operation: Operation
    decisions: Decisions
    payloads: Payloads
    rows: dict[tuple[int, Role | None], Plan] = field(default_factory=dict)
    selected: dict[tuple[int, str], list[Field]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document, role: Role | None, given: Given, payloads: Payloads, schema: Any) -> "Mutation":
        """Return the mutation. Raises NotCompiledError when anything that it may return must be left to resolvers."""
        if not payloads.permits(document.ast, document.operation_name, given, role):
            raise NotCompiledError("not permitted")
        decisions = Decisions(given)
        variables = deferred(given, decisions)
        operation = Operation(schema, document.operation, document.fragments, variables, payloads, role, MAX_FIELDS)
        made = cls(operation, decisions, payloads)
        for root in made.roots:
            if root.name == "__typename":
                raise NotCompiledError("nothing is carried out")
            for type_ in root.possible_types().values():
                made._check(root, type_, role)
        if decisions.made or decisions.checks:
            raise NotCompiledError("its payload depends on values")
        return made

    @cached_property
    def roots(self) -> list[Field]:
        """The root fields, in the order in which they are carried out."""
        return self.operation.fields()

    def arguments(self, root: Field, given: Given) -> dict[str, Any]:
        """Return what a root field's resolver is called with."""
        values = get_argument_values(root.definition, root.nodes[0].node, VariableValues({}, given))
        return self.payloads.arguments(root.definition, values)

    async def written(self, root: Field, value: Any, given: Given, role: Role | None, fetch: Fetch) -> str:
        """Return the JSON of what a root field returned, for a viewer of this role; rows lead on by `fetch`."""
        return await self._object(root, value, given, role, fetch)

    async def _object(self, at: Field, value: Any, given: Given, role: Role | None, fetch: Fetch) -> str:
        members = [
            f'"{child.key}":{await self._member(child, value, given, role, fetch)}'
            for child in self._fields(at, self.payloads.type_name(value))
        ]
        return f"{{{','.join(members)}}}"

    async def _member(self, child: Field, value: Any, given: Given, role: Role | None, fetch: Fetch) -> str:
        if child.name == "__typename":
            return f'"{child.parent.name}"'
        held = getattr(value, self.payloads.attribute(child) or "")
        if held is None:
            return "null"
        if is_leaf_type(child.named_type):
            return orjson.dumps(_plain(child.type, held)).decode()
        if is_list_type(get_nullable_type(child.type)):
            return f"[{','.join([await self._object(child, item, given, role, fetch) for item in held])}]"
        columns = self.payloads.columns(self.payloads.type_name(held))
        if columns is None:
            return await self._object(child, held, given, role, fetch)
        plan = self._plan(child, columns, role)
        shown = Given({**given.shared, **_parameters(columns, held.row)})
        shown.update(given)
        text: str = await fetch(plan.sql, plan.parameters(shown))
        return text

    def _fields(self, at: Field, type_name: str) -> list[Field]:
        key = id(at), type_name
        if key not in self.selected:
            type_ = self.operation.schema.get_type(type_name)
            assert isinstance(type_, GraphQLObjectType)  # noqa: S101
            self.selected[key] = at.subfields(type_)
        return self.selected[key]

    def _plan(self, child: Field, columns: Columns, role: Role | None) -> Plan:
        key = id(child), role
        if key not in self.rows:
            row = _row(columns)
            viewed = Field(self.operation.seen_by(role), child.parent, child.key, child.nodes, child.depth)
            self.rows[key] = statement(viewed.object(row), row, self.decisions)
        return self.rows[key]

    def _check(self, at: Field, type_: GraphQLObjectType, role: Role | None) -> None:
        """Raise NotCompiledError unless everything that is selected of an object of `type_` can be written."""
        for child in self._fields(at, type_.name):
            if child.name == "__typename":
                continue
            if self.payloads.attribute(child) is None:
                raise NotCompiledError(f"only a resolver knows {child.parent.name}.{child.name}")
            named = get_named_type(child.definition.type)
            columns = self.payloads.columns(named.name)
            if columns is not None and not is_list_type(get_nullable_type(child.type)):
                self._plan(child, columns, role)
            elif is_abstract_type(named):
                for possible in child.possible_types().values():
                    self._check(child, possible, role)
            elif columns is not None:
                raise NotCompiledError("a list of rows")
            elif is_object_type(named):
                self._check(child, named, role)


def _plain(type_: Any, value: Any) -> Any:
    type_ = get_nullable_type(type_)
    if value is None:
        return None
    if is_list_type(type_):
        return [_plain(type_.of_type, item) for item in value]
    return type_.serialize(value)


def _row(columns: Columns) -> Subquery:
    """Return a row whose columns are parameters."""
    given = [bindparam(f"row {column.key}", type_=column.type).label(column.key) for column in columns]
    return select(*given).subquery()


def _parameters(columns: Columns, row: Any) -> Mapping[str, Any]:
    values = {column.key: getattr(row, str(column.key)) for column in columns}
    return {f"row {name}": getattr(value, "value", value) for name, value in values.items()}
