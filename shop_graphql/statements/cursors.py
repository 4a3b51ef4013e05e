"""Cursors: where a row stands in an order, as an opaque text that is refused under any other order."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer

from shop_graphql import models
from shop_graphql.errors import InvalidCursor
from shop_graphql.statements.pages import Source
from shop_graphql.statements.sorting import Order, Sort, column, is_nullable
from shop_graphql.text import is_storable

MAX_LENGTH = 2000
FINEST = Decimal("0.000001")
"""The last digit that any key of an order has."""


def encode(source: Source, order: Order, row: Any) -> str:
    """Return the cursor of `row`: the values of the order's keys in it, and a fingerprint of the order and filter."""
    values = [getattr(row, sort.key) for sort in order]
    content = orjson.dumps([_fingerprint(source, order), *values], default=str)
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(source: Source, order: Order, cursor: str) -> tuple[Any, ...]:
    """Return the values that `encode` wrote. Raises InvalidCursor for anything else, forged values included."""
    fingerprint, *texts = _content(cursor)
    if fingerprint != _fingerprint(source, order):
        raise InvalidCursor("This cursor belongs to another list, order or filter; start again without it.")
    if len(texts) != len(order):
        raise InvalidCursor("This is not a cursor of this server.")
    try:
        return tuple(_value(source, sort, text) for sort, text in zip(order, texts, strict=True))
    except (TypeError, ValueError, ArithmeticError):
        raise InvalidCursor("This is not a cursor of this server.") from None


def _content(cursor: str) -> Sequence[Any]:
    try:
        if len(cursor) > MAX_LENGTH:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = orjson.loads(b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(content, list) or not content:
            raise ValueError("not a list")
    except (ValueError, binascii.Error):
        raise InvalidCursor("This is not a cursor of this server.") from None
    return content


def _fingerprint(source: Source, order: Order) -> str:
    return blake2b(repr((source.model.__tablename__, source.where, order)).encode(), digest_size=6).hexdigest()


def _value(source: Source, sort: Sort, content: Any) -> Any:
    if content is None and is_nullable(source.model, sort):
        return None
    type_ = column(source.model, source.where, sort).type
    value = _PARSERS[type_.python_type](content)
    if isinstance(type_, Integer) and not isinstance(type_, BigInteger) and abs(value) > models.MAX_INT:
        raise ValueError("not an integer of the column")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError("not a text")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not -models.MAX_ID <= value <= models.MAX_ID:
        raise ValueError("not an integer of the database")
    return value


def _decimal(value: Any) -> Decimal:
    number = Decimal(_text(value))
    if not number.is_finite() or abs(number) > models.MAX_MONEY:
        raise ValueError("not an amount")
    return number.quantize(FINEST)


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError("no time zone")
    return time.astimezone(UTC)


_PARSERS: dict[type, Callable[[Any], Any]] = {str: _text, int: _integer, Decimal: _decimal, datetime: _time}
