"""Cursors: where a row stands in an order, as an opaque text that is refused under any other order.

Python and SQL write the same text: JSON of a fingerprint and the keys of the order, in base64 for URLs.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, Numeric, Text, cast, func, literal_column
from sqlalchemy.sql.selectable import FromClause

from shop_graphql import models
from shop_graphql.deferred import each, later, now
from shop_graphql.errors import InvalidCursor
from shop_graphql.statements.filters import bind
from shop_graphql.statements.pages import Source
from shop_graphql.statements.sorting import Order, Sort, column, is_nullable
from shop_graphql.text import is_storable

MAX_LENGTH = 2000
FINEST = Decimal("0.000001")
"""The last digit that any key of an order has."""


def encode(source: Source, order: Order, row: Any) -> str:
    """Return the cursor of `row`: the values of the order's keys in it, and a fingerprint of the order and filter."""
    values = [_written(getattr(row, sort.key)) for sort in order]
    content = orjson.dumps([_fingerprint((source, order)), *values])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return f"{value:f}" if isinstance(value, Decimal) else value


def encoded(source: Source, order: Order, rows: FromClause) -> ColumnElement[str]:
    """Return the cursor of each of `rows`, whose columns are named after the keys, as SQL."""
    fingerprint = bind(later(_fingerprint, (source, order)), Text())
    values = [part for sort in order for part in (_sql("','"), _member(rows.c[sort.key]))]
    content = func.concat(_sql("'[\"'"), fingerprint, _sql("'\"'"), *values, _sql("']'"))
    encoded = func.encode(func.convert_to(content, _sql("'UTF8'")), _sql("'base64'"))
    return func.translate(encoded, _sql("E'+/=\\n'"), _sql("'-_'"))


def written_time(time: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a time as RFC 3339 in UTC, with six digits of a second's fraction."""
    return func.to_char(func.timezone(_sql("'UTC'"), time), _sql("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""))


def _member(value: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(value.type, DateTime):
        value = written_time(value)
    elif isinstance(value.type, Numeric):
        value = cast(value, Text)
    return func.coalesce(cast(func.to_json(value), Text), _sql("'null'"))


def _sql(text: str) -> ColumnElement[Any]:
    return literal_column(text)


def decode(source: Source, order: Order, cursor: str) -> tuple[Any, ...]:
    """Return the values that `encode` wrote, deferred where the cursor or the filter is.

    Raises InvalidCursor for anything else, forged values included.
    """
    values = later(_decode, (source, order, cursor))
    return each(values, now(_nulls, values))


def _nulls(values: tuple[Any, ...]) -> tuple[bool, ...]:
    return tuple(value is None for value in values)


def _decode(arguments: tuple[Source, Order, str]) -> tuple[Any, ...]:
    source, order, cursor = arguments
    fingerprint, *texts = _content(cursor)
    if fingerprint != _fingerprint((source, order)):
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


def _fingerprint(view: tuple[Source, Order]) -> str:
    source, order = view
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
