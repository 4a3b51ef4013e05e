"""What clients can sort each list by. The values of the enums are attributes of the tables."""

from enum import Enum

import strawberry

from shop_graphql.statements.sorting import Sort

BY_NAME = (Sort("name"),)
NEWEST_FIRST = (Sort("created_at", descending=True),)
LAST_RECORDED_FIRST = (Sort("id", descending=True),)


@strawberry.enum(description="Which way a list is sorted.")
class SortDirection(Enum):
    ASC = strawberry.enum_value("asc", description="Smallest, first in the alphabet or oldest first.")
    DESC = strawberry.enum_value("desc", description="Largest, last in the alphabet or newest first.")


@strawberry.enum(description="What users can be sorted by.")
class UserSortField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="When the user was created.")


@strawberry.enum(description="What categories can be sorted by.")
class CategorySortField(Enum):
    NAME = strawberry.enum_value("name", description="The category's name.")
    CREATED_AT = strawberry.enum_value("created_at", description="When the category was created.")


@strawberry.enum(description="What products can be sorted by.")
class ProductSortField(Enum):
    NAME = strawberry.enum_value("name", description="The product's name.")
    PRICE = strawberry.enum_value("price", description="What the product costs.")
    CREATED_AT = strawberry.enum_value("created_at", description="When the product was created.")


@strawberry.enum(description="What orders can be sorted by.")
class OrderSortField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="When the order was placed.")


@strawberry.enum(description="What order items can be sorted by.")
class OrderItemSortField(Enum):
    CREATED_AT = strawberry.enum_value("id", description="When the item was recorded.")


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
