"""Changes of the catalogue in the graph."""

from typing import Annotated, Any

import strawberry

from shop_graphql import services
from shop_graphql.api.catalog import Category, Product
from shop_graphql.api.context import Info
from shop_graphql.api.errors import (
    AlreadyExistsError,
    IdempotencyConflictError,
    InUseError,
    NotFoundError,
    ValidationError,
    VersionConflictError,
)
from shop_graphql.api.inputs import KEY, REPLAYED, VERSION, given, value_or_none
from shop_graphql.api.nodes import decode_id
from shop_graphql.api.scalars import Money


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
    idempotency_key: str = strawberry.field(description=KEY)
    name: str = strawberry.field(description="At most 200 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is; at most 20,000 characters.")
    price: Money = strawberry.field(description="What one costs: 0.00 to 99999999.99.")
    stock_quantity: int = strawberry.field(default=0, description="How many there are: 0 to 1,000,000,000.")
    sku: strawberry.Maybe[str | None] = strawberry.field(description="At most 64 characters; unique.")
    category: ProductCategoryInput = strawberry.field(description="Where it is found.")


@strawberry.input(description="A new price for a product.")
class UpdateProductPriceInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    price: Money = strawberry.field(description="What one costs from now on: 0.00 to 99999999.99.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)


@strawberry.input(description="Changes of a product. What is absent stays as it is.")
class UpdateProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)
    name: strawberry.Maybe[str] = strawberry.field(description="At most 200 characters. Orders keep the old name.")
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="What it is, at most 20,000 characters; null removes it."
    )
    price: strawberry.Maybe[Money] = strawberry.field(description="What one costs from now on: 0.00 to 99999999.99.")
    sku: strawberry.Maybe[str | None] = strawberry.field(description="At most 64 characters; null removes it.")
    category_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Where it is found from now on.")

    def changes(self) -> dict[str, Any]:
        """Return what is to be changed, as the services take it."""
        changes = given(name=self.name, description=self.description, price=self.price, sku=self.sku)
        if self.category_id:
            changes["category_id"] = decode_id(Category, self.category_id.value)
        return changes


@strawberry.input(description="Changes of a category. What is absent stays as it is.")
class UpdateCategoryInput:
    category_id: strawberry.ID = strawberry.field(description="The category.")
    name: strawberry.Maybe[str] = strawberry.field(description="At most 100 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="At most 500 characters; null removes it.")


@strawberry.input(description="A product to take off the lists.")
class ArchiveProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)


@strawberry.input(description="An archived product to sell again.")
class RestoreProductInput:
    product_id: strawberry.ID = strawberry.field(description="The product.")
    expected_version: strawberry.Maybe[int] = strawberry.field(description=VERSION)


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
    replayed: bool = strawberry.field(description=REPLAYED)


@strawberry.type(description="The price was changed.")
class UpdateProductPriceSuccess:
    product: Product = strawberry.field(description="The product with its new price.")


@strawberry.type(description="The product was changed.")
class UpdateProductSuccess:
    product: Product = strawberry.field(description="The product as it is now.")


@strawberry.type(description="The category was changed.")
class UpdateCategorySuccess:
    category: Category = strawberry.field(description="The category as it is now.")


@strawberry.type(description="The product is archived.")
class ArchiveProductSuccess:
    product: Product = strawberry.field(description="The archived product.")


