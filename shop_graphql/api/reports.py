"""Reports for the shop's people."""

from datetime import datetime
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any

import strawberry
from sqlalchemy import Select

from shop_graphql import models
from shop_graphql.api.catalog import Product
from shop_graphql.api.connections import checked_limit
from shop_graphql.api.context import Info
from shop_graphql.api.enums import Interval
from shop_graphql.api.fields import to_one
from shop_graphql.api.nodes import SOURCE, row_field
from shop_graphql.api.scalars import Money, WholeNumber
from shop_graphql.api.sources import Column, Listed, Same
from shop_graphql.calendar import bounds, zone
from shop_graphql.deferred import checked, later
from shop_graphql.errors import BadArgument
from shop_graphql.statements import reports
from shop_graphql.statements.sorting import Sort

MAX_BUCKETS = 1000
MAX_PRODUCTS = 100

_RANGE = strawberry.argument(description="The time to report on.")
_INTERVAL = strawberry.argument(description=f"How long each part of it is; at most {MAX_BUCKETS} parts.")
_ZONE = strawberry.argument(description='The IANA time zone whose days, weeks and months count: "Europe/Berlin".')
_FIRST = strawberry.argument(description=f"How many products, 1 to {MAX_PRODUCTS}.")


@strawberry.input(description="A stretch of time.")
class ReportRange:
    gte: datetime = strawberry.field(description="Where it begins.")
    lt: datetime = strawberry.field(description="Where it ends; this moment is no longer part of it.")


@strawberry.type(description="What was sold in one interval.")
class Sales:
    row: strawberry.Private[Any]

    from_: datetime = row_field(Column("from_"), "Where the interval begins.", name="from")
    to: datetime = row_field(Column("to"), "Where it ends.")
    order_count: int = row_field(Column("order_count"), "How many orders were placed.")
    units_sold: WholeNumber = row_field(Column("units_sold"), "How many pieces were sold.")
    revenue: Money = row_field(Column("revenue"), "What the orders cost together.")
    average_order_value: Money = row_field(
        Column("average_order_value"),
        "What an order cost on average, rounded half up to the cent; 0.00 without orders.",
    )


@strawberry.type(description="What was sold of one product.")
class ProductSales:
    row: strawberry.Private[Any]

    units_sold: WholeNumber = row_field(Column("units_sold"), "How many pieces were sold.")
    revenue: Money = row_field(Column("revenue"), "What they cost together, at the prices of their orders.")
    product: Product = to_one(models.OrderItem.product, "The product.")


def _sales(range: Any, interval: Interval, time_zone: Any) -> Select[Any]:
    return reports.sales(checked(_edges, (range, interval, time_zone)))


def _top_products(range: Any, first: Any) -> Select[*tuple[Any, ...]]:
    stretch = checked(_checked, range)
    start, end = (later(attrgetter(name), stretch) for name in ("gte", "lt"))
    return reports.top_products(start, end, checked(partial(checked_limit, "first", MAX_PRODUCTS), first))


@strawberry.type(description="What was sold. Cancelled orders are left out.")
class Reports:
    @strawberry.field(
        description="What was sold in each interval, those without orders too.",
        metadata={SOURCE: Listed(_sales, (Sort("from_"),))},
    )
    async def sales(
        self,
        info: Info,
        range: Annotated[ReportRange, _RANGE],
        interval: Annotated[Interval, _INTERVAL],
        time_zone: Annotated[str, _ZONE] = "UTC",
    ) -> list[Sales]:
        return [Sales(row=row) for row in await info.context.reads.execute(_sales(range, interval, time_zone))]

    @strawberry.field(
        description="The products that brought most, best first.",
        metadata={SOURCE: Listed(_top_products, (Sort("revenue", descending=True), Sort("product_id")))},
    )
    async def top_products(
        self, info: Info, range: Annotated[ReportRange, _RANGE], first: Annotated[int, _FIRST] = 10
    ) -> list[ProductSales]:
        return [ProductSales(row=row) for row in await info.context.reads.execute(_top_products(range, first))]


@strawberry.type
class ReportQueries:
    @strawberry.field(description="Reports for the shop's people.", metadata={SOURCE: Same()})
    def reports(self) -> Reports:
        return Reports()


def _checked(range: ReportRange) -> ReportRange:
    if range.gte >= range.lt:
        raise BadArgument("A range must end after it begins.")
    return range


def _edges(report: tuple[ReportRange, Interval, str]) -> list[datetime]:
    range, interval, time_zone = report
    _checked(range)
    where = zone(time_zone)
    if where is None:
        raise BadArgument("timeZone must be an IANA time zone, such as Europe/Berlin.")
    try:
        edges = list(islice(bounds(range.gte, range.lt, interval, where), MAX_BUCKETS + 2))
    except OverflowError:
        raise BadArgument("The range reaches beyond the calendar.") from None
    if len(edges) > MAX_BUCKETS + 1:
        raise BadArgument(f"That would be more than {MAX_BUCKETS} intervals; ask for a shorter range or a longer one.")
    return edges
