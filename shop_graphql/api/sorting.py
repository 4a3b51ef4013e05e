"""What clients can sort each list by. The values of the enums are attributes of the tables."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol

import strawberry

from shop_graphql.errors import BadArgument
from shop_graphql.statements.filters import Where, value_of
from shop_graphql.statements.sorting import RELEVANCE, Order, Sort, total

BY_NAME = (Sort("name"),)
NEWEST_FIRST = (Sort("created_at", descending=True),)
LAST_RECORDED_FIRST = (Sort("id", descending=True),)
BEST_FIRST = (Sort(RELEVANCE),)


@strawberry.enum(description="Which way a list is sorted.")
class SortDirection(Enum):
    ASC = strawberry.enum_value("asc", description="Smallest, first in the alphabet or oldest first.")
    DESC = strawberry.enum_value("desc", description="Largest, last in the alphabet or newest first.")


@strawberry.enum(description="What users can be sorted by.")
class UserSortField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="When the user was created.")
    FULL_NAME = strawberry.enum_value("full_name", description="The user's full name.")


@strawberry.enum(description="What categories can be sorted by.")
class CategorySortField(Enum):
    NAME = strawberry.enum_value("name", description="The category's name.")
    DESCRIPTION = strawberry.enum_value(
        "description", description="The category's description; a missing one counts as the last of all."
    )
    CREATED_AT = strawberry.enum_value("created_at", description="When the category was created.")


@strawberry.enum(description="What products can be sorted by.")
class ProductSortField(Enum):
    NAME = strawberry.enum_value("name", description="The product's name.")
    PRICE = strawberry.enum_value("price", description="What the product costs.")
    STOCK_QUANTITY = strawberry.enum_value("stock_quantity", description="How many can be ordered.")
    RELEVANCE = strawberry.enum_value(
        RELEVANCE, description="How well it fits `where.search`: ASC gives the best first. The default of a search."
    )
    CREATED_AT = strawberry.enum_value("created_at", description="When the product was created.")


@strawberry.enum(description="What orders can be sorted by.")
class OrderSortField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="When the order was placed.")
    TOTAL_AMOUNT = strawberry.enum_value("total_amount", description="What the order costs.")


@strawberry.enum(description="What order items can be sorted by.")
class OrderItemSortField(Enum):
    CREATED_AT = strawberry.enum_value("id", description="When the item was recorded.")
    QUANTITY = strawberry.enum_value("quantity", description="How many were bought.")
    UNIT_PRICE = strawberry.enum_value("unit_price", description="What one cost.")


@strawberry.input(description="A key to sort users by.")
class UserSort:
    field: UserSortField = strawberry.field(description="What is compared.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.input(description="A key to sort categories by.")
class CategorySort:
    field: CategorySortField = strawberry.field(description="What is compared.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.input(description="A key to sort products by.")
class ProductSort:
    field: ProductSortField = strawberry.field(description="What is compared.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.input(description="A key to sort orders by.")
class OrderSort:
    field: OrderSortField = strawberry.field(description="What is compared.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.input(description="A key to sort order items by.")
class OrderItemSort:
    field: OrderItemSortField = strawberry.field(description="What is compared.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


class SortKey(Protocol):
    """One key of an `orderBy` argument."""

    field: Any
    direction: Any


def read_order(where: Where, keys: Sequence[SortKey], default: Sequence[Sort]) -> Order:
    """Return the total order that a client asked for; without keys, the best first of a search, else `default`.

    Raises BadArgument for RELEVANCE without a search.
    """
    searched = value_of(where, "search") is not None
    sorts = [Sort(key.field.value, key.direction is SortDirection.DESC) for key in keys]
    if not searched and any(sort.key == RELEVANCE for sort in sorts):
        raise BadArgument("RELEVANCE compares with where.search, which is missing.")
    return total(sorts or (BEST_FIRST if searched else default))
