"""Users by what is not their id."""

from functools import cache
from typing import Any

from sqlalchemy import Select, func, select

from shop_graphql.models import User
from shop_graphql.statements.rows import columns, texts


@cache
def users_by_email() -> Select[Any]:
    """Select `key` and the user of every e-mail address in the array `:keys`, whatever its case."""
    keys = texts("keys")
    return select(keys.c.key, *columns(User)).join(keys, func.lower(User.email) == func.lower(keys.c.key))
