"""The schema as the compiler needs it: where its fields come from, and how scalars are written in SQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from graphql import DocumentNode, GraphQLError, GraphQLField, specified_rules
from sqlalchemy import ColumnElement
from strawberry.schema.schema import validate_document
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from shop_graphql.access import Role, includes, needed
from shop_graphql.api.arguments import Member, converted, members_of
from shop_graphql.api.authorization import Walk
from shop_graphql.api.nodes import SOURCE
from shop_graphql.api.scalars import WRITERS
from shop_graphql.api.schema import schema
from shop_graphql.compiler.compiler import Compiler
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Field, Source


class Declared:
    """What the Strawberry types say beside the schema."""

    def __init__(self) -> None:
        self._members: dict[StrawberryField, list[Member]] = {}

    def source(self, field: GraphQLField) -> Source | None:
        """Return where the value of a field comes from, or None when only its resolver knows."""
        source: Source | None = _definition(field).metadata.get(SOURCE)
        return source

    def arguments(self, field: GraphQLField, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the field's resolver is called with."""
        definition = _definition(field)
        members = self._members.get(definition)
        if members is None:
            members = self._members[definition] = members_of(definition.arguments)
        return converted(members, values)

    def permits(
        self, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any], role: Role | None
    ) -> bool:
        """Tell whether a viewer of this role may run an operation; the resolvers tell others why not."""
        walk = Walk(schema._schema, document, operation_name, variables)
        return all(includes(role, needed(type_, field)) for type_, field in walk.fields())

    def reader(self, field: GraphQLField) -> Callable[[Any], Any] | None:
        """Return what reads the field's value from its object, or None when that takes more than the object."""
        definition = _definition(field)
        resolver = definition.base_resolver
        if resolver is None:
            return lambda value: definition.get_result(value, None, [], {})
        takes_more = resolver.is_async or resolver.info_parameter or resolver.arguments
        own = cast(Callable[[Any], Any], resolver.wrapped_func)
        return None if takes_more or SOURCE in definition.metadata else own

    def row(self, value: Any) -> Any:
        """Return what has the keys of the rows that `value` leads to as its attributes."""
        return getattr(value, "row", value)

    def type_name(self, value: Any) -> str:
        """Return the name of the type that `value` is an object of."""
        return self.name(type(value))

    def name(self, type_: type) -> str:
        """Return the name of a type of the graph."""
        name: str = type_.__strawberry_definition__.name  # type: ignore[attr-defined]
        return name

    def field(self, field: Field) -> StrawberryField:
        """Return where a field is declared."""
        return _definition(field.definition)

    def resolver(self, field: Field) -> Callable[..., Any]:
        """Return the function that carries a field of Mutation out."""
        resolver = _definition(field.definition).base_resolver
        assert resolver is not None  # noqa: S101
        return cast(Callable[..., Any], resolver.wrapped_func)

    def scalar(self, name: str, value: ColumnElement[Any]) -> Json:
        """Return the value of a column, which is not null, as the scalar type of this name is written."""
        return WRITERS[name](value)


def _definition(field: GraphQLField) -> StrawberryField:
    definition: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return definition


def check(document: DocumentNode) -> Sequence[GraphQLError]:
    """Return what is wrong with a document, which is what Strawberry finds."""
    return validate_document(schema._schema, document, tuple(specified_rules))


DECLARED = Declared()


def compiler() -> Compiler:
    """Return a compiler of the schema's operations."""
    return Compiler(schema._schema, check, DECLARED)
