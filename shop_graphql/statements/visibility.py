"""Which rows a viewer sees: the rules of `access` as conditions of statements."""

from sqlalchemy import BigInteger, ColumnElement, bindparam, false, select, true
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.access import ROWS, Role, Rows, includes
from shop_graphql.models import Base

VIEWER = "viewer"
"""The parameter of all statements that is the id of whoever asks; null when that is nobody."""


def visible(model: type[Base], role: Role | None) -> ColumnElement[bool]:
    """Return the condition that a row of `model` is seen by the user `:viewer`, who has the role `role`."""
    return _visible(model.__table__, ROWS[model.__tablename__], role)


def _visible(rows: FromClause, rule: Rows, role: Role | None) -> ColumnElement[bool]:
    if includes(role, rule.everything):
        return true()
    if role is None:
        return false()
    if rule.owner is not None:
        return rows.c[rule.owner] == bindparam(VIEWER, type_=BigInteger)
    if rule.through is None:
        return false()
    (key,) = rows.c[rule.through].foreign_keys
    # An alias, since the statement around may read the same table for another reason.
    others = key.column.table.alias()
    seen = _visible(others, ROWS[key.column.table.name], role)
    return rows.c[rule.through].in_(select(others.c[key.column.name]).where(seen))
