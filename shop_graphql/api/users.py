"""Users in the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import ColumnElement

from shop_graphql import models
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.enums import Role
from shop_graphql.api.fields import column, connection
from shop_graphql.api.filters import OrderWhere, UserWhere
from shop_graphql.api.nodes import SOURCE, Node, bind_text, decode_id, has_id, load_by_id, load_by_text
from shop_graphql.api.scalars import Json
from shop_graphql.api.sorting import NEWEST_FIRST, OrderSort, UserSort
from shop_graphql.api.sources import Lookup
from shop_graphql.statements.users import has_email, user_data, users_by_email

if TYPE_CHECKING:
    from shop_graphql.api.orders import OrderConnection


@strawberry.type(description="Somebody who has an account.")
class User(Node, model=models.User, prefix="user"):
    email: str = column(models.User.email, "The e-mail address; unique, whatever its case.")
    full_name: str = column(models.User.full_name, "The name as the user writes it.")
    created_at: datetime = column(models.User.created_at, "When the user was created.")
    role: Role = column(models.User.role, "What the user may do.")
    orders: Annotated["OrderConnection", strawberry.lazy("shop_graphql.api.orders")] = connection(
        models.User.orders, OrderWhere, OrderSort, NEWEST_FIRST, "What the user has ordered, newest first."
    )


@strawberry.input(one_of=True, description="What names one user.")
class UserBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The user's id.")
    email: strawberry.Maybe[str] = strawberry.field(description="The e-mail address, in whatever case.")


def _named(by: UserBy) -> ColumnElement[bool]:
    if by.email:
        return has_email(bind_text(by.email.value))
    return has_id(User, by.id.value if by.id else "")


_BY = strawberry.argument(description="Which user.")


_USER_ID = strawberry.argument(description="Whose data; those of whoever is signed in when it is absent.")


@strawberry.type
class UserQueries:
    users: Connection[User] = connection(models.User, UserWhere, UserSort, NEWEST_FIRST, "All users, newest first.")

    @strawberry.field(description="One user, or null.", metadata={SOURCE: Lookup(models.User, _named)})
    async def user(self, info: Info, by: Annotated[UserBy, _BY]) -> User | None:
        if by.email:
            found: User | None = await load_by_text(info, User, users_by_email, by.email.value)
        elif by.id:
            found = await load_by_id(info, User, decode_id(User, by.id.value))
        return found

    @strawberry.field(description="Everything that the shop holds about a user, to hand out to them; null for nobody.")
    async def export_user_data(
        self, info: Info, user_id: Annotated[strawberry.ID | None, _USER_ID] = strawberry.UNSET
    ) -> Json | None:
        context = info.context
        row_id = decode_id(User, user_id) if user_id else context.viewer.user_id
        rows = await context.reads.execute(user_data(context.viewer.role), {"id": row_id})
        data: Json | None = rows.scalar_one_or_none()
        return data
