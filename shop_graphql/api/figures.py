"""Figures over all elements of a connection, whatever its page: aggregates and facets."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from shop_graphql import models
from shop_graphql.api.connections import View, checked_limit
from shop_graphql.api.fields import to_one
from shop_graphql.api.nodes import SOURCE, row_field
from shop_graphql.api.paging import Asked
from shop_graphql.api.scalars import Money, WholeNumber
from shop_graphql.api.sources import Column, Group
from shop_graphql.deferred import checked
from shop_graphql.errors import BadArgument
from shop_graphql.statements.figures import CategoryFacet as CategoryFacetPart
from shop_graphql.statements.figures import PriceFacet as PriceFacetPart

if TYPE_CHECKING:
    from shop_graphql.api.catalog import Category

MAX_FACETS = 100
MAX_BOUNDS = 20

_FIRST = strawberry.argument(description=f"How many categories, 1 to {MAX_FACETS}; those with most products.")
_BOUNDS = strawberry.argument(
    description=f"Where one bucket ends and the next begins, ascending, 1 to {MAX_BOUNDS} amounts."
)


@strawberry.type(description="Amounts in figures; null where there are none.")
class MoneyFigures:
    row: strawberry.Private[Any]

    min: Money | None = row_field(Column("min"), "The least.")
    max: Money | None = row_field(Column("max"), "The greatest.")
    avg: Money | None = row_field(Column("avg"), "The average, rounded half up to the cent.")
    sum: Money = row_field(Column("sum"), "All of them together.")


@strawberry.type(description="Quantities in figures; null where there are none.")
class QuantityFigures:
    row: strawberry.Private[Any]

    min: int | None = row_field(Column("min"), "The least.")
    max: int | None = row_field(Column("max"), "The greatest.")
    sum: WholeNumber = row_field(Column("sum"), "All of them together.")


@strawberry.type(description="All products of a list in figures.")
class ProductAggregate:
    row: strawberry.Private[Any]

    price: MoneyFigures = row_field(Group(MoneyFigures, "price_"), "What they cost.")
    stock_quantity: QuantityFigures = row_field(Group(QuantityFigures, "stock_"), "How many of each can be ordered.")
    stock_value: Money = row_field(Column("stock_value"), "What all stock is worth at today's prices.")


@strawberry.type(description="All orders of a list in figures.")
class OrderAggregate:
    row: strawberry.Private[Any]

    total_amount: MoneyFigures = row_field(Group(MoneyFigures, "amount_"), "What they cost.")


@strawberry.type(description="How many products of a list a category has.")
class CategoryFacet:
    row: strawberry.Private[Any]

    count: int = row_field(Column("count"), "The number of products.")
    category: Annotated["Category", strawberry.lazy("shop_graphql.api.catalog")] = to_one(
        models.Product.category, "The category."
    )


@strawberry.type(description="How many products of a list cost as much as this.")
class PriceFacet:
    row: strawberry.Private[Any]

    from_: Money | None = row_field(Column("from_"), "At least this; null in the first bucket.", name="from")
    to: Money | None = row_field(Column("to"), "Less than this; null in the last bucket.")
    count: int = row_field(Column("count"), "The number of products.")


def _categories(first: Any) -> CategoryFacetPart:
    return CategoryFacetPart(checked(partial(checked_limit, "first", MAX_FACETS), first))


def _prices(bounds: Any) -> PriceFacetPart:
    return PriceFacetPart(checked(_checked_bounds, bounds))


def _checked_bounds(bounds: Sequence[Decimal]) -> tuple[Decimal, ...]:
    if not 1 <= len(bounds) <= MAX_BOUNDS:
        raise BadArgument(f"bounds takes 1 to {MAX_BOUNDS} amounts; these are {len(bounds)}.")
    if any(bound >= following for bound, following in pairwise(bounds)):
        raise BadArgument("bounds must ascend.")
    return tuple(bounds)


@strawberry.type(description="How many products further filters would leave.")
class ProductFacets:
    view: strawberry.Private[View]

    @strawberry.field(
        description="Products per category, most first, as though `where.categoryIds` were not given.",
        metadata={SOURCE: Asked(_categories)},
    )
    async def categories(self, first: Annotated[int, _FIRST] = 20) -> list[CategoryFacet]:
        return [CategoryFacet(row=row) for row in await self.view.load(_categories(first))]

    @strawberry.field(
        description="Products per price bucket, empty ones too, as though `where.price` were not given.",
        metadata={SOURCE: Asked(_prices)},
    )
    async def prices(self, bounds: Annotated[list[Money], _BOUNDS]) -> list[PriceFacet]:
        return [PriceFacet(row=row) for row in await self.view.load(_prices(bounds))]
