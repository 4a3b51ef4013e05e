"""Enums of the tables, described for clients."""

from enum import EnumMeta
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

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

__all__ = ["OrderStatus"]
