"""Categories and products in the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from shop_graphql import models, services
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.errors import AlreadyExistsError, InUseError, NotFoundError, OutOfStockError, ValidationError
from shop_graphql.api.fields import column, connection, to_one, value_or_none
from shop_graphql.api.figures import ProductAggregate, ProductFacets
from shop_graphql.api.filters import CategoryWhere, OrderItemWhere, ProductWhere
from shop_graphql.api.nodes import Node, decode_id, load_by_id, load_by_text
from shop_graphql.api.scalars import Money
from shop_graphql.api.sorting import (
    BY_NAME,
    LAST_RECORDED_FIRST,
    NEWEST_FIRST,
    CategorySort,
    OrderItemSort,
    ProductSort,
)
from shop_graphql.loaders.catalog import CategoryStatsById
from shop_graphql.statements.catalog import categories_by_name, category_stats
from shop_graphql.statements.figures import ProductFigures

if TYPE_CHECKING:
    from shop_graphql.api.orders import OrderItem


@strawberry.type(description="A category's products in figures.")
class CategoryStats:
    category_id: strawberry.Private[int]
    product_count: int = strawberry.field(description="How many products it has.")
    total_value: Money = strawberry.field(description="What all stock is worth at today's prices.")
    average_price: Money = strawberry.field(description="What a product costs on average; 0.00 without products.")

    @strawberry.field(description="The category.")
    async def category(self, info: Info) -> "Category":
        found: Category = await load_by_id(info, Category, self.category_id)
        return found

    @classmethod
    def from_row(cls, row: Any) -> Self:
        return cls(**row._mapping)


@strawberry.type(description="A shelf of the shop.")
class Category(Node, model=models.Category, prefix="cat"):
    name: str = column(models.Category.name, "The name; unique.")
    description: str | None = column(models.Category.description, "What is found there.")
    created_at: datetime = column(models.Category.created_at, "When the category was created.")
    products: Annotated["ProductConnection", strawberry.lazy("shop_graphql.api.catalog")] = connection(
        models.Category.products, ProductWhere, ProductSort, NEWEST_FIRST, "The products of the category, newest first."
    )

    @strawberry.field(description="The category's products in figures.")
    async def stats(self, info: Info) -> CategoryStats:
        row = await info.context.loaders.get(CategoryStatsById).load(self.row.id)
        return CategoryStats.from_row(row)


@strawberry.type(description="Something to buy.")
class Product(Node, model=models.Product, prefix="prod"):
    name: str = column(models.Product.name, "The name.")
    description: str | None = column(models.Product.description, "What it is.")
    price: Money = column(models.Product.price, "What one costs today.")
    stock_quantity: int = column(models.Product.stock_quantity, "How many can be ordered.")
    created_at: datetime = column(models.Product.created_at, "When the product was created.")
    category: Category = to_one(models.Product.category, "Where it is found.")
    order_items: Connection[Annotated["OrderItem", strawberry.lazy("shop_graphql.api.orders")]] = connection(
        models.Product.order_items,
        OrderItemWhere,
        OrderItemSort,
        LAST_RECORDED_FIRST,
        "Where it has been ordered, last one first.",
    )


@strawberry.type(description="Products in pages.")
class ProductConnection(Connection[Product], model=models.Product):
    @strawberry.field(description="All products of the list in figures, whatever the page.")
    async def aggregate(self) -> ProductAggregate:
        return ProductAggregate.from_texts(await self.view.load(ProductFigures()))

    @strawberry.field(description="How many products further filters would leave.")
    def facets(self) -> ProductFacets:
        return ProductFacets(view=self.view)


@strawberry.input(one_of=True, description="What names one category.")
class CategoryBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The category's id.")
    name: strawberry.Maybe[str] = strawberry.field(description="The category's name, just as it is written.")


_BY = strawberry.argument(description="Which category.")
_PRODUCT_ID = strawberry.argument(description="The product's id.")


@strawberry.type
class CatalogQueries:
    categories: Connection[Category] = connection(
        models.Category, CategoryWhere, CategorySort, BY_NAME, "All categories, by name."
    )
    products: ProductConnection = connection(
        models.Product,
        ProductWhere,
        ProductSort,
        NEWEST_FIRST,
        "All products, newest first; the best first of a search.",
    )

    @strawberry.field(description="One category, or null.")
    async def category(self, info: Info, by: Annotated[CategoryBy, _BY]) -> Category | None:
        if by.name:
            found: Category | None = await load_by_text(info, Category, categories_by_name, by.name.value)
        elif by.id:
            found = await load_by_id(info, Category, decode_id(Category, by.id.value))
        return found

    @strawberry.field(description="One product, or null.")
    async def product(self, info: Info, id: Annotated[strawberry.ID, _PRODUCT_ID]) -> Product | None:
        found: Product | None = await load_by_id(info, Product, decode_id(Product, id))
        return found

    @strawberry.field(description="The figures of every category, by the category's name.")
    async def category_stats(self, info: Info) -> list[CategoryStats]:
        rows = await info.context.reads.execute(category_stats())
        return [CategoryStats.from_row(row) for row in rows]


@strawberry.input(description="A new category.")
class CreateCategoryInput:
    name: str = strawberry.field(description="At most 100 characters; no other category may have it.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="At most 500 characters.")

    def value(self) -> services.NewCategory:
        """Return the input as the services take it."""
        return services.NewCategory(self.name, value_or_none(self.description))


@strawberry.input(one_of=True, description="A category that exists, or a new one.")
class ProductCategoryInput:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The id of a category that exists.")
    new: strawberry.Maybe[CreateCategoryInput] = strawberry.field(description="A category to create with the product.")


@strawberry.input(description="A new product.")
class CreateProductInput:
    name: str = strawberry.field(description="At most 200 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is.")
    price: Money = strawberry.field(description="What one costs: 0.00 to 99999999.99.")
    stock_quantity: int = strawberry.field(default=0, description="How many there are: 0 to 1,000,000,000.")
    category: ProductCategoryInput = strawberry.field(description="Where it is found.")


@strawberry.input(description="A new price for a product.")
class UpdateProductPriceInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    price: Money = strawberry.field(description="What one costs from now on: 0.00 to 99999999.99.")


@strawberry.input(description="Stock for all products of a category.")
class AddCategoryStockInput:
    category_id: strawberry.ID = strawberry.field(description="The category.")
    quantity: int = strawberry.field(description="How many to add to each product's stock; negative takes away.")


@strawberry.input(description="A product to delete.")
class DeleteProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")


@strawberry.input(description="A category to delete.")
class DeleteCategoryInput:
    category_id: strawberry.ID = strawberry.field(description="The category.")


@strawberry.type(description="The category was created.")
class CreateCategorySuccess:
    category: Category = strawberry.field(description="The new category.")


@strawberry.type(description="The product was created.")
class CreateProductSuccess:
    product: Product = strawberry.field(description="The new product.")


@strawberry.type(description="The price was changed.")
class UpdateProductPriceSuccess:
    product: Product = strawberry.field(description="The product with its new price.")


@strawberry.type(description="The stock was changed.")
class AddCategoryStockSuccess:
    category_id: strawberry.Private[int]
    changed_count: int = strawberry.field(description="How many products were changed.")

    @strawberry.field(description="The category; null when it has been deleted since.")
    async def category(self, info: Info) -> Category | None:
        found: Category | None = await load_by_id(info, Category, self.category_id)
        return found


@strawberry.type(description="The product was deleted.")
class DeleteProductSuccess:
    deleted_id: strawberry.ID = strawberry.field(description="The id that names nothing any more.")


@strawberry.type(description="The category was deleted.")
class DeleteCategorySuccess:
    deleted_id: strawberry.ID = strawberry.field(description="The id that names nothing any more.")


CreateCategoryResult = Annotated[
    CreateCategorySuccess | ValidationError | AlreadyExistsError,
    strawberry.union("CreateCategoryResult", description="What came of creating a category."),
]
CreateProductResult = Annotated[
    CreateProductSuccess | ValidationError | NotFoundError | AlreadyExistsError,
    strawberry.union("CreateProductResult", description="What came of creating a product."),
]
UpdateProductPriceResult = Annotated[
    UpdateProductPriceSuccess | ValidationError | NotFoundError,
    strawberry.union("UpdateProductPriceResult", description="What came of changing a price."),
]
AddCategoryStockResult = Annotated[
    AddCategoryStockSuccess | ValidationError | NotFoundError | OutOfStockError,
    strawberry.union("AddCategoryStockResult", description="What came of adding stock."),
]
DeleteProductResult = Annotated[
    DeleteProductSuccess | NotFoundError | InUseError,
    strawberry.union("DeleteProductResult", description="What came of deleting a product."),
]
DeleteCategoryResult = Annotated[
    DeleteCategorySuccess | NotFoundError | InUseError,
    strawberry.union("DeleteCategoryResult", description="What came of deleting a category."),
]


@strawberry.type
class CatalogMutations:
    @strawberry.mutation(description="Create a category.")
    async def create_category(self, info: Info, input: CreateCategoryInput) -> CreateCategoryResult:
        async with info.context.transaction() as session:
            category = await services.create_category(session, new=input.value())
        return CreateCategorySuccess(category=Category.from_row(category))

    @strawberry.mutation(description="Create a product, in a category that exists or together with a new one.")
    async def create_product(self, info: Info, input: CreateProductInput) -> CreateProductResult:
        async with info.context.transaction() as session:
            product = await services.create_product(
                session,
                name=input.name,
                description=value_or_none(input.description),
                price=input.price,
                stock_quantity=input.stock_quantity,
                category=_category(input.category),
            )
        return CreateProductSuccess(product=Product.from_row(product))

    @strawberry.mutation(
        description="Change what a product costs from now on; orders keep the price they were made at."
    )
    async def update_product_price(self, info: Info, input: UpdateProductPriceInput) -> UpdateProductPriceResult:
        async with info.context.transaction() as session:
            product_id = decode_id(Product, input.product_id)
            product = await services.update_product_price(session, product_id=product_id, price=input.price)
        return UpdateProductPriceSuccess(product=Product.from_row(product))

    @strawberry.mutation(description="Add stock to every product of a category, or to none.")
    async def add_category_stock(self, info: Info, input: AddCategoryStockInput) -> AddCategoryStockResult:
        category_id = decode_id(Category, input.category_id)
        async with info.context.transaction() as session:
            count = await services.add_category_stock(session, category_id=category_id, quantity=input.quantity)
        return AddCategoryStockSuccess(changed_count=count, category_id=category_id)

    @strawberry.mutation(description="Delete a product that was never ordered.")
    async def delete_product(self, info: Info, input: DeleteProductInput) -> DeleteProductResult:
        async with info.context.transaction() as session:
            await services.delete_product(session, product_id=decode_id(Product, input.product_id))
        return DeleteProductSuccess(deleted_id=input.product_id)

    @strawberry.mutation(description="Delete a category that has no products.")
    async def delete_category(self, info: Info, input: DeleteCategoryInput) -> DeleteCategoryResult:
        async with info.context.transaction() as session:
            await services.delete_category(session, category_id=decode_id(Category, input.category_id))
        return DeleteCategorySuccess(deleted_id=input.category_id)


def _category(choice: ProductCategoryInput) -> int | services.NewCategory:
    if choice.new:
        return choice.new.value.value()
    return decode_id(Category, choice.id.value if choice.id else "")
