"""Categories and products in the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement

from shop_graphql import models
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.fields import column, connection, to_one
from shop_graphql.api.figures import ProductAggregate, ProductFacets
from shop_graphql.api.filters import CategoryWhere, OrderItemWhere, ProductWhere, StockMovementWhere
from shop_graphql.api.nodes import SOURCE, Node, bind_text, decode_id, has_id, load_by_id, load_by_text, row_field
from shop_graphql.api.paging import Asked
from shop_graphql.api.scalars import Money
from shop_graphql.api.sorting import (
    BY_NAME,
    LAST_RECORDED_FIRST,
    NEWEST_FIRST,
    CategorySort,
    OrderItemSort,
    ProductSort,
    StockMovementSort,
)
from shop_graphql.api.sources import Column, Listed, Lookup, Same, Single
from shop_graphql.loaders.catalog import CategoryStatsById
from shop_graphql.statements.catalog import categories_by_name, category_stats, category_stats_of, has_name
from shop_graphql.statements.figures import ProductFigures
from shop_graphql.statements.sorting import Sort

if TYPE_CHECKING:
    from shop_graphql.api.orders import OrderItem
    from shop_graphql.api.stock import StockMovement


@strawberry.type(description="A category's products in figures.")
class CategoryStats:
    row: strawberry.Private[Any]

    product_count: int = row_field(Column("product_count"), "How many products it has.")
    total_value: Money = row_field(Column("total_value"), "What all stock is worth at today's prices.")
    average_price: Money = row_field(Column("average_price"), "What a product costs on average; 0.00 without products.")
    category: Annotated["Category", strawberry.lazy("shop_graphql.api.catalog")] = to_one(
        models.Product.category, "The category."
    )


@strawberry.type(description="A shelf of the shop.")
class Category(Node, model=models.Category, prefix="cat"):
    name: str = column(models.Category.name, "The name; unique.")
    description: str | None = column(models.Category.description, "What is found there.")
    created_at: datetime = column(models.Category.created_at, "When the category was created.")
    products: Annotated["ProductConnection", strawberry.lazy("shop_graphql.api.catalog")] = connection(
        models.Category.products, ProductWhere, ProductSort, NEWEST_FIRST, "The products of the category, newest first."
    )

    @strawberry.field(
        description="The category's products in figures.",
        metadata={SOURCE: Single(lambda category: category_stats_of(category.c.id))},
    )
    async def stats(self, info: Info) -> CategoryStats:
        return CategoryStats(row=await info.context.loaders.get(CategoryStatsById).load(self.row.id))


@strawberry.type(description="Something to buy.")
class Product(Node, model=models.Product, prefix="prod"):
    name: str = column(models.Product.name, "The name.")
    description: str | None = column(models.Product.description, "What it is.")
    price: Money = column(models.Product.price, "What one costs today.")
    stock_quantity: int = column(models.Product.stock_quantity, "How many can be ordered.")
    created_at: datetime = column(models.Product.created_at, "When the product was created.")
    sku: str | None = column(models.Product.sku, "The stock keeping unit: the shop's own, unique name for it.")
    version: int = column(models.Product.version, "Raised by every change; see `expectedVersion`.")
    archived_at: datetime | None = column(
        models.Product.archived_at, "Since when it is no longer sold and off the lists; null while it is sold."
    )
    category: Category = to_one(models.Product.category, "Where it is found.")
    order_items: Connection[Annotated["OrderItem", strawberry.lazy("shop_graphql.api.orders")]] = connection(
        models.Product.order_items,
        OrderItemWhere,
        OrderItemSort,
        LAST_RECORDED_FIRST,
        "Where it has been ordered, last one first.",
    )
    stock_movements: Connection[Annotated["StockMovement", strawberry.lazy("shop_graphql.api.stock")]] = connection(
        models.Product.stock_movements,
        StockMovementWhere,
        StockMovementSort,
        LAST_RECORDED_FIRST,
        "Every change of its stock, last one first.",
    )


@strawberry.type(description="Products in pages.")
class ProductConnection(Connection[Product], model=models.Product):
    @strawberry.field(
        description="All products of the list in figures, whatever the page.", metadata={SOURCE: Asked(ProductFigures)}
    )
    async def aggregate(self) -> ProductAggregate:
        return ProductAggregate(row=await self.view.load(ProductFigures()))

    @strawberry.field(description="How many products further filters would leave.", metadata={SOURCE: Same()})
    def facets(self) -> ProductFacets:
        return ProductFacets(view=self.view)


@strawberry.input(one_of=True, description="What names one category.")
class CategoryBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The category's id.")
    name: strawberry.Maybe[str] = strawberry.field(description="The category's name, just as it is written.")


def _named(by: CategoryBy) -> ColumnElement[bool]:
    if by.name:
        return has_name(bind_text(by.name.value))
    return has_id(Category, by.id.value if by.id else "")


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

    @strawberry.field(description="One category, or null.", metadata={SOURCE: Lookup(models.Category, _named)})
    async def category(self, info: Info, by: Annotated[CategoryBy, _BY]) -> Category | None:
        if by.name:
            found: Category | None = await load_by_text(info, Category, categories_by_name, by.name.value)
        elif by.id:
            found = await load_by_id(info, Category, decode_id(Category, by.id.value))
        return found

    @strawberry.field(
        description="One product, or null.",
        metadata={SOURCE: Lookup(models.Product, lambda id: has_id(Product, id))},
    )
    async def product(self, info: Info, id: Annotated[strawberry.ID, _PRODUCT_ID]) -> Product | None:
        found: Product | None = await load_by_id(info, Product, decode_id(Product, id))
        return found

    @strawberry.field(
        description="The figures of every category, by the category's name.",
        metadata={SOURCE: Listed(category_stats, (Sort("name"),))},
    )
    async def category_stats(self, info: Info) -> list[CategoryStats]:
        rows = await info.context.reads.execute(category_stats())
        return [CategoryStats(row=row) for row in rows]
