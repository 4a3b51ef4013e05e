"""Completes what a mutation returned or raised as graphql-core does, field by field, without carrying it out again."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    SelectionSetNode,
    execute,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.utils.await_maybe import await_maybe

from shop_graphql.api.context import Context
from shop_graphql.api.schema import schema
from shop_graphql.compiler.documents import Document
from shop_graphql.compiler.selection import Field

Result = Callable[[], Any]
"""Returns what a root field's resolver returned, or raises what it raised."""


async def complete(
    document: Document, root: Field, result: Result, variables: Mapping[str, Any], context: Context
) -> ExecutionResult:
    """Return what the operation comes to as though `root` were its only field, and its resolver gave `result`."""

    def resolve(following: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        return result() if info.path.prev is None else following(source, info, **arguments)

    execution = execute(
        schema._schema,
        _only(document, root),
        context_value=context,
        variable_values=dict(variables),
        middleware=[resolve],
        is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
    )
    completed: ExecutionResult = await await_maybe(execution)
    return completed


def _only(document: Document, root: Field) -> DocumentNode:
    ast, operation, _ = document.syntax
    selection = SelectionSetNode(selections=tuple(details.node for details in root.nodes))
    only = OperationDefinitionNode(
        operation=operation.operation, variable_definitions=operation.variable_definitions, selection_set=selection
    )
    fragments = [node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)]
    return DocumentNode(definitions=(only, *fragments))
