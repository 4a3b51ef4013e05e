"""Documents, parsed and checked once, and the values of their variables."""

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from graphql import (
    SKIP,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    is_non_null_type,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.utilities.coerce_input_value import coerce_default_value

from shop_graphql.compiler.coercion import InvalidValueError, coercion
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.compiler.texts import Text
from shop_graphql.deferred import Decisions, Deferred, Given, Items

SCALARS = "scalars"
"""The shape of values that make no other statement."""


class Syntax(NamedTuple):
    """A document and its operation as they are written."""

    ast: DocumentNode
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]


class Variable(NamedTuple):
    """A variable of an operation."""

    name: str
    type: GraphQLInputType
    default: Any
    """Undefined when there is none."""


class Document:
    """A valid document's operation. Raises NotCompiledError for whatever else a text holds."""

    def __init__(self, schema: GraphQLSchema, text: Text, operation_name: str | None) -> None:
        if text.invalid:
            raise NotCompiledError("not valid")
        self._text = text
        self.operation_name = operation_name
        ast, operation, _ = self.syntax
        self.kind = operation.operation
        """Whether it is a query, a mutation or a subscription."""
        self._variables = [_variable(schema, node) for node in operation.variable_definitions or ()]
        self._read = _read_by_statements(schema, ast)

    @property
    def syntax(self) -> Syntax:
        """The document as it is written. To keep it is to keep all of it, `syntax_size` bytes."""
        ast = self._text.ast
        assert ast is not None  # noqa: S101
        fragments = [node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)]
        details = {node.name.value: FragmentDetails(node) for node in fragments}
        return Syntax(ast, _operation(ast, self.operation_name), details)

    @property
    def syntax_size(self) -> int:
        """The bytes that the syntax takes, about."""
        return self._text.size

    def coerced(self, inputs: Mapping[str, Any], shared: Mapping[str, Any]) -> Given:
        """Return what a request brings. Raises NotCompiledError where the client is to be told of an error."""
        values = Given(shared)
        for variable in self._variables:
            value = _coerced(variable, inputs.get(variable.name, Undefined))
            if value is not Undefined:
                values[variable.name] = value
        return values

    def shape(self, given: Given) -> Hashable:
        """Return the shape of those values on which statements depend."""
        return tuple([(name, shape(value)) for name, value in given.items() if name in self._read])


def _read_by_statements(schema: GraphQLSchema, document: DocumentNode) -> set[str]:
    """Return the variables that do not only stand in the arguments of mutations, which no statement is made of."""
    types = TypeInfo(schema)
    found: set[str] = set()

    class Finder(Visitor):
        def enter_variable_definition(self, *_: Any) -> VisitorAction:
            return SKIP

        def enter_argument(self, *place: Any) -> VisitorAction:
            *_, ancestors = place
            is_field = isinstance(ancestors[-1], FieldNode)
            return SKIP if is_field and types.get_parent_type() is schema.mutation_type else None

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.add(node.name.value)

    visit(document, TypeInfoVisitor(types, Finder()))
    return found


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = operations if name is None else [node for node in operations if node.name and node.name.value == name]
    if len(named) != 1:
        raise NotCompiledError("not one operation")
    return named[0]


def _variable(schema: GraphQLSchema, node: VariableDefinitionNode) -> Variable:
    signature = get_variable_signature(schema, node)
    if isinstance(signature, GraphQLError):
        raise NotCompiledError("a variable of an unknown type")
    default = Undefined if signature.default is None else coerce_default_value(signature)
    return Variable(signature.name, signature.type, default)


def _coerced(variable: Variable, value: Any) -> Any:
    if value is Undefined:
        if variable.default is Undefined and is_non_null_type(variable.type):
            raise NotCompiledError("a bad value of a variable")
        return variable.default
    try:
        return coercion(variable.type)(value)
    except (InvalidValueError, GraphQLError, RecursionError):
        raise NotCompiledError("a bad value of a variable") from None


def shape(value: Any) -> Hashable:
    """Return what in the value of a variable makes another statement: keys, nulls, lengths, enums and booleans."""
    if value is None or isinstance(value, bool | Enum):
        return value
    if isinstance(value, dict):
        return tuple((name, shape(member)) for name, member in value.items())
    if isinstance(value, list) and (not value or isinstance(value[0], dict | Enum)):
        return tuple(map(shape, value))
    return SCALARS


def deferred(values: Given, decisions: Decisions) -> dict[str, Any]:
    """Return the values of the variables with everything deferred that is not part of their shape."""
    return {name: _deferred(value, (name,), decisions) for name, value in values.items()}


def _deferred(value: Any, path: tuple[str | int, ...], decisions: Decisions) -> Any:
    if value is None or isinstance(value, bool | Enum):
        return value
    if isinstance(value, dict):
        return {name: _deferred(member, (*path, name), decisions) for name, member in value.items()}
    if isinstance(value, list):
        if value and not isinstance(value[0], dict | Enum):
            return [Items(_reader(path), decisions)]
        return [_deferred(item, (*path, index), decisions) for index, item in enumerate(value)]
    return Deferred(_reader(path), decisions)


def _reader(path: tuple[str | int, ...]) -> Callable[[Given], Any]:
    name, *others = path

    def read(given: Given) -> Any:
        value = given[str(name)]
        for key in others:
            value = value[key]
        return value

    return read
