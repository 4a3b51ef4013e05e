"""Changes of orders in the graph."""

from typing import Annotated

import strawberry

from shop_graphql import services
from shop_graphql.access import Viewer
from shop_graphql.api.catalog import Product
from shop_graphql.api.context import Info
from shop_graphql.api.errors import (
    IdempotencyConflictError,
    InvalidTransitionError,
    NotFoundError,
    OutOfStockError,
    PriceChangedError,
    ValidationError,
    VersionConflictError,
)
from shop_graphql.api.inputs import KEY, REPLAYED, VERSION, value_or_none
from shop_graphql.api.nodes import NOTHING, decode_id
from shop_graphql.api.orders import Order
from shop_graphql.api.scalars import Money
from shop_graphql.api.users import User
from shop_graphql.errors import Issue, ValidationFailed


@strawberry.input(description="A product to order.")
class OrderItemInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    quantity: int = strawberry.field(description="How many: 1 to 999. Items of the same product are added up.")


@strawberry.input(description="A new order.")
class CreateOrderInput:
    idempotency_key: str = strawberry.field(description=KEY)
    user_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Who orders; whoever is signed in when it is absent. Only staff can order for others."
    )
    items: list[OrderItemInput] = strawberry.field(description="What is ordered: 1 to 50 different products.")
    expected_total: strawberry.Maybe[Money] = strawberry.field(
        description="What the buyer was shown; when it comes to something else, nothing is ordered."
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Only try: everything is checked and the order shown as it would be, and nothing is written.",
    )


@strawberry.input(description="An order that has come to its good end.")
class CompleteOrderInput:
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)


@strawberry.input(description="An order to call off.")
class CancelOrderInput:
    idempotency_key: str = strawberry.field(description=KEY)
    order_id: strawberry.ID = strawberry.field(description="The order.")
    reason: strawberry.Maybe[str | None] = strawberry.field(description="Why, at most 500 characters.")
    restock: bool = strawberry.field(default=True, description="Whether what it took returns to stock.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)


@strawberry.input(description="An order to delete.")
class DeleteOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="The order was placed.")
class CreateOrderSuccess:
    order: Order = strawberry.field(description="The new order; of a dry run, one whose id names nothing afterwards.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The order is completed.")
class CompleteOrderSuccess:
    order: Order = strawberry.field(description="The completed order.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The order is cancelled.")
class CancelOrderSuccess:
    order: Order = strawberry.field(description="The cancelled order.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The order was deleted.")
class DeleteOrderSuccess:
    deleted_id: strawberry.ID = strawberry.field(description="The id that names nothing any more.")


CreateOrderResult = Annotated[
    CreateOrderSuccess
    | ValidationError
    | NotFoundError
    | OutOfStockError
    | PriceChangedError
    | IdempotencyConflictError,
    strawberry.union("CreateOrderResult", description="What came of placing an order."),
]
CompleteOrderResult = Annotated[
    CompleteOrderSuccess
    | ValidationError
    | NotFoundError
    | InvalidTransitionError
    | VersionConflictError
    | IdempotencyConflictError,
    strawberry.union("CompleteOrderResult", description="What came of completing an order."),
]
CancelOrderResult = Annotated[
    CancelOrderSuccess
    | ValidationError
    | NotFoundError
    | InvalidTransitionError
    | VersionConflictError
    | IdempotencyConflictError,
    strawberry.union("CancelOrderResult", description="What came of cancelling an order."),
]
DeleteOrderResult = Annotated[
    DeleteOrderSuccess | NotFoundError,
    strawberry.union("DeleteOrderResult", description="What came of deleting an order."),
]


@strawberry.type
class OrderMutations:
    @strawberry.mutation(
        description="Order products at today's prices and take them from stock: all of it, or, on any problem, nothing."
    )
    async def create_order(self, info: Info, input: CreateOrderInput) -> CreateOrderResult:
        user_id = _buyer(info.context.viewer, input)
        items = [services.NewItem(decode_id(Product, item.product_id), item.quantity) for item in input.items]
        outcome = await info.context.send(
            services.create_order,
            only_try=input.dry_run,
            key=None if input.dry_run else input.idempotency_key,
            user_id=user_id,
            items=items,
            expected_total=value_or_none(input.expected_total),
        )
        return CreateOrderSuccess(order=Order.from_row(outcome.result), replayed=outcome.replayed)

    @strawberry.mutation(description="Bring a pending order to its good end.")
    async def complete_order(self, info: Info, input: CompleteOrderInput) -> CompleteOrderResult:
        outcome = await info.context.write_once(
            input.idempotency_key,
            services.complete_order,
            order_id=decode_id(Order, input.order_id),
            expected_version=value_or_none(input.expected_version),
        )
        return CompleteOrderSuccess(order=Order.from_row(outcome.result), replayed=outcome.replayed)

    @strawberry.mutation(description="Call a pending order off; what it took returns to stock once.")
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> CancelOrderResult:
        outcome = await info.context.write_once(
            input.idempotency_key,
            services.cancel_order,
            order_id=decode_id(Order, input.order_id),
            reason=value_or_none(input.reason),
            restock=input.restock,
            expected_version=value_or_none(input.expected_version),
            only_user=info.context.viewer.only_user,
        )
        return CancelOrderSuccess(order=Order.from_row(outcome.result), replayed=outcome.replayed)

    @strawberry.mutation(
        description="Delete an order and its items. What it took returns to stock, unless it was cancelled."
    )
    async def delete_order(self, info: Info, input: DeleteOrderInput) -> DeleteOrderResult:
        await info.context.write(services.delete_order, order_id=decode_id(Order, input.order_id))
        return DeleteOrderSuccess(deleted_id=input.order_id)


def _buyer(viewer: Viewer, input: CreateOrderInput) -> int:
    """Return who orders; NOTHING for somebody in whose name the viewer cannot. Raises ValidationFailed for nobody."""
    if not input.user_id:
        if viewer.user_id is None:
            raise ValidationFailed(Issue(("user_id",), "Who orders? You have no account of your own."))
        return viewer.user_id
    user_id = decode_id(User, input.user_id.value)
    return user_id if viewer.only_user in (None, user_id) else NOTHING
