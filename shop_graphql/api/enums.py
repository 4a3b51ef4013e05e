"""Enums of the rings below, described for clients."""

from enum import EnumMeta
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from shop_graphql.access import Role
from shop_graphql.calendar import Interval
from shop_graphql.models import MovementKind, OrderStatus
from shop_graphql.services import UpsertPolicy, UpsertStatus


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
    Role,
    "What an account may do. Each role includes those before it.",
    {
        "CUSTOMER": "Buy, and see what is its own.",
        "STAFF": "See everything, and change catalogue, stock and orders.",
        "ADMIN": "Change users and their roles as well.",
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

_describe(
    MovementKind,
    "Why stock changed.",
    {
        "INITIAL": "It was there when the product came into the ledger.",
        "ORDER": "An order took it.",
        "RETURN": "A cancelled or deleted order gave it back.",
        "ADJUSTMENT": "Somebody added it or took it away.",
    },
)

_describe(
    UpsertPolicy,
    "What a row that breaks a rule means for the others.",
    {
        "ALL_OR_NOTHING": "One bad row refuses all: nothing is written, and every problem is reported.",
        "SKIP_FAILED": "Bad rows are reported, and the others are written.",
    },
)

_describe(
    UpsertStatus,
    "What came of a row.",
    {
        "CREATED": "There was no product with this SKU; now there is.",
        "UPDATED": "The product was changed.",
        "UNCHANGED": "The product was like this already.",
        "FAILED": "The row breaks a rule, and was left out.",
    },
)

__all__ = ["Interval", "MovementKind", "OrderStatus", "Role", "UpsertPolicy", "UpsertStatus"]
