"""Orders and their items in the graph."""

from datetime import datetime
from typing import Annotated

import strawberry

from shop_graphql import models
from shop_graphql.api.catalog import Product
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.enums import OrderStatus
from shop_graphql.api.fields import column, connection, to_many, to_one
from shop_graphql.api.figures import OrderAggregate
from shop_graphql.api.filters import OrderWhere
from shop_graphql.api.nodes import SOURCE, Node, decode_id, has_id, load_by_id, row_field
from shop_graphql.api.paging import Asked
from shop_graphql.api.scalars import Money
from shop_graphql.api.sorting import NEWEST_FIRST, OrderSort
from shop_graphql.api.sources import Lookup, Translated
from shop_graphql.api.users import User
from shop_graphql.statements.figures import OrderFigures


@strawberry.type(description="A purchase.")
class Order(Node, model=models.Order, prefix="ord"):
    status: OrderStatus = column(models.Order.status, "How far it has come.")
    total_amount: Money = column(models.Order.total_amount, "What it costs: the sum of its items' line totals.")
    created_at: datetime = column(models.Order.created_at, "When it was placed.")
    version: int = column(models.Order.version, "Raised by every change; see `expectedVersion`.")
    user: User = to_one(models.Order.user, "Who placed it.")
    items: list[Annotated["OrderItem", strawberry.lazy("shop_graphql.api.orders")]] = to_many(
        models.Order.items, "What it consists of; a product stands in one item at the most."
    )
    history: list[Annotated["OrderEvent", strawberry.lazy("shop_graphql.api.orders")]] = to_many(
        models.Order.history, "What happened to it, first things first."
    )
    allowed_transitions: list[OrderStatus] = row_field(
        Translated("status", models.TRANSITIONS), "What can become of it: the statuses that can follow."
    )


@strawberry.type(description="Something that happened to an order.")
class OrderEvent(Node, model=models.OrderEvent, prefix="event"):
    status: OrderStatus = column(models.OrderEvent.status, "The status that the order came to.")
    reason: str | None = column(models.OrderEvent.reason, "Why, where somebody said so.")
    actor: str | None = column(models.OrderEvent.actor, "Who did it, where that is known.")
    created_at: datetime = column(models.OrderEvent.created_at, "When it happened.")


@strawberry.type(description="Orders in pages.")
class OrderConnection(Connection[Order], model=models.Order):
    @strawberry.field(
        description="All orders of the list in figures, whatever the page.", metadata={SOURCE: Asked(OrderFigures)}
    )
    async def aggregate(self) -> OrderAggregate:
        return OrderAggregate(row=await self.view.load(OrderFigures()))


@strawberry.type(description="One product of an order.")
class OrderItem(Node, model=models.OrderItem, prefix="item"):
    quantity: int = column(models.OrderItem.quantity, "How many were bought.")
    product_name: str = column(models.OrderItem.product_name, "What the product was called when it was ordered.")
    unit_price: Money = column(models.OrderItem.unit_price, "What one cost when the order was placed.")
    line_total: Money = column(models.OrderItem.line_total, "The quantity times the unit price.")
    order: Order = to_one(models.OrderItem.order, "The order it belongs to.")
    product: Product = to_one(models.OrderItem.product, "What was bought.")


_ORDER_ID = strawberry.argument(description="The order's id.")


@strawberry.type
class OrderQueries:
    orders: OrderConnection = connection(models.Order, OrderWhere, OrderSort, NEWEST_FIRST, "All orders, newest first.")

    @strawberry.field(
        description="One order, or null.", metadata={SOURCE: Lookup(models.Order, lambda id: has_id(Order, id))}
    )
    async def order(self, info: Info, id: Annotated[strawberry.ID, _ORDER_ID]) -> Order | None:
        found: Order | None = await load_by_id(info, Order, decode_id(Order, id))
        return found
