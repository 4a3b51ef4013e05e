"""Which fields of a document its viewer may not use: decided from the document alone, before it is executed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)
from strawberry.extensions import SchemaExtension
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from shop_graphql.access import EVERYBODY, ROWS, Role, Viewer, needed
from shop_graphql.api.context import Context
from shop_graphql.api.failures import FORBIDDEN, UNAUTHENTICATED
from shop_graphql.api.nodes import Node

SIGN_IN = {"login", "logout", "refresh", "register"}
"""What must be possible with an access token that has expired, since clients send theirs with every request."""

_SAID = {
    None: "Everybody may use it.",
    Role.CUSTOMER: "Needs a sign-in; customers see and change their own only.",
    Role.STAFF: "Needs the role STAFF.",
    Role.ADMIN: "Needs the role ADMIN.",
}


class Authorization(SchemaExtension):
    """Refuses an operation that its viewer may not run, after it was validated and before it is executed."""

    def on_validate(self) -> Iterator[None]:
        """Add what is forbidden to the errors of a document that is valid."""
        execution = self.execution_context
        document = execution.graphql_document
        if document is not None and not execution.pre_execution_errors:
            walk = Walk(execution.schema._schema, document, execution.operation_name, execution.variables or {})
            execution.pre_execution_errors = list(_refusals(walk, execution.context))
        yield


def _refusals(walk: "Walk", context: Context) -> Iterator[GraphQLError]:
    if context.bad_token is not None and not walk.root_fields() <= SIGN_IN:
        yield _error(context.bad_token, UNAUTHENTICATED)
        return
    for (type_, field), node in walk.fields().items():
        role = needed(type_, field)
        if not context.viewer.may(role):
            yield _refusal(context.viewer, f"{type_}.{field}", role, node)


def _refusal(viewer: Viewer, field: str, role: Role | None, node: FieldNode) -> GraphQLError:
    if viewer.role is None:
        return _error(f"{field} needs a sign-in.", UNAUTHENTICATED, node)
    name = role.name if role else ""
    return _error(f"{field} needs the role {name}; yours is {viewer.role.name}.", FORBIDDEN, node)


def _error(message: str, code: str, *nodes: FieldNode) -> GraphQLError:
    return GraphQLError(message, list(nodes) or None, extensions={"code": code})


class Walk:
    """A walk over an operation, with the selections that @skip and @include leave. Each fragment is entered once."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: str | None, variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._operation = next(
            node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
            and (operation is None or (node.name is not None and node.name.value == operation))
        )
        self._variables = {**self._defaults(), **variables}

    def fields(self) -> dict[tuple[str, str], FieldNode]:
        """Return the fields of the operation as pairs of a type's and a field's name, and where each stands first."""
        found: dict[tuple[str, str], FieldNode] = {}
        seen: set[str] = set()
        root = self._schema.get_root_type(self._operation.operation)
        todo: list[tuple[GraphQLNamedType | None, SelectionSetNode]] = [(root, self._operation.selection_set)]
        while todo:
            type_, selections = todo.pop()
            for node in self._selected(selections):
                if not isinstance(node, FieldNode):
                    todo += self._inside(node, type_, seen)
                elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and node.name.value in type_.fields:
                    found.setdefault((type_.name, node.name.value), node)
                    if node.selection_set:
                        todo.append((get_named_type(type_.fields[node.name.value].type), node.selection_set))
        return found

    def root_fields(self) -> set[str]:
        """Return the names of the fields of the operation's root type."""
        root = self._schema.get_root_type(self._operation.operation)
        return {field for type_, field in self.fields() if root is not None and type_ == root.name}

    def _inside(
        self, node: Any, type_: GraphQLNamedType | None, seen: set[str]
    ) -> list[tuple[GraphQLNamedType | None, SelectionSetNode]]:
        if not isinstance(node, InlineFragmentNode):
            name = node.name.value
            if name in seen:
                return []
            seen.add(name)
            node = self._fragments[name]
        condition = node.type_condition
        return [(self._schema.get_type(condition.name.value) if condition else type_, node.selection_set)]

    def _selected(self, selections: SelectionSetNode) -> Iterator[Any]:
        return (node for node in selections.selections if not self._is_left_out(node.directives))

    def _is_left_out(self, directives: Iterable[Any] | None) -> bool:
        conditions = {node.name.value: node.arguments[0].value for node in directives or () if node.arguments}
        skip, include = (conditions.get(name) for name in ("skip", "include"))
        return (skip is not None and self._value(skip) is True) or (
            include is not None and self._value(include) is False
        )

    def _value(self, node: Any) -> Any:
        return value_from_ast_untyped(node, self._variables)

    def _defaults(self) -> dict[str, Any]:
        return {
            node.variable.name.value: value_from_ast_untyped(node.default_value)
            for node in self._operation.variable_definitions or ()
            if node.default_value is not None
        }


def describe(*types: type) -> None:
    """Say in the descriptions of types who sees their objects, and in those of fields who may use them."""
    for type_ in types:
        definition = type_.__strawberry_definition__  # type: ignore[attr-defined]
        rows = ROWS.get(type_.model.__tablename__) if issubclass(type_, Node) else None
        if rows is not None and rows.everything is not EVERYBODY:
            others = "customers see their own." if rows.owner or rows.through else "others see none."
            definition.description = f"{definition.description} {rows.everything.name} sees all of them, {others}"
        for field in definition.fields:
            _describe(definition.name, field)


def _describe(type_: str, field: StrawberryField) -> None:
    role = needed(type_, field.graphql_name or to_camel_case(field.python_name))
    if type_ in {"Query", "Mutation", "Subscription"} or role is not None:
        field.description = f"{field.description} {_SAID[role]}"
