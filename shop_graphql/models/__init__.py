"""The tables. Imported as `from shop_graphql import models`, so that `models.Order` is a table and `Order` a type."""

from shop_graphql.models.accounts import Credential, Identity, Session
from shop_graphql.models.base import CENT, MAX_ID, MAX_INT, MAX_MONEY, ZERO, Base
from shop_graphql.models.catalog import Category, Product
from shop_graphql.models.messages import IdempotencyKey, OutboxEvent
from shop_graphql.models.orders import TRANSITIONS, Order, OrderEvent, OrderItem, OrderStatus
from shop_graphql.models.stock import MovementKind, StockMovement
from shop_graphql.models.users import User

__all__ = [
    "CENT",
    "MAX_ID",
    "MAX_INT",
    "MAX_MONEY",
    "TRANSITIONS",
    "ZERO",
    "Base",
    "Category",
    "Credential",
    "IdempotencyKey",
    "Identity",
    "MovementKind",
    "Order",
    "OrderEvent",
    "OrderItem",
    "OrderStatus",
    "OutboxEvent",
    "Product",
    "Session",
    "StockMovement",
    "User",
]
