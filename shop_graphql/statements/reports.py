"""Reports on what was sold. Cancelled orders are left out."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Select, bindparam, cast, func, select

from shop_graphql.models import Order, OrderItem, OrderStatus

_TIME = DateTime(timezone=True)


@cache
def sales() -> Select[Any]:
    """Select the figures of each bucket between the ascending times `:bounds` in which anything was sold.

    Result columns: `bucket` (the n-th begins at the n-th bound, from 1), `order_count`, `units_sold`, `revenue`.
    """
    bounds = bindparam("bounds", type_=ARRAY(_TIME))
    first, last = bindparam("first", type_=_TIME), bindparam("last", type_=_TIME)
    units = (
        select(func.sum(OrderItem.quantity)).where(OrderItem.order_id == Order.id).correlate(Order).scalar_subquery()
    )
    sold = (
        select(func.width_bucket(Order.created_at, bounds).label("bucket"), Order.total_amount, units.label("units"))
        .where(Order.created_at >= first, Order.created_at < last, Order.status != OrderStatus.CANCELLED)
        .subquery()
    )
    return select(
        sold.c.bucket,
        func.count().label("order_count"),
        cast(func.coalesce(func.sum(sold.c.units), 0), BigInteger).label("units_sold"),
        func.sum(sold.c.total_amount).label("revenue"),
    ).group_by(sold.c.bucket)


def sales_parameters(bounds: Sequence[datetime]) -> dict[str, Any]:
    """Return the parameters of `sales` for buckets between `bounds`."""
    return {"bounds": list(bounds), "first": bounds[0], "last": bounds[-1]}


@cache
def top_products() -> Select[int, int, Decimal]:
    """Select the `:limit` products that brought most between the times `:first` and `:last`, best first.

    Result columns: `product_id`, `units_sold`, `revenue`.
    """
    revenue = func.sum(OrderItem.line_total)
    return (
        select(
            OrderItem.product_id,
            cast(func.sum(OrderItem.quantity), BigInteger).label("units_sold"),
            revenue.label("revenue"),
        )
        .join(OrderItem.order)
        .where(
            Order.created_at >= bindparam("first", type_=_TIME),
            Order.created_at < bindparam("last", type_=_TIME),
            Order.status != OrderStatus.CANCELLED,
        )
        .group_by(OrderItem.product_id)
        .order_by(revenue.desc(), OrderItem.product_id)
        .limit(bindparam("limit", type_=Integer))
    )
