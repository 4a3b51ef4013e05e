"""The schema, composed from what each noun brings."""

import asyncio
from collections.abc import Iterator
from typing import Annotated

import strawberry
from graphql import GraphQLError, OperationDefinitionNode, build_schema, lexicographic_sort_schema, print_schema
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

from shop_graphql.api.anything import AnyNode, AnyNodes, checked_ids
from shop_graphql.api.authorization import Authorization, describe
from shop_graphql.api.bulk_mutations import BulkMutations
from shop_graphql.api.catalog import CatalogQueries
from shop_graphql.api.catalog_mutations import CatalogMutations
from shop_graphql.api.context import Info
from shop_graphql.api.errors import HANDLERS, UserError
from shop_graphql.api.nodes import SOURCE, Node, load_node
from shop_graphql.api.order_mutations import OrderMutations
from shop_graphql.api.orders import OrderQueries
from shop_graphql.api.reports import ReportQueries
from shop_graphql.api.scalars import SCALARS
from shop_graphql.api.sign_in import SignInMutations, SignInQueries
from shop_graphql.api.stock_mutations import StockMutations
from shop_graphql.api.subscriptions import Subscription
from shop_graphql.api.user_mutations import UserMutations
from shop_graphql.api.users import UserQueries
from shop_graphql.statements.pages import MAX_LIMIT

_ID = strawberry.argument(description="The id of anything.")
_IDS = strawberry.argument(description=f"The ids of anything, at most {MAX_LIMIT}.")


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Whatever the id names, or null.", metadata={SOURCE: AnyNode()})
    async def node(self, info: Info, id: Annotated[strawberry.ID, _ID]) -> Node | None:
        return await load_node(info, id)

    @strawberry.field(
        description="Whatever the ids name, in their order; null for an id that names nothing.",
        metadata={SOURCE: AnyNodes(MAX_LIMIT)},
    )
    async def nodes(self, info: Info, ids: Annotated[list[strawberry.ID], _IDS]) -> list[Node | None]:
        return await asyncio.gather(*(load_node(info, id) for id in checked_ids(MAX_LIMIT, ids)))


class OneOperation(SchemaExtension):
    """Refuses a document of several operations when the request names none; Strawberry would run the first."""

    def on_parse(self) -> Iterator[None]:
        """Raise CannotGetOperationTypeError once the document is parsed."""
        yield
        document = self.execution_context.graphql_document
        if document is not None and self.execution_context._provided_operation_name is None:
            operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            if len(operations) > 1:
                raise CannotGetOperationTypeError(None)


class ReadBefore(SchemaExtension):
    """Takes the document of a context as it was read and checked, instead of doing so again."""

    def on_parse(self) -> Iterator[None]:
        """Take the AST."""
        text = self.execution_context.context.text
        if text is not None:
            self.execution_context.graphql_document = text.ast
        yield

    def on_validate(self) -> Iterator[None]:
        """Take the errors."""
        text = self.execution_context.context.text
        if text is not None:
            self.execution_context.pre_execution_errors = list(text.invalid)
        yield


class ShopSchema(strawberry.Schema):
    """Leaves the logging of errors to whoever answers the request, who knows which of them are bugs."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing."""


@strawberry.type(description="What can be asked of the shop. One request sees one state of it.")
class Query(NodeQueries, SignInQueries, UserQueries, CatalogQueries, OrderQueries, ReportQueries):
    pass


@strawberry.type(description="What can be changed. Each field is one transaction, committed before its result is read.")
class Mutation(SignInMutations, UserMutations, CatalogMutations, BulkMutations, StockMutations, OrderMutations):
    pass


describe(Query, Mutation, Subscription, *Node.by_model.values())


schema = ShopSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*Node.by_model.values(), *UserError.by_exception.values()],
    extensions=[OneOperation, ReadBefore, Authorization],
    exception_handlers=HANDLERS,
    config=StrawberryConfig(scalar_map=SCALARS),
)


def sdl() -> str:
    """Return the schema's SDL, sorted.

    Strawberry's own `sort_schema` makes every enum fail at run time, so a copy is sorted that was built from the text.
    """
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
