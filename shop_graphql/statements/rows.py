"""Rows of one table: by id, and by the row they belong to; always those that the viewer sees."""

from collections.abc import Set
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, any_, bindparam, column, func, inspect, select
from sqlalchemy.sql.selectable import TableValuedAlias

from shop_graphql import models
from shop_graphql.access import Role
from shop_graphql.statements.visibility import visible

Model = type[models.Base]


@cache
def columns(model: Model) -> tuple[ColumnElement[Any], ...]:
    """Return what a row of `model` holds: its columns and its computed columns, under their attributes' names."""
    return tuple(attribute.columns[0].label(attribute.key) for attribute in inspect(model).column_attrs)


def is_any_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return `column = ANY(:name)`: one prepared statement for every number of values."""
    return column == any_(bindparam(name, type_=ARRAY(BigInteger)))


def texts(name: str) -> TableValuedAlias:
    """Return the array of texts `:name` as rows of one column, `key`."""
    array = bindparam(name, type_=ARRAY(Text))
    return func.unnest(array).table_valued(column("key", Text)).render_derived()


def some_columns(model: Model, names: Set[str]) -> list[ColumnElement[Any]]:
    """Return those of a row's columns that have one of the `names`."""
    return [column for column in columns(model) if column.key in names]


def matching(
    model: Model, role: Role | None, condition: ColumnElement[bool], names: Set[str] | None = None
) -> Select[Any]:
    """Select the rows that keep `condition`, which is in terms of the model's table, and that the viewer sees.

    They have all columns, or those of the `names`.
    """
    selected = columns(model) if names is None else some_columns(model, names)
    return select(*selected).where(condition, visible(model, role))


@cache
def by_id(model: Model, role: Role | None) -> Select[Any]:
    """Select the rows whose id is in the array `:ids` and that the viewer sees, in no particular order."""
    return matching(model, role, is_any_of(model.__table__.c.id, "ids"))


@cache
def by_parent(model: Model, foreign_key: str, role: Role | None) -> Select[Any]:
    """Select the rows that belong to any of the array `:ids` and that the viewer sees, in the order they were made."""
    parent = model.__table__.c[foreign_key]
    return matching(model, role, is_any_of(parent, "ids")).order_by(parent, model.__table__.c.id)
