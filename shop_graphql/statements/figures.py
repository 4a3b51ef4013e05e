"""Figures over all rows of a connection, not only its page: aggregates and facets."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Numeric, Select, cast, func, literal_column, select
from sqlalchemy import column as bare_column
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.deferred import later
from shop_graphql.models import ZERO, Order, Product
from shop_graphql.statements.filters import bind
from shop_graphql.statements.pages import Listing, Part

_product = Product.__table__.c
_order = Order.__table__.c


@dataclass(frozen=True)
class ProductFigures(Part):
    """Prices, stock quantities and the value of all stock, in one row."""

    is_slow = True
    columns = {  # noqa: RUF012
        "price_min": Decimal,
        "price_max": Decimal,
        "price_sum": Decimal,
        "price_avg": Decimal,
        "stock_min": int,
        "stock_max": int,
        "stock_sum": int,
        "stock_value": Decimal,
    }

    def rows(self, listing: Listing) -> Select[Any]:
        # Counted per price first: products share prices, and amounts are much slower to add up than integers. An index
        # holds all that is needed, in this order.
        prices = (
            listing.rows(
                _product.price,
                func.count().label("products"),
                func.min(_product.stock_quantity).label("least"),
                func.max(_product.stock_quantity).label("greatest"),
                func.sum(_product.stock_quantity).label("stock"),
            )
            .group_by(_product.price)
            .lateral()
        )
        price, stock = prices.c.price, prices.c.stock
        sum_of_prices = func.sum(price * prices.c.products)
        return select(
            *_spread("price", func.min(price), func.max(price), sum_of_prices),
            func.round(sum_of_prices / func.sum(prices.c.products), 2).label("price_avg"),
            *_spread("stock", func.min(prices.c.least), func.max(prices.c.greatest), cast(func.sum(stock), BigInteger)),
            func.coalesce(func.sum(price * stock), ZERO).label("stock_value"),
        ).select_from(prices)


@dataclass(frozen=True)
class OrderFigures(Part):
    """Total amounts, in one row."""

    is_slow = True
    columns = {"amount_min": Decimal, "amount_max": Decimal, "amount_sum": Decimal, "amount_avg": Decimal}  # noqa: RUF012

    def rows(self, listing: Listing) -> Select[Any]:
        amount = _order.total_amount
        figures = _spread("amount", func.min(amount), func.max(amount), func.sum(amount))
        return listing.rows(*figures, func.round(func.avg(amount), 2).label("amount_avg"))


@dataclass(frozen=True)
class CategoryFacet(Part):
    """Categories and their numbers of products, most products first, as though no category were filtered by."""

    limit: int
    is_slow = True
    columns = {"category_id": int, "count": int}  # noqa: RUF012
    many = True

    def rows(self, listing: Listing) -> Select[Any]:
        rows = listing.rows(_product.category_id, func.count().label("count"), disregarding="category_id")
        best = rows.group_by(_product.category_id).order_by(func.count().desc(), _product.category_id)
        return best.limit(bind(self.limit, Integer()))

    def order(self, rows: FromClause) -> Sequence[ColumnElement[Any]]:
        return rows.c["count"].desc(), rows.c.category_id


@dataclass(frozen=True)
class PriceFacet(Part):
    """Numbers of products below, between and above the ascending `bounds`, as though no price were filtered by."""

    bounds: tuple[Decimal, ...]
    is_slow = True
    columns = {"from_": Decimal, "to": Decimal, "count": int, "bucket": int}  # noqa: RUF012
    many = True

    def rows(self, listing: Listing) -> Select[Any]:
        prices = listing.rows(_product.price, func.count().label("products"), disregarding="price")
        grouped = prices.group_by(_product.price).order_by(_product.price).lateral()
        bucket = func.width_bucket(grouped.c.price, _amounts(later(list, self.bounds)))
        counts = select(bucket.label("bucket"), func.sum(grouped.c.products).label("count")).select_from(grouped)
        found = counts.group_by(bucket).lateral()
        buckets = (
            func.unnest(_amounts(later(_lower, self.bounds)), _amounts(later(_upper, self.bounds)))
            .table_valued(bare_column("from_", Numeric), bare_column("to", Numeric), with_ordinality="bucket")
            .render_derived()
        )
        count = cast(func.coalesce(found.c["count"], 0), BigInteger).label("count")
        listed = select(buckets.c.from_, buckets.c.to, count, buckets.c.bucket)
        return listed.join_from(buckets, found, found.c.bucket == buckets.c.bucket - 1, isouter=True)

    def order(self, rows: FromClause) -> Sequence[ColumnElement[Any]]:
        return (rows.c.bucket,)


def _spread(
    name: str, least: ColumnElement[Any], greatest: ColumnElement[Any], total: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    total = func.coalesce(total, ZERO if isinstance(total.type, Numeric) else literal_column("0"))
    return [least.label(f"{name}_min"), greatest.label(f"{name}_max"), total.label(f"{name}_sum")]


def _amounts(values: Any) -> ColumnElement[Any]:
    return bind(values, ARRAY(Numeric()))


def _lower(bounds: Sequence[Decimal]) -> list[Decimal | None]:
    return [None, *bounds]


def _upper(bounds: Sequence[Decimal]) -> list[Decimal | None]:
    return [*bounds, None]
