"""Users by what is not their id, and all that is held about one of them."""

from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Select, Text, bindparam, cast, func, select
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.access import Role
from shop_graphql.models import Credential, Identity, Order, OrderEvent, OrderItem, Session, User
from shop_graphql.statements.rows import columns, texts
from shop_graphql.statements.visibility import visible


def has_email(email: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a user has this e-mail address, whatever its case."""
    return func.lower(User.email) == func.lower(email)


@cache
def users_by_email(role: Role | None) -> Select[Any]:
    """Select `key` and the user, if seen, of every e-mail address in the array `:keys`, whatever its case."""
    keys = texts("keys")
    users = select(keys.c.key, *columns(User)).join(keys, has_email(keys.c.key))
    return users.where(visible(User, role))


@cache
def user_data(role: Role | None) -> Select[Any]:
    """Select, as one JSON object `data`, everything that is held about the user `:id`; no row unless it is seen.

    Secrets are left out: of a password only when it was set, of a session only its times. Amounts are texts.
    """
    user = User.__table__
    data = func.json_build_object(
        *("id", user.c.id, "email", user.c.email, "fullName", user.c.full_name, "role", user.c.role),
        *("createdAt", user.c.created_at, "erasedAt", user.c.erased_at),
        *("passwordChangedAt", _password_time()),
        *("sessions", _list(Session.__table__, ["created_at", "used_at", "expires_at"])),
        *("identities", _list(Identity.__table__, ["issuer", "subject", "created_at"])),
        *("orders", _orders()),
        type_=JSON,
    )
    return select(data.label("data")).where(user.c.id == bindparam("id", type_=BigInteger), visible(User, role))


def _password_time() -> ColumnElement[Any]:
    held = Credential.__table__
    return select(held.c.changed_at).where(held.c.user_id == User.__table__.c.id).scalar_subquery()


def _orders() -> ColumnElement[Any]:
    order = Order.__table__
    contents = [
        *("items", _children(OrderItem.__table__, ["product_name", "quantity", "unit_price"])),
        *("history", _children(OrderEvent.__table__, ["status", "reason", "created_at"])),
    ]
    return _list(order, ["id", "status", "total_amount", "created_at", "version"], *contents)


def _children(table: FromClause, names: list[str]) -> ColumnElement[Any]:
    return _aggregate(table, names, table.c.order_id == Order.__table__.c.id)


def _list(table: FromClause, names: list[str], *contents: Any) -> ColumnElement[Any]:
    return _aggregate(table, names, table.c.user_id == User.__table__.c.id, *contents)


def _aggregate(
    table: FromClause, names: list[str], condition: ColumnElement[bool], *contents: Any
) -> ColumnElement[Any]:
    members = [part for name in names for part in (_camel(name), _plain(table.c[name]))]
    order = table.c.created_at if "created_at" in table.c else table.c.id
    rows = func.json_agg(func.json_build_object(*members, *contents)).aggregate_order_by(order)
    return func.coalesce(select(rows).where(condition).scalar_subquery(), func.json_build_array())


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(column, Text) if column.name.endswith(("amount", "price")) else column


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
