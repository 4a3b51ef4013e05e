"""Enums of the rings below, described for clients."""

from enum import EnumMeta
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from shop_graphql.calendar import Interval
from shop_graphql.models import OrderStatus


def _describe(enum: EnumMeta, description: str, values: dict[str, str]) -> None:
    """Make `enum` a type of the graph; the rings below cannot, since they do not know Strawberry."""
    strawberry.enum(description=description)(enum)
    definition = cast(StrawberryEnumDefinition, vars(enum)["__strawberry_definition__"])
    for value in definition.values:
        value.description = values[value.name]


_describe(
    OrderStatus,
    "How far an order has come.",
    {
        "PENDING": "Placed, and its stock is taken.",
        "COMPLETED": "Delivered.",
        "CANCELLED": "Called off, and its stock returned.",
    },
)

_describe(
    Interval,
    "A stretch of the calendar.",
    {
        "HOUR": "From one full hour to the next.",
        "DAY": "From midnight to midnight.",
        "WEEK": "From Monday to Monday.",
        "MONTH": "From the first of a month to the first of the next.",
    },
)

__all__ = ["Interval", "OrderStatus"]
