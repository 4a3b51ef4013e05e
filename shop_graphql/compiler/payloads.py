"""How what a mutation returned is written.

What an object holds is read and written as its resolvers do. What it leads to in the database, an edge, leaves a gap.
All gaps of a payload are filled by one statement, to which the keys in the objects' rows are handed as parameters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from shop_graphql.access import Role
from shop_graphql.compiler.documents import Document, deferred
from shop_graphql.compiler.gaps import Asked, Edge, Gap, ImpossibleError, Payload, Write
from shop_graphql.compiler.json import Json, separator
from shop_graphql.compiler.plans import PER_PLAN, Unplanned, statement
from shop_graphql.compiler.selection import Declarations, Field, NotCompiledError, Operation
from shop_graphql.deferred import Decisions

MAX_FIELDS = 3000
"""Of all types that the values can have together: each of a union or an interface counts."""
PER_FIELD = 600
"""Bytes that the function which writes a field takes, about."""


class Payloads(Declarations, Protocol):
    """What the schema's author says of the objects that mutations return."""

    def reader(self, field: GraphQLField) -> Callable[[Any], Any] | None:
        """Return what reads the field's value from its object, or None when that takes more than the object."""

    def type_name(self, value: Any) -> str:
        """Return the name of the type that `value` is an object of."""

    def row(self, value: Any) -> Any:
        """Return what has the keys of the rows that `value` leads to as its attributes."""


@dataclass(frozen=True)
class Place:
    """Where in a document a payload stands, and the type of the object that it shows."""

    key: str
    type_name: str


def make_payload(
    document: Document, place: Place, role: Role | None, decisions: Decisions, schema: GraphQLSchema, payloads: Payloads
) -> Payload | Unplanned:
    """Return the payload for requests of which the same can be decided as of this one. Raises BadArgument."""
    variables = deferred(decisions.given, decisions)
    _, definition, fragments = document.syntax
    operation = Operation(schema, definition, fragments, variables, payloads, role, MAX_FIELDS)
    (root,) = (field for field in operation.fields() if field.key == place.key)
    type_ = schema.get_type(place.type_name)
    assert isinstance(type_, GraphQLObjectType)  # noqa: S101
    writers = _Writers(payloads)
    try:
        write = writers.object(root, type_)
        plan = statement(_filling(writers.edges), decisions) if writers.edges else None
    except NotCompiledError as reason:
        return Unplanned(str(reason))
    except RecursionError:
        return Unplanned("too deep")
    size = PER_PLAN + PER_FIELD * operation.count + document.syntax_size + (plan.size if plan else 0)
    return Payload(write, writers.edges, plan, size)


def _filling(edges: list[Edge]) -> Json:
    found: Json = []
    for edge in edges:
        found += [separator(), edge.texts()] if found else [edge.texts()]
    return found


@dataclass
class _Writers:
    """Makes the functions that write objects, and notes the edges on the way."""

    payloads: Payloads
    edges: list[Edge] = field(default_factory=list)

    def object(self, at: Field, type_: GraphQLObjectType) -> Write:
        members = [(part.key, self._member(part)) for part in at.subfields(type_)]
        return lambda value, asked: {key: write(value, asked) for key, write in members}

    def _member(self, part: Field) -> Write:
        if part.name == "__typename":
            return lambda value, asked: part.parent.name  # noqa: ARG005
        read = self.payloads.reader(part.definition)
        if read is None:
            return self._edge(part)
        write = self._value(part, part.type)
        return lambda value, asked: write(read(value), asked)

    def _edge(self, part: Field) -> Write:
        number, row = len(self.edges), self.payloads.row
        self.edges.append(Edge(part, {name: f"{name}_{number}" for name in _needed(part)}))

        def leave(value: Any, asked: Asked) -> Gap:
            gap = Gap()
            asked[number].append((gap, row(value)))
            return gap

        return leave

    def _value(self, part: Field, type_: Any) -> Write:
        if is_non_null_type(type_):
            return _present(self._given(part, type_.of_type))
        write = self._given(part, type_)
        return lambda value, asked: None if value is None else write(value, asked)

    def _given(self, part: Field, type_: Any) -> Write:
        if is_list_type(type_):
            each = self._value(part, type_.of_type)
            return lambda values, asked: [each(value, asked) for value in values]
        if is_leaf_type(type_):
            return lambda value, asked: type_.coerce_output_value(value)  # noqa: ARG005
        if not is_abstract_type(type_):
            return self.object(part, type_)
        kinds = {name: self.object(part, kind) for name, kind in part.possible_types().items()}
        return lambda value, asked: kinds[self.payloads.type_name(value)](value, asked)


def _present(write: Write) -> Write:
    def required(value: Any, asked: Asked) -> Any:
        if value is None:
            raise ImpossibleError
        return write(value, asked)

    return required


def _needed(part: Field) -> Iterator[str]:
    """Return the columns that an edge needs of the row of its object: foreign keys, and the id where there is one."""
    if part.source is not None:
        yield from sorted({"id"} & part.parent.fields.keys() | part.source.columns(part))
