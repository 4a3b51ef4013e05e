"""Reports for the shop's people."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice, pairwise
from typing import Annotated

import strawberry

from shop_graphql.api.catalog import Product
from shop_graphql.api.context import Info
from shop_graphql.api.enums import Interval
from shop_graphql.api.nodes import load_by_id
from shop_graphql.api.scalars import Money, WholeNumber
from shop_graphql.calendar import bounds, zone
from shop_graphql.errors import BadArgument
from shop_graphql.models import CENT
from shop_graphql.statements import reports

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

    def check(self) -> None:
        """Raise BadArgument unless it ends after it begins."""
        if self.gte >= self.lt:
            raise BadArgument("A range must end after it begins.")


@strawberry.type(description="What was sold in one interval.")
class Sales:
    from_: datetime = strawberry.field(name="from", description="Where the interval begins.")
    to: datetime = strawberry.field(description="Where it ends.")
    order_count: int = strawberry.field(description="How many orders were placed.")
    units_sold: WholeNumber = strawberry.field(description="How many pieces were sold.")
    revenue: Money = strawberry.field(description="What the orders cost together.")

    @strawberry.field(description="What an order cost on average, rounded half up to the cent; 0.00 without orders.")
    def average_order_value(self) -> Money:
        return Money((self.revenue / max(self.order_count, 1)).quantize(CENT, ROUND_HALF_UP))


@strawberry.type(description="What was sold of one product.")
class ProductSales:
    product_id: strawberry.Private[int]
    units_sold: WholeNumber = strawberry.field(description="How many pieces were sold.")
    revenue: Money = strawberry.field(description="What they cost together, at the prices of their orders.")

    @strawberry.field(description="The product.")
    async def product(self, info: Info) -> Product:
        found: Product = await load_by_id(info, Product, self.product_id)
        return found


@strawberry.type(description="What was sold. Cancelled orders are left out.")
class Reports:
    @strawberry.field(description="What was sold in each interval, those without orders too.")
    async def sales(
        self,
        info: Info,
        range: Annotated[ReportRange, _RANGE],
        interval: Annotated[Interval, _INTERVAL],
        time_zone: Annotated[str, _ZONE] = "UTC",
    ) -> list[Sales]:
        edges = _edges(range, interval, time_zone)
        rows = await info.context.reads.execute(reports.sales(), reports.sales_parameters(edges))
        found = {row.bucket: row for row in rows}
        return [_sales(start, end, found.get(bucket)) for bucket, (start, end) in enumerate(pairwise(edges), 1)]

    @strawberry.field(description="The products that brought most, best first.")
    async def top_products(
        self, info: Info, range: Annotated[ReportRange, _RANGE], first: Annotated[int, _FIRST] = 10
    ) -> list[ProductSales]:
        range.check()
        if not 1 <= first <= MAX_PRODUCTS:
            raise BadArgument(f"first must be from 1 to {MAX_PRODUCTS}; it is {first}.")
        parameters = {"first": range.gte, "last": range.lt, "limit": first}
        rows = await info.context.reads.execute(reports.top_products(), parameters)
        return [ProductSales(**row._mapping) for row in rows]


@strawberry.type
class ReportQueries:
    @strawberry.field(description="Reports for the shop's people.")
    def reports(self) -> Reports:
        return Reports()


def _edges(range: ReportRange, interval: Interval, time_zone: str) -> list[datetime]:
    range.check()
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


def _sales(start: datetime, end: datetime, row: object) -> Sales:
    return Sales(
        from_=start,
        to=end,
        order_count=getattr(row, "order_count", 0),
        units_sold=WholeNumber(getattr(row, "units_sold", 0)),
        revenue=Money(getattr(row, "revenue", Decimal(0))),
    )
