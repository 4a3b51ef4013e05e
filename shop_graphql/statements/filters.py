"""Filters as values: a tree of conditions that can be compared, hashed and turned into SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Numeric, and_, bindparam, false, func, true
from sqlalchemy.types import TypeEngine

from shop_graphql.deferred import later, now
from shop_graphql.text import is_storable


@dataclass(frozen=True)
class Leaf:
    """One condition: what the table calls `key` has to do with `value`."""

    key: str
    value: Any


@dataclass(frozen=True)
class All:
    """All of these must hold; of none, everything does."""

    of: tuple["Where", ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """One of these must hold; of none, nothing does."""

    of: tuple["Where", ...]


@dataclass(frozen=True)
class Not:
    """This must not hold."""

    of: "Where"


Where = Leaf | All | AnyOf | Not
EVERYTHING = All()

Condition = Callable[[Any], ColumnElement[bool]]
"""What a leaf means: from its value to SQL. It is never null, so that its negation is its complement."""


@dataclass(frozen=True)
class Range:
    """Values between bounds, each of which may be missing."""

    gte: Any = None
    gt: Any = None
    lte: Any = None
    lt: Any = None


@dataclass(frozen=True)
class TextMatch:
    """A text that equals another, or begins with it."""

    eq: str | None = None
    starts_with: str | None = None


def without(where: Where, key: str) -> Where:
    """Return `where` less its own condition on `key`; those inside `or` and `not` stay."""
    if isinstance(where, All):
        return All(tuple(without(part, key) for part in where.of))
    return EVERYTHING if isinstance(where, Leaf) and where.key == key else where


def mentions(where: Where, key: str) -> bool:
    """Tell whether a condition on `key` stands anywhere in `where`."""
    if isinstance(where, Leaf):
        return where.key == key
    return any(mentions(part, key) for part in ((where.of,) if isinstance(where, Not) else where.of))


def value_of(where: Where, key: str) -> Any:
    """Return the value of `where`'s own condition on `key`, or None."""
    parts = where.of if isinstance(where, All) else (where,)
    return next((part.value for part in parts if isinstance(part, Leaf) and part.key == key), None)


def bind(value: Any, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Return `value`, which may be deferred, as a parameter; an amount keeps digits that a column has no room for."""
    return bindparam(None, value, type_=Numeric() if isinstance(type_, Numeric) else type_)


def in_range(column: ColumnElement[Any]) -> Condition:
    """Return the condition of a Range on `column`, which is not nullable."""

    def condition(bounds: Range) -> ColumnElement[bool]:
        tests = {
            column.__ge__: bounds.gte,
            column.__gt__: bounds.gt,
            column.__le__: bounds.lte,
            column.__lt__: bounds.lt,
        }
        return and_(true(), *(test(bind(v, column.type)) for test, v in tests.items() if v is not None))

    return condition


def one_of(column: ColumnElement[Any]) -> Condition:
    """Return the condition that `column`, a bigint, is one of a tuple of numbers."""
    return lambda ids: column == func.any(bind(later(list, ids), ARRAY(BigInteger)))


def among(column: ColumnElement[Any]) -> Condition:
    """Return the condition that `column` is one of a tuple of values of an enum."""
    return lambda values: column.in_([bind(value, column.type) for value in values]) if values else false()


def matches(column: ColumnElement[str], *, fold: bool = False) -> Condition:
    """Return the condition of a TextMatch on `column`, in whatever case when `fold` is set.

    A prefix is a range in the order of code points, which an index with text_pattern_ops serves under any plan; LIKE
    with a parameter is served by none that is made once for all values.
    """
    subject = _folded(column, fold)

    def condition(match: TextMatch) -> ColumnElement[bool]:
        texts = [text for text in (match.eq, match.starts_with) if text is not None]
        if not all(now(is_storable, text) for text in texts):
            return false()
        tests: list[ColumnElement[bool]] = (
            [] if match.eq is None else [subject == _folded(bind(match.eq, column.type), fold)]
        )
        if match.starts_with is not None and now(bool, match.starts_with):
            prefix = later(str.lower, match.starts_with) if fold else match.starts_with
            end = later(_next_text, prefix)
            tests.append(subject.bool_op("~>=~")(bind(prefix, column.type)))
            tests += [subject.bool_op("~<~")(bind(end, column.type))] if now(bool, end) else []
        return and_(true(), *tests)

    return condition


def _folded(text: ColumnElement[str], fold: bool) -> ColumnElement[str]:
    return func.lower(text) if fold else text


def _next_text(prefix: str) -> str | None:
    """Return the first text that is greater than all that begin with `prefix`, or None when there is none."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return _next_text(prefix[:-1]) if len(prefix) > 1 else None
    following = 0xE000 if last == 0xD7FF else last + 1
    return prefix[:-1] + chr(following)
