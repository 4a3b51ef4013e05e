"""Figures over all rows of a connection, not only its page: aggregates and facets."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, JSON, BigInteger, ColumnElement, Numeric, Select, Text, cast, func, literal_column, select
from sqlalchemy import bindparam as bind

from shop_graphql.models import Order, Product
from shop_graphql.statements.pages import Listing, Part

_product = Product.__table__.c
_order = Order.__table__.c


@dataclass(frozen=True)
class ProductFigures(Part):
    """An object of prices, stock quantities and the value of all stock; every number is a text, or null of no rows."""

    def select(self, listing: Listing) -> Select[Any]:
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
        sum_of_prices, products = func.sum(price * prices.c.products), func.sum(prices.c.products)
        figures = {
            "price": _spread(func.min(price), func.max(price), sum_of_prices, sum_of_prices / products),
            "stock_quantity": _spread(func.min(prices.c.least), func.max(prices.c.greatest), func.sum(stock)),
            "stock_value": _text(func.coalesce(func.sum(price * stock), 0)),
        }
        return select(_object(figures).label("value")).select_from(prices)


@dataclass(frozen=True)
class OrderFigures(Part):
    """An object of total amounts; every number is a text, or null of no rows."""

    def select(self, listing: Listing) -> Select[Any]:
        amount = _order.total_amount
        figures = _spread(func.min(amount), func.max(amount), func.sum(amount), func.avg(amount))
        return listing.rows(_object({"total_amount": figures}).label("value"))


@dataclass(frozen=True)
class CategoryFacet(Part):
    """A list of [category's id, number of products], most products first, as though no category were filtered by."""

    limit: int

    def select(self, listing: Listing) -> Select[Any]:
        rows = listing.rows(_product.category_id, func.count().label("count"), disregarding="category_id")
        counts = (
            rows.group_by(_product.category_id)
            .order_by(func.count().desc(), _product.category_id)
            .limit(self.limit)
            .lateral()
        )
        pair = func.json_build_array(counts.c.category_id, counts.c["count"])
        return select(_list(pair, counts.c["count"].desc(), counts.c.category_id)).select_from(counts)


@dataclass(frozen=True)
class PriceFacet(Part):
    """A list of [bucket, number of products] as though no price were filtered by; buckets without products are absent.

    Bucket 0 lies below the first of the ascending `bounds`, bucket n from the n-th bound up.
    """

    bounds: tuple[Decimal, ...]

    def select(self, listing: Listing) -> Select[Any]:
        prices = listing.rows(_product.price, func.count().label("products"), disregarding="price")
        grouped = prices.group_by(_product.price).order_by(_product.price).lateral()
        bounds = bind(None, list(self.bounds), type_=ARRAY(Numeric()))
        bucket = func.width_bucket(grouped.c.price, bounds).label("bucket")
        count = cast(func.sum(grouped.c.products), BigInteger).label("count")
        counts = select(bucket, count).select_from(grouped).group_by(bucket).lateral()
        pair = func.json_build_array(counts.c.bucket, counts.c["count"])
        return select(_list(pair, counts.c.bucket)).select_from(counts)


def _spread(
    least: ColumnElement[Any],
    greatest: ColumnElement[Any],
    total: ColumnElement[Any],
    average: ColumnElement[Any] | None = None,
) -> ColumnElement[Any]:
    figures = {"min": _text(least), "max": _text(greatest), "sum": _text(func.coalesce(total, 0))}
    if average is not None:
        figures["avg"] = _text(func.round(average, 2))
    return _object(figures)


def _text(number: ColumnElement[Any]) -> ColumnElement[str]:
    """JSON numbers lose digits on the way through many clients and languages."""
    return cast(number, Text)


def _object(members: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    arguments: list[ColumnElement[Any]] = []
    for name, value in members.items():
        arguments += [literal_column(f"'{name}'"), value]
    return func.json_build_object(*arguments, type_=JSON)


def _list(item: ColumnElement[Any], *order: ColumnElement[Any]) -> ColumnElement[Any]:
    items = func.json_agg(item).aggregate_order_by(*order)
    return func.coalesce(items, func.json_build_array(), type_=JSON).label("value")
