"""Figures over all elements of a connection, whatever its page: aggregates and facets."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from shop_graphql import models
from shop_graphql.api.connections import View
from shop_graphql.api.context import Info
from shop_graphql.api.nodes import Node, load_by_id
from shop_graphql.api.scalars import Money, WholeNumber
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
    min: Money | None = strawberry.field(description="The least.")
    max: Money | None = strawberry.field(description="The greatest.")
    avg: Money | None = strawberry.field(description="The average, rounded half up to the cent.")
    sum: Money = strawberry.field(description="All of them together.")

    @classmethod
    def from_texts(cls, texts: Mapping[str, str | None]) -> Self:
        """Return the figures that PostgreSQL wrote as texts."""
        amounts = {name: None if text is None else Money(Decimal(text)) for name, text in texts.items()}
        return cls(min=amounts["min"], max=amounts["max"], avg=amounts["avg"], sum=amounts["sum"] or Money(Decimal()))


@strawberry.type(description="Quantities in figures; null where there are none.")
class QuantityFigures:
    min: int | None = strawberry.field(description="The least.")
    max: int | None = strawberry.field(description="The greatest.")
    sum: WholeNumber = strawberry.field(description="All of them together.")

    @classmethod
    def from_texts(cls, texts: Mapping[str, str | None]) -> Self:
        """Return the figures that PostgreSQL wrote as texts."""
        least, greatest = (None if texts[name] is None else int(texts[name] or 0) for name in ("min", "max"))
        return cls(min=least, max=greatest, sum=WholeNumber(int(texts["sum"] or 0)))


@strawberry.type(description="All products of a list in figures.")
class ProductAggregate:
    price: MoneyFigures = strawberry.field(description="What they cost.")
    stock_quantity: QuantityFigures = strawberry.field(description="How many of each can be ordered.")
    stock_value: Money = strawberry.field(description="What all stock is worth at today's prices.")

    @classmethod
    def from_texts(cls, texts: Mapping[str, Any]) -> Self:
        """Return the figures that PostgreSQL wrote as texts."""
        return cls(
            price=MoneyFigures.from_texts(texts["price"]),
            stock_quantity=QuantityFigures.from_texts(texts["stock_quantity"]),
            stock_value=Money(Decimal(texts["stock_value"])),
        )


@strawberry.type(description="All orders of a list in figures.")
class OrderAggregate:
    total_amount: MoneyFigures = strawberry.field(description="What they cost.")

    @classmethod
    def from_texts(cls, texts: Mapping[str, Any]) -> Self:
        """Return the figures that PostgreSQL wrote as texts."""
        return cls(total_amount=MoneyFigures.from_texts(texts["total_amount"]))


@strawberry.type(description="How many products of a list a category has.")
class CategoryFacet:
    category_id: strawberry.Private[int]
    count: int = strawberry.field(description="The number of products.")

    @strawberry.field(description="The category.")
    async def category(self, info: Info) -> Annotated["Category", strawberry.lazy("shop_graphql.api.catalog")]:
        found: Category = await load_by_id(info, Node.by_model[models.Category], self.category_id)
        return found


@strawberry.type(description="How many products of a list cost as much as this.")
class PriceFacet:
    from_: Money | None = strawberry.field(name="from", description="At least this; null in the first bucket.")
    to: Money | None = strawberry.field(description="Less than this; null in the last bucket.")
    count: int = strawberry.field(description="The number of products.")


@strawberry.type(description="How many products further filters would leave.")
class ProductFacets:
    view: strawberry.Private[View]

    @strawberry.field(description="Products per category, most first, as though `where.categoryIds` were not given.")
    async def categories(self, first: Annotated[int, _FIRST] = 20) -> list[CategoryFacet]:
        if not 1 <= first <= MAX_FACETS:
            raise BadArgument(f"first must be from 1 to {MAX_FACETS}; it is {first}.")
        counts = await self.view.load(CategoryFacetPart(first))
        return [CategoryFacet(category_id=category_id, count=count) for category_id, count in counts]

    @strawberry.field(description="Products per price bucket, empty ones too, as though `where.price` were not given.")
    async def prices(self, bounds: Annotated[list[Money], _BOUNDS]) -> list[PriceFacet]:
        _check(bounds)
        counts = dict(await self.view.load(PriceFacetPart(tuple(bounds))))
        edges = [None, *bounds, None]
        return [
            PriceFacet(from_=edges[bucket], to=edges[bucket + 1], count=counts.get(bucket, 0))
            for bucket in range(len(bounds) + 1)
        ]


def _check(bounds: Sequence[Decimal]) -> None:
    if not 1 <= len(bounds) <= MAX_BOUNDS:
        raise BadArgument(f"bounds takes 1 to {MAX_BOUNDS} amounts; these are {len(bounds)}.")
    if any(bound >= following for bound, following in pairwise(bounds)):
        raise BadArgument("bounds must ascend.")