@strawberry.type(description="The product is sold again.")
class RestoreProductSuccess:
    product: Product = strawberry.field(description="The product.")


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
    CreateProductSuccess | ValidationError | NotFoundError | AlreadyExistsError | IdempotencyConflictError,
    strawberry.union("CreateProductResult", description="What came of creating a product."),
]
UpdateProductPriceResult = Annotated[
    UpdateProductPriceSuccess | ValidationError | NotFoundError | VersionConflictError,
    strawberry.union("UpdateProductPriceResult", description="What came of changing a price."),
]
UpdateProductResult = Annotated[
    UpdateProductSuccess | ValidationError | NotFoundError | AlreadyExistsError | VersionConflictError,
    strawberry.union("UpdateProductResult", description="What came of changing a product."),
]
UpdateCategoryResult = Annotated[
    UpdateCategorySuccess | ValidationError | NotFoundError | AlreadyExistsError,
    strawberry.union("UpdateCategoryResult", description="What came of changing a category."),
]
ArchiveProductResult = Annotated[
    ArchiveProductSuccess | NotFoundError | VersionConflictError,
    strawberry.union("ArchiveProductResult", description="What came of archiving a product."),
]
RestoreProductResult = Annotated[
    RestoreProductSuccess | NotFoundError | VersionConflictError,
    strawberry.union("RestoreProductResult", description="What came of selling a product again."),
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
        category = await info.context.write(services.create_category, new=input.value())
        return CreateCategorySuccess(category=Category.from_row(category))

    @strawberry.mutation(description="Change a category.")
    async def update_category(self, info: Info, input: UpdateCategoryInput) -> UpdateCategoryResult:
        changes = given(name=input.name, description=input.description)
        category_id = decode_id(Category, input.category_id)
        category = await info.context.write(services.update_category, category_id=category_id, changes=changes)
        return UpdateCategorySuccess(category=Category.from_row(category))

    @strawberry.mutation(description="Create a product, in a category that exists or together with a new one.")
    async def create_product(self, info: Info, input: CreateProductInput) -> CreateProductResult:
        outcome = await info.context.write_once(
            input.idempotency_key,
            services.create_product,
            name=input.name,
            description=value_or_none(input.description),
            price=input.price,
            stock_quantity=input.stock_quantity,
            sku=value_or_none(input.sku),
            category=_category(input.category),
        )
        return CreateProductSuccess(product=Product.from_row(outcome.result), replayed=outcome.replayed)

    @strawberry.mutation(description="Change a product. Orders keep the name and the price they were made with.")
    async def update_product(self, info: Info, input: UpdateProductInput) -> UpdateProductResult:
        product = await info.context.write(
            services.update_product,
            product_id=decode_id(Product, input.product_id),
            changes=input.changes(),
            expected_version=value_or_none(input.expected_version),
        )
        return UpdateProductSuccess(product=Product.from_row(product))

    @strawberry.mutation(description="Change what a product costs from now on; orders keep the price they had.")
    async def update_product_price(self, info: Info, input: UpdateProductPriceInput) -> UpdateProductPriceResult:
        product = await info.context.write(
            services.update_product,
            product_id=decode_id(Product, input.product_id),
            changes={"price": input.price},
            expected_version=value_or_none(input.expected_version),
        )
        return UpdateProductPriceSuccess(product=Product.from_row(product))

    @strawberry.mutation(
        description="Take a product off the lists and out of orders to come. Its orders still show it."
    )
    async def archive_product(self, info: Info, input: ArchiveProductInput) -> ArchiveProductResult:
        product_id = decode_id(Product, input.product_id)
        version = value_or_none(input.expected_version)
        product = await info.context.write(services.archive_product, product_id=product_id, expected_version=version)
        return ArchiveProductSuccess(product=Product.from_row(product))

    @strawberry.mutation(description="Sell an archived product again.")
    async def restore_product(self, info: Info, input: RestoreProductInput) -> RestoreProductResult:
        product_id = decode_id(Product, input.product_id)
        version = value_or_none(input.expected_version)
        product = await info.context.write(
            services.archive_product, product_id=product_id, archived=False, expected_version=version
        )
        return RestoreProductSuccess(product=Product.from_row(product))

    @strawberry.mutation(description="Delete a product that was never ordered.")
    async def delete_product(self, info: Info, input: DeleteProductInput) -> DeleteProductResult:
        await info.context.write(services.delete_product, product_id=decode_id(Product, input.product_id))
        return DeleteProductSuccess(deleted_id=input.product_id)

    @strawberry.mutation(description="Delete a category that has no products.")
    async def delete_category(self, info: Info, input: DeleteCategoryInput) -> DeleteCategoryResult:
        await info.context.write(services.delete_category, category_id=decode_id(Category, input.category_id))
        return DeleteCategorySuccess(deleted_id=input.category_id)


def _category(choice: ProductCategoryInput) -> int | services.NewCategory:
    if choice.new:
        return choice.new.value.value()
    return decode_id(Category, choice.id.value if choice.id else "")
