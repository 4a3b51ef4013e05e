"""JSON as SQL: finished text and expressions of text, in turn."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, Text, case, cast, func, literal_column, select
from sqlalchemy.sql.selectable import FromClause, ScalarSelect

Json = list["str | ColumnElement[Any]"]
"""A JSON text in pieces. An expression is never null; whatever its type, PostgreSQL writes it as JSON does."""

NULL: Json = ["null"]

IMPOSSIBLE = "\x01"
"""Stands in an answer where the schema allows no null and there is one. No JSON text has this character."""

BETWEEN = "\x02"
"""Stands between JSON texts that are selected as one. No JSON text has this character either."""

MAX_ARGUMENTS = 90
"""PostgreSQL's functions take at most 100."""


def text(content: str) -> ColumnElement[str]:
    """Return finished text as a literal. It is part of the statement, so never anything that a client sent."""
    quoted = content.replace("'", "''")
    return literal_column(f"'{quoted}'", Text())


def members(fields: Mapping[str, Json]) -> Json:
    """Return an object."""
    found: Json = []
    for number, (name, value) in enumerate(fields.items()):
        found += [f'{"," if number else "{"}"{name}":', *value]
    return [*found, "}"] if found else ["{}"]


def joined(json: Json) -> ColumnElement[str]:
    """Return all pieces as one text."""
    pieces = [piece if isinstance(piece, ColumnElement) else text(piece) for piece in _merged(json)]
    while len(pieces) > MAX_ARGUMENTS:
        pieces = [_concat(pieces[i : i + MAX_ARGUMENTS]) for i in range(0, len(pieces), MAX_ARGUMENTS)]
    return pieces[0] if len(pieces) == 1 and pieces[0].type._type_affinity is Text else _concat(pieces)


def _merged(json: Json) -> Json:
    found: Json = []
    for piece in json:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _concat(pieces: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    return func.concat(*pieces, type_=Text())


def separator() -> ColumnElement[str]:
    """Return what stands between JSON texts that are selected as one."""
    return func.chr(literal_column(str(ord(BETWEEN))), type_=Text())


def one(json: Json, rows: FromClause, *, or_null: bool) -> Json:
    """Return `json`, which is in terms of `rows`, for the one row; without it null, or IMPOSSIBLE."""
    missing = text("null") if or_null else func.chr(literal_column(str(ord(IMPOSSIBLE))))
    return [func.coalesce(_scalar(select(joined(json)).select_from(rows)), missing, type_=Text())]


def only(json: Json, rows: FromClause) -> Json:
    """Return `json` for the one row that there always is."""
    return [_scalar(select(joined(json)).select_from(rows))]


def many(json: Json, rows: FromClause, order: Iterable[ColumnElement[Any]]) -> Json:
    """Return the array of `json` for each of `rows`."""
    return ["[", _scalar(select(aggregated(json, order)).select_from(rows)), "]"]


def aggregated(json: Json, order: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return the elements of an array of `json` for each row of the selection; null without rows."""
    return func.string_agg(joined(json), text(","), type_=Text()).aggregate_order_by(*order)


def truth(condition: ColumnElement[bool]) -> Json:
    """Return a condition as a boolean."""
    return [case((condition, text("true")), else_=text("false"))]


def string(value: ColumnElement[Any]) -> Json:
    """Return a text."""
    return [func.to_json(value)]


def quoted(value: ColumnElement[Any]) -> Json:
    """Return something whose text needs no escapes as a string."""
    return ['"', value, '"']


def plain(value: ColumnElement[Any]) -> Json:
    """Return a number or a boolean."""
    return [cast(value, Text)] if isinstance(value.type, Boolean) else [value]


def choice(value: ColumnElement[Any], texts: Mapping[Any, str]) -> Json:
    """Return the finished text that belongs to the value, a text or a boolean, of a column."""
    cases = {_stored(stored): text(json) for stored, json in texts.items()}
    return [case(cases, value=value)]


def _stored(value: str | bool) -> ColumnElement[Any]:
    return text(value) if isinstance(value, str) else literal_column(str(value).lower())


def nullable(value: ColumnElement[Any], json: Json) -> Json:
    """Return `json`, or null where the value that it is made of is null."""
    if json == [value]:
        return [func.coalesce(cast(value, Text), text("null"))]
    return [case((value.is_(None), text("null")), else_=joined(json))]


def _scalar(statement: Select[Any]) -> ScalarSelect[Any]:
    return statement.scalar_subquery()
