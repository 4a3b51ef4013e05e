"""Rows of one table: by id, and by the row they belong to."""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, any_, bindparam, column, func, inspect, select
from sqlalchemy.sql.selectable import TableValuedAlias

from shop_graphql import models

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


def matching(model: Model, condition: ColumnElement[bool]) -> Select[Any]:
    """Select the rows that keep `condition`, which is in terms of the model's table."""
    return select(*columns(model)).where(condition)


@cache
def by_id(model: Model) -> Select[Any]:
    """Select the rows whose id is in the array `:ids`, in no particular order."""
    return matching(model, is_any_of(model.__table__.c.id, "ids"))


@cache
def by_parent(model: Model, foreign_key: str) -> Select[Any]:
    """Select the rows that belong to any of the array `:ids`, each parent's rows in the order they were made."""
    parent = model.__table__.c[foreign_key]
    return matching(model, is_any_of(parent, "ids")).order_by(parent, model.__table__.c.id)
