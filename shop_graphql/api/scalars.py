"""Scalars of the API: exact money and points in time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from graphql.language import IntValueNode, StringValueNode, ValueNode
from sqlalchemy import ColumnElement, Numeric, func, literal_column
from strawberry.types.scalar import ScalarDefinition

from shop_graphql.compiler import json
from shop_graphql.models import CENT
from shop_graphql.statements.cursors import written_time

Money = NewType("Money", Decimal)
WholeNumber = NewType("WholeNumber", int)
Json = NewType("Json", object)

_AMOUNT = re.compile(r"-?([0-9]{1,10}|[0-9]{1,9}\.[0-9]|[0-9]{1,8}\.[0-9]{2})")


def serialize_money(amount: Decimal) -> str:
    """Return an amount with two places, rounded half up to the cent."""
    return f"{amount.quantize(CENT, ROUND_HALF_UP):f}"


def parse_money(value: Any) -> Decimal:
    """Read a text or a whole number of at most ten digits, two of them behind the point."""
    text = str(value) if type(value) is int and abs(value) < 10**10 else value
    if not isinstance(text, str) or _AMOUNT.fullmatch(text) is None:
        raise GraphQLError(
            'Money is a string such as "19.99" or a whole number: at most ten digits, at most two of them behind the '
            "point, no exponent."
        )
    return Decimal(text) + 0  # makes 0 of -0


def parse_whole_number(value: Any) -> int:
    """Read a text or a number of at most 19 digits."""
    text = str(value) if type(value) is int and abs(value) < 10**19 else value
    if not isinstance(text, str) or re.fullmatch("-?[0-9]{1,19}", text) is None:
        raise GraphQLError('WholeNumber is a whole number, or a string such as "2147483648".')
    return int(text)


def serialize_datetime(time: datetime) -> str:
    """Return a time as RFC 3339 in UTC, always with six digits of a second's fraction."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_datetime(value: Any) -> datetime:
    """Read an RFC 3339 time with its zone."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError('DateTime is an RFC 3339 time with its zone, such as "2026-11-23T12:00:00Z".')


def _literal(parse: Callable[[Any], Any], *kinds: type[ValueNode]) -> Callable[..., Any]:
    def parse_literal(node: ValueNode, variables: Any = None) -> Any:  # noqa: ARG001
        if isinstance(node, kinds) and isinstance(node, StringValueNode | IntValueNode):
            return parse(node.value)
        return parse(None)

    return parse_literal


SCALARS: dict[object, ScalarDefinition] = {
    Money: strawberry.scalar(
        name="Money",
        description='An exact amount, sent as a string with two places: "19.99". Input may also be a whole number.',
        specified_by_url="https://www.w3.org/TR/xmlschema11-2/#decimal",
        serialize=serialize_money,
        parse_value=parse_money,
        parse_literal=_literal(parse_money, StringValueNode, IntValueNode),
    ),
    WholeNumber: strawberry.scalar(
        name="WholeNumber",
        description='A whole number of any size, sent as a string: "2147483648".',
        specified_by_url="https://www.w3.org/TR/xmlschema11-2/#integer",
        serialize=str,
        parse_value=parse_whole_number,
        parse_literal=_literal(parse_whole_number, StringValueNode, IntValueNode),
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as it is.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc8259",
        serialize=lambda value: value,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description='A point in time as RFC 3339 in UTC: "2026-11-23T12:00:00.000000Z".',
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=serialize_datetime,
        parse_value=parse_datetime,
        parse_literal=_literal(parse_datetime, StringValueNode),
    ),
}


def _money(amount: ColumnElement[Any]) -> json.Json:
    has_places = isinstance(amount.type, Numeric) and amount.type.scale == len("99")
    return json.quoted(amount if has_places else func.round(amount, literal_column("2")))


def _datetime(time: ColumnElement[Any]) -> json.Json:
    return json.quoted(written_time(time))


WRITERS: dict[str, Callable[[ColumnElement[Any]], json.Json]] = {
    "Money": _money,
    "WholeNumber": json.quoted,
    "DateTime": _datetime,
    "String": json.string,
    "Int": json.plain,
    "Boolean": json.plain,
}
"""The same in SQL: how the value of a column, which is not null, is written."""
