"""The stock ledger in the graph."""

from datetime import datetime

import strawberry

from shop_graphql import models
from shop_graphql.api.catalog import Product
from shop_graphql.api.enums import MovementKind
from shop_graphql.api.fields import column, to_one
from shop_graphql.api.nodes import Node
from shop_graphql.api.orders import Order


@strawberry.type(description="A change of a product's stock. Of each product, the deltas add up to its stock.")
class StockMovement(Node, model=models.StockMovement, prefix="move"):
    kind: MovementKind = column(models.StockMovement.kind, "Why stock changed.")
    delta: int = column(models.StockMovement.delta, "How many came; negative when they went.")
    balance: int = column(models.StockMovement.balance, "How many there were afterwards.")
    reason: str | None = column(models.StockMovement.reason, "Why, where somebody said so.")
    actor: str | None = column(models.StockMovement.actor, "Who did it, where that is known.")
    created_at: datetime = column(models.StockMovement.created_at, "When it happened.")
    product: Product = to_one(models.StockMovement.product, "Whose stock changed.")
    order: Order | None = to_one(models.StockMovement.order, "The order that took or returned it, unless deleted.")
