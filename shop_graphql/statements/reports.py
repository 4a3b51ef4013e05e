"""Reports on what was sold. Cancelled orders are left out."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Select, cast, column, func, select

from shop_graphql.deferred import later
from shop_graphql.models import ZERO, Order, OrderItem, OrderStatus
from shop_graphql.statements.filters import bind

_TIME = DateTime(timezone=True)


def sales(bounds: Sequence[datetime]) -> Select[Any]:
    """Select the figures of each bucket between the ascending `bounds`, in their order.

    Result columns: `from_`, `to`, `order_count`, `units_sold`, `revenue`, `average_order_value` (rounded half up to the
    cent).
    """
    times = bind(later(list, bounds), ARRAY(_TIME))
    first, last = (bind(later(itemgetter(index), bounds), _TIME) for index in (0, -1))
    units = (
        select(func.sum(OrderItem.quantity)).where(OrderItem.order_id == Order.id).correlate(Order).scalar_subquery()
    )
    sold = (
        select(func.width_bucket(Order.created_at, times).label("bucket"), Order.total_amount, units.label("units"))
        .where(Order.created_at >= first, Order.created_at < last, Order.status != OrderStatus.CANCELLED)
        .subquery()
    )
    figures = (
        select(sold.c.bucket, func.count().label("orders"), func.sum(sold.c.units), func.sum(sold.c.total_amount))
        .group_by(sold.c.bucket)
        .subquery()
    )
    buckets = (
        func.unnest(bind(later(_starts, bounds), ARRAY(_TIME)), bind(later(_ends, bounds), ARRAY(_TIME)))
        .table_valued(column("from_", _TIME), column("to", _TIME), with_ordinality="bucket")
        .render_derived()
    )
    bucket, orders, units_sold, revenue = figures.c
    return (
        select(
            buckets.c.from_,
            buckets.c.to,
            func.coalesce(orders, 0).label("order_count"),
            cast(func.coalesce(units_sold, 0), BigInteger).label("units_sold"),
            func.coalesce(revenue, ZERO).label("revenue"),
            func.round(func.coalesce(revenue / orders, ZERO), 2).label("average_order_value"),
        )
        .join_from(buckets, figures, bucket == buckets.c.bucket, isouter=True)
        .order_by(buckets.c.from_)
    )


def _starts(bounds: Sequence[datetime]) -> list[datetime]:
    return list(bounds[:-1])


def _ends(bounds: Sequence[datetime]) -> list[datetime]:
    return list(bounds[1:])


def top_products(start: datetime, end: datetime, limit: int) -> Select[int, int, Decimal]:
    """Select the `limit` products that brought most between two times, best first.

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
            Order.created_at >= bind(start, _TIME),
            Order.created_at < bind(end, _TIME),
            Order.status != OrderStatus.CANCELLED,
        )
        .group_by(OrderItem.product_id)
        .order_by(revenue.desc(), OrderItem.product_id)
        .limit(bind(limit, Integer()))
    )
