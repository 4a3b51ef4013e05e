"""The shop's rules. Callers own the transaction: a service locks, judges, writes and flushes, or raises."""

from shop_graphql.services.bulk import UpsertPolicy, UpsertStatus, upsert_products
from shop_graphql.services.catalog import (
    NewCategory,
    add_category_stock,
    archive_product,
    create_category,
    create_product,
    delete_category,
    delete_product,
    update_category,
    update_product,
)
from shop_graphql.services.idempotency import Outcome, once, sweep
from shop_graphql.services.orders import cancel_order, complete_order, delete_order
from shop_graphql.services.outbox import sweep_outbox
from shop_graphql.services.placing import NewItem, create_order
from shop_graphql.services.product_rows import Keep, ProductRow
from shop_graphql.services.sessions import sweep_sessions
from shop_graphql.services.stock import adjust_stock
from shop_graphql.services.users import create_user, erase_user, set_user_role

__all__ = [
    "Keep",
    "NewCategory",
    "NewItem",
    "Outcome",
    "ProductRow",
    "UpsertPolicy",
    "UpsertStatus",
    "add_category_stock",
    "adjust_stock",
    "archive_product",
    "cancel_order",
    "complete_order",
    "create_category",
    "create_order",
    "create_product",
    "create_user",
    "delete_category",
    "delete_order",
    "delete_product",
    "erase_user",
    "once",
    "set_user_role",
    "sweep",
    "sweep_outbox",
    "sweep_sessions",
    "update_category",
    "update_product",
    "upsert_products",
]
