"""Changes of stock in the graph."""

from typing import Annotated

import strawberry

from shop_graphql import models, services
from shop_graphql.api.catalog import Category, Product
from shop_graphql.api.context import Info
from shop_graphql.api.errors import (
    IdempotencyConflictError,
    NotFoundError,
    OutOfStockError,
    ValidationError,
    VersionConflictError,
)
from shop_graphql.api.fields import named
from shop_graphql.api.inputs import KEY, REPLAYED, value_or_none
from shop_graphql.api.nodes import decode_id


@strawberry.input(description="A change of one product's stock.")
class AdjustStockInput:
    idempotency_key: str = strawberry.field(description=KEY)
    product_id: strawberry.ID = strawberry.field(description="The product.")
    delta: int = strawberry.field(description="How many to add; negative takes away.")
    reason: strawberry.Maybe[str | None] = strawberry.field(description="Why, at most 500 characters.")
    expected_stock: strawberry.Maybe[int] = strawberry.field(
        description="Change it only when this is what there is; else `VersionConflictError` tells what is."
    )


@strawberry.input(description="Stock for all products of a category.")
class AddCategoryStockInput:
    idempotency_key: str = strawberry.field(description=KEY)
    category_id: strawberry.ID = strawberry.field(description="The category.")
    quantity: int = strawberry.field(description="How many to add to each product's stock; negative takes away.")


@strawberry.type(description="The stock was changed.")
class AdjustStockSuccess:
    product: Product = strawberry.field(description="The product with its new stock.")
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The stock was changed.")
class AddCategoryStockSuccess:
    category_id: strawberry.Private[int]
    replayed: bool = strawberry.field(description=REPLAYED)
    changed_count: int = strawberry.field(description="How many products were changed.")

    category: Category | None = named(
        models.Category, "category_id", "The category; null when it has been deleted since."
    )


AdjustStockResult = Annotated[
    AdjustStockSuccess
    | ValidationError
    | NotFoundError
    | OutOfStockError
    | VersionConflictError
    | IdempotencyConflictError,
    strawberry.union("AdjustStockResult", description="What came of changing the stock."),
]
AddCategoryStockResult = Annotated[
    AddCategoryStockSuccess | ValidationError | NotFoundError | OutOfStockError | IdempotencyConflictError,
    strawberry.union("AddCategoryStockResult", description="What came of adding stock."),
]


@strawberry.type
class StockMutations:
    @strawberry.mutation(description="Change the stock of one product.")
    async def adjust_stock(self, info: Info, input: AdjustStockInput) -> AdjustStockResult:
        outcome = await info.context.write_once(
            input.idempotency_key,
            services.adjust_stock,
            product_id=decode_id(Product, input.product_id),
            delta=input.delta,
            reason=value_or_none(input.reason),
            expected_stock=value_or_none(input.expected_stock),
        )
        return AdjustStockSuccess(product=Product.from_row(outcome.result), replayed=outcome.replayed)

    @strawberry.mutation(description="Add stock to every product of a category, or to none.")
    async def add_category_stock(self, info: Info, input: AddCategoryStockInput) -> AddCategoryStockResult:
        category_id = decode_id(Category, input.category_id)
        outcome = await info.context.write_once(
            input.idempotency_key, services.add_category_stock, category_id=category_id, quantity=input.quantity
        )
        return AddCategoryStockSuccess(changed_count=outcome.result, category_id=category_id, replayed=outcome.replayed)
