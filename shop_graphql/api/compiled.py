"""The schema as the compiler needs it: where its fields come from, and how scalars are written in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLField, specified_rules
from sqlalchemy import ColumnElement
from strawberry.schema.schema import validate_document
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from shop_graphql.access import Role, includes, needed
from shop_graphql.api.authorization import Walk
from shop_graphql.api.nodes import SOURCE
from shop_graphql.api.scalars import WRITERS
from shop_graphql.api.schema import schema
from shop_graphql.compiler.compiler import Compiler
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Source


class Declared:
    """What the Strawberry types say beside the schema."""

    def source(self, field: GraphQLField) -> Source | None:
        """Return where the value of a field comes from, or None when only its resolver knows."""
        source: Source | None = _definition(field).metadata.get(SOURCE)
        return source

    def arguments(self, field: GraphQLField, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the field's resolver is called with."""
        registry = schema.schema_converter.scalar_registry
        return convert_arguments(values, _definition(field).arguments, registry, schema.config)

    def permits(
        self, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any], role: Role | None
    ) -> bool:
        """Tell whether a viewer of this role may run an operation; the resolvers tell others why not."""
        walk = Walk(schema._schema, document, operation_name, variables)
        return all(includes(role, needed(type_, field)) for type_, field in walk.fields())

    def scalar(self, name: str, value: ColumnElement[Any]) -> Json:
        """Return the value of a column, which is not null, as the scalar type of this name is written."""
        return WRITERS[name](value)


def _definition(field: GraphQLField) -> StrawberryField:
    definition: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return definition


def check(document: DocumentNode) -> Sequence[GraphQLError]:
    """Return what is wrong with a document, which is what Strawberry finds."""
    return validate_document(schema._schema, document, tuple(specified_rules))


def compiler() -> Compiler:
    """Return a compiler of the schema's queries."""
    return Compiler(schema._schema, check, Declared())
