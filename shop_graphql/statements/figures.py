"""Figures over all rows of a connection, not only its page: aggregates and facets."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, JSON, ColumnElement, Numeric, Select, Text, cast, func, literal_column, select
from sqlalchemy import bindparam as bind

from shop_graphql.models import Order, Product
from shop_graphql.statements.pages import Listing, Part

_product = Product.__table__.c
_order = Order.__table__.c

Amounts = dict[str, ColumnElement[Any]]


@dataclass(frozen=True)
class ProductFigures(Part):
    """An object of prices, stock quantities and the value of all stock; every number is a text, or null of no rows."""

    def select(self, listing: Listing) -> Select[Any]:
        value = func.coalesce(func.sum(_product.price * _product.stock_quantity), 0)
        return _object(
            listing,
            price=_spread(_product.price),
            stock_quantity=_spread(_product.stock_quantity),
            stock_value=cast(value, Text),
        )


@dataclass(frozen=True)
class OrderFigures(Part):
    """An object of total amounts; every number is a text, or null of no rows."""

    def select(self, listing: Listing) -> Select[Any]:
        return _object(listing, total_amount=_spread(_order.total_amount))


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
        bounds = bind(None, list(self.bounds), type_=ARRAY(Numeric()))
        bucket = func.width_bucket(_product.price, bounds).label("bucket")
        counts = listing.rows(bucket, func.count().label("count"), disregarding="price").group_by(bucket).lateral()
        pair = func.json_build_array(counts.c.bucket, counts.c["count"])
        return select(_list(pair, counts.c.bucket)).select_from(counts)


def _object(listing: Listing, **members: ColumnElement[Any]) -> Select[Any]:
    return listing.rows(_json(members).label("value"))


def _json(members: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    arguments: list[ColumnElement[Any]] = []
    for name, value in members.items():
        arguments += [literal_column(f"'{name}'"), value]
    return func.json_build_object(*arguments, type_=JSON)


def _spread(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an object of the least, greatest and average value and the sum; the average has two places."""
    figures = {
        "min": func.min(column),
        "max": func.max(column),
        "avg": func.round(func.avg(column), 2),
        "sum": func.coalesce(func.sum(column), 0),
    }
    return _json({name: cast(value, Text) for name, value in figures.items()})


def _list(item: ColumnElement[Any], *order: ColumnElement[Any]) -> ColumnElement[Any]:
    items = func.json_agg(item).aggregate_order_by(*order)
    return func.coalesce(items, func.json_build_array(), type_=JSON).label("value")
