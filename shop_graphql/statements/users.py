"""Users by what is not their id."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from shop_graphql.models import User
from shop_graphql.statements.rows import columns, texts


def has_email(email: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a user has this e-mail address, whatever its case."""
    return func.lower(User.email) == func.lower(email)


@cache
def users_by_email() -> Select[Any]:
    """Select `key` and the user of every e-mail address in the array `:keys`."""
    keys = texts("keys")
    return select(keys.c.key, *columns(User)).join(keys, has_email(keys.c.key))
