"""What an operation selects, field by field, after merging, fragments, @skip and @include."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any, Protocol

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
    get_named_type,
    is_enum_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement

from shop_graphql.access import Role
from shop_graphql.compiler.json import Json, choice, members, nullable

MAX_DEPTH = 20
MAX_FIELDS = 300


class NotCompiledError(Exception):
    """This cannot be answered by one statement; the resolvers answer it."""


class Source(ABC):
    """Where the value of a field comes from."""

    @abstractmethod
    def json(self, field: "Field", at: Any) -> Json:
        """Return the value as JSON; `at` is what the source of the object gave to `Field.object`."""

    def columns(self, field: "Field") -> Set[str]:  # noqa: ARG002
        """Return what the field needs of the row of its object beside the id."""
        return frozenset()


class Declarations(Protocol):
    """What the schema's author says beside the schema."""

    def source(self, field: GraphQLField) -> Source | None:
        """Return where the value of a field comes from, or None when only its resolver knows."""

    def arguments(self, field: GraphQLField, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the field's resolver is called with."""

    def permits(
        self, document: DocumentNode, operation_name: str | None, variables: Mapping[str, Any], role: Role | None
    ) -> bool:
        """Tell whether a viewer of this role may run an operation."""

    def scalar(self, name: str, value: ColumnElement[Any]) -> Json:
        """Return the value of a column, which is not null, as the scalar type of this name is written."""


class Operation:
    """An operation of a valid document with the values of its variables, which may be deferred."""

    def __init__(
        self,
        schema: GraphQLSchema,
        definition: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        variables: dict[str, Any],
        declarations: Declarations,
        role: Role | None,
        limit: int = MAX_FIELDS,
    ) -> None:
        self.schema = schema
        self.definition = definition
        self.fragments = fragments
        self.variables = VariableValues({}, variables)
        self.declarations = declarations
        self.role = role
        self._limit = limit
        self._count = 0

    @property
    def count(self) -> int:
        """How many fields were looked at so far."""
        return self._count

    def fields(self) -> list["Field"]:
        """Return the root fields, in the order of the answer."""
        root = self.schema.get_root_type(self.definition.operation)
        assert root is not None  # noqa: S101
        collected = collect_fields(self.schema, self.fragments, self.variables, root, self.definition)
        return self._fields(root, collected.grouped_field_set, 1)

    def subfields(self, field: "Field", parent: GraphQLObjectType) -> list["Field"]:
        """Return what is selected of a field's value where that is a `parent`."""
        collected = collect_subfields(self.schema, self.fragments, self.variables, self.definition, parent, field.nodes)
        return self._fields(parent, collected.grouped_field_set, field.depth + 1)

    def _fields(self, parent: GraphQLObjectType, grouped: GroupedFieldSet, depth: int) -> list["Field"]:
        self._count += len(grouped)
        if depth > MAX_DEPTH or self._count > self._limit:
            raise NotCompiledError("too much for one statement")
        return [Field(self, parent, key, nodes, depth) for key, nodes in grouped.items()]


@dataclass(frozen=True)
class Field:
    """A field of an object of the type `parent`, selected under the response key `key`."""

    operation: Operation
    parent: GraphQLObjectType
    key: str
    nodes: FieldDetailsList
    depth: int
    selected: dict[str, list["Field"]] = dataclass_field(default_factory=dict)
    """The sub-selections that were looked at, by the type of the object."""

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].node.name.value

    @cached_property
    def definition(self) -> GraphQLField:
        """What the schema says of the field. Raises NotCompiledError for introspection."""
        if self.name not in self.parent.fields:
            raise NotCompiledError(f"{self.name} is introspection")
        definition: GraphQLField = self.parent.fields[self.name]
        return definition

    @property
    def type(self) -> GraphQLOutputType:
        """The field's type."""
        return self.definition.type

    @property
    def is_nullable(self) -> bool:
        """Whether the schema allows null."""
        return not is_non_null_type(self.type)

    @property
    def named_type(self) -> Any:
        """The field's type without the wrapping."""
        return get_named_type(self.type)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the field's resolver would be called with; values of variables are deferred."""
        values = get_argument_values(self.definition, self.nodes[0].node, self.operation.variables)
        return self.operation.declarations.arguments(self.definition, values)

    @cached_property
    def source(self) -> Source | None:
        """Where the value comes from; None for `__typename`. Raises NotCompiledError."""
        if self.name == "__typename":
            return None
        source = self.operation.declarations.source(self.definition)
        if source is None:
            raise NotCompiledError(f"only a resolver knows {self.parent.name}.{self.name}")
        return source

    def subfields(self, parent: GraphQLObjectType | None = None) -> list["Field"]:
        """Return what is selected of the value where that is a `parent`, by default the field's own type."""
        parent = parent or self.named_type
        if parent.name not in self.selected:
            self.selected[parent.name] = self.operation.subfields(self, parent)
        return self.selected[parent.name]

    def columns(self, parent: GraphQLObjectType | None = None) -> Set[str]:
        """Return which columns of a row are needed for what is selected of it."""
        sources = ((field.source, field) for field in self.subfields(parent))
        return {"id"}.union(*(source.columns(field) for source, field in sources if source))

    def possible_types(self) -> Mapping[str, GraphQLObjectType]:
        """Return by name the types that the value can have."""
        return {type_.name: type_ for type_ in self.operation.schema.get_possible_types(self.named_type)}

    def value(self, at: Any) -> Json:
        """Return the field as JSON. Raises NotCompiledError."""
        return [f'"{self.parent.name}"'] if self.source is None else self.source.json(self, at)

    def object(self, at: Any, parent: GraphQLObjectType | None = None) -> Json:
        """Return what is selected of the value, a `parent` that is found `at` some place."""
        return members({field.key: field.value(at) for field in self.subfields(parent)})

    def leaf(self, value: ColumnElement[Any]) -> Json:
        """Return the value of a column as the field's scalar or enum."""
        if is_enum_type(self.named_type):
            json = choice(value, {member.value: f'"{name}"' for name, member in self.named_type.values.items()})
        else:
            json = self.operation.declarations.scalar(self.named_type.name, value)
        return nullable(value, json) if self.is_nullable else json
