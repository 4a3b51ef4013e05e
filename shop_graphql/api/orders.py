"""Orders and their items in the graph."""

from datetime import datetime
from typing import Annotated

import strawberry

from shop_graphql import models, services
from shop_graphql.api.catalog import Product
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.enums import OrderStatus
from shop_graphql.api.errors import NotFoundError, OutOfStockError, ValidationError
from shop_graphql.api.fields import column, connection, to_many, to_one
from shop_graphql.api.figures import OrderAggregate
from shop_graphql.api.filters import OrderWhere
from shop_graphql.api.nodes import Node, decode_id, load_by_id
from shop_graphql.api.scalars import Money
from shop_graphql.api.sorting import NEWEST_FIRST, OrderSort
from shop_graphql.api.users import User
from shop_graphql.statements.figures import OrderFigures


@strawberry.type(description="A purchase.")
class Order(Node, model=models.Order, prefix="ord"):
    status: OrderStatus = column(models.Order.status, "How far it has come.")
    total_amount: Money = column(models.Order.total_amount, "What it costs: the sum of its items' line totals.")
    created_at: datetime = column(models.Order.created_at, "When it was placed.")
    user: User = to_one(models.Order.user, "Who placed it.")
    items: list[Annotated["OrderItem", strawberry.lazy("shop_graphql.api.orders")]] = to_many(
        models.Order.items, "What it consists of; a product stands in one item at the most."
    )


@strawberry.type(description="Orders in pages.")
class OrderConnection(Connection[Order], model=models.Order):
    @strawberry.field(description="All orders of the list in figures, whatever the page.")
    async def aggregate(self) -> OrderAggregate:
        return OrderAggregate.from_texts(await self.view.load(OrderFigures()))


@strawberry.type(description="One product of an order.")
class OrderItem(Node, model=models.OrderItem, prefix="item"):
    quantity: int = column(models.OrderItem.quantity, "How many were bought.")
    unit_price: Money = column(models.OrderItem.unit_price, "What one cost when the order was placed.")
    line_total: Money = column(models.OrderItem.line_total, "The quantity times the unit price.")
    order: Order = to_one(models.OrderItem.order, "The order it belongs to.")
    product: Product = to_one(models.OrderItem.product, "What was bought.")


_ORDER_ID = strawberry.argument(description="The order's id.")


@strawberry.type
class OrderQueries:
    orders: OrderConnection = connection(models.Order, OrderWhere, OrderSort, NEWEST_FIRST, "All orders, newest first.")

    @strawberry.field(description="One order, or null.")
    async def order(self, info: Info, id: Annotated[strawberry.ID, _ORDER_ID]) -> Order | None:
        found: Order | None = await load_by_id(info, Order, decode_id(Order, id))
        return found


@strawberry.input(description="A product to order.")
class OrderItemInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    quantity: int = strawberry.field(description="How many: 1 to 999. Items of the same product are added up.")


@strawberry.input(description="A new order.")
class CreateOrderInput:
    user_id: strawberry.ID = strawberry.field(description="Who orders.")
    items: list[OrderItemInput] = strawberry.field(description="What is ordered: 1 to 50 different products.")


@strawberry.input(description="An order to delete.")
class DeleteOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.type(description="The order was placed.")
class CreateOrderSuccess:
    order: Order = strawberry.field(description="The new order.")


@strawberry.type(description="The order was deleted.")
class DeleteOrderSuccess:
    deleted_id: strawberry.ID = strawberry.field(description="The id that names nothing any more.")


CreateOrderResult = Annotated[
    CreateOrderSuccess | ValidationError | NotFoundError | OutOfStockError,
    strawberry.union("CreateOrderResult", description="What came of placing an order."),
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
        items = [services.NewItem(decode_id(Product, item.product_id), item.quantity) for item in input.items]
        async with info.context.transaction() as session:
            order = await services.create_order(session, user_id=decode_id(User, input.user_id), items=items)
        return CreateOrderSuccess(order=Order.from_row(order))

    @strawberry.mutation(
        description="Delete an order and its items. What it took returns to stock, unless it was cancelled."
    )
    async def delete_order(self, info: Info, input: DeleteOrderInput) -> DeleteOrderResult:
        async with info.context.transaction() as session:
            await services.delete_order(session, order_id=decode_id(Order, input.order_id))
        return DeleteOrderSuccess(deleted_id=input.order_id)
