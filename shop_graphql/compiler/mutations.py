"""Mutations, and subscriptions: the fields that an operation carries out, and what they are called with."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLSchema, get_argument_values
from graphql.execution.values import VariableValues

from shop_graphql.access import Role
from shop_graphql.compiler.documents import Document, deferred
from shop_graphql.compiler.payloads import PER_FIELD
from shop_graphql.compiler.plans import Unplanned
from shop_graphql.compiler.selection import Declarations, Field, NotCompiledError, Operation
from shop_graphql.deferred import Decisions, Given


@dataclass(frozen=True)
class Mutation:
    """An operation that a viewer may run."""

    document: Document
    roots: list[Field]
    """The root fields, in the order in which they are carried out."""

    @property
    def size(self) -> int:
        """The bytes that it takes, about."""
        return PER_FIELD * (1 + len(self.roots)) + self.document.syntax_size

    def arguments(self, root: Field, given: Given) -> dict[str, Any]:
        """Return what a root field's resolver is called with. Raises GraphQLError."""
        values = get_argument_values(root.definition, root.nodes[0].node, VariableValues({}, given))
        return root.operation.declarations.arguments(root.definition, values)


def make_mutation(
    document: Document, role: Role | None, decisions: Decisions, schema: GraphQLSchema, declarations: Declarations
) -> Mutation | Unplanned:
    """Return the mutation for a viewer of this role."""
    ast, definition, fragments = document.syntax
    if not declarations.permits(ast, document.operation_name, decisions.given, role):
        return Unplanned("not permitted")
    variables = deferred(decisions.given, decisions)
    operation = Operation(schema, definition, fragments, variables, declarations, role)
    try:
        roots = operation.fields()
    except NotCompiledError as reason:
        return Unplanned(str(reason))
    if any(root.name == "__typename" for root in roots):
        return Unplanned("not all of it is carried out")
    return Mutation(document, roots)
