"""The shop's rules. Callers own the transaction: a service locks, judges, writes and flushes, or raises."""

from shop_graphql.services.catalog import (
    NewCategory,
    add_category_stock,
    create_category,
    create_product,
    delete_category,
    delete_product,
    update_product_price,
)
from shop_graphql.services.orders import NewItem, create_order, delete_order
from shop_graphql.services.users import create_user

__all__ = [
    "NewCategory",
    "NewItem",
    "add_category_stock",
    "create_category",
    "create_order",
    "create_product",
    "create_user",
    "delete_category",
    "delete_order",
    "delete_product",
    "update_product_price",
]
