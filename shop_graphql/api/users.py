"""Users in the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import ColumnElement

from shop_graphql import models, services
from shop_graphql.api.connections import Connection
from shop_graphql.api.context import Info
from shop_graphql.api.errors import AlreadyExistsError, ValidationError
from shop_graphql.api.fields import column, connection
from shop_graphql.api.filters import OrderWhere, UserWhere
from shop_graphql.api.nodes import SOURCE, Node, bind_text, decode_id, has_id, load_by_id, load_by_text
from shop_graphql.api.sorting import NEWEST_FIRST, OrderSort, UserSort
from shop_graphql.api.sources import Lookup
from shop_graphql.statements.users import has_email, users_by_email

if TYPE_CHECKING:
    from shop_graphql.api.orders import OrderConnection


@strawberry.type(description="Somebody who buys.")
class User(Node, model=models.User, prefix="user"):
    email: str = column(models.User.email, "The e-mail address; unique, whatever its case.")
    full_name: str = column(models.User.full_name, "The name as the user writes it.")
    created_at: datetime = column(models.User.created_at, "When the user was created.")
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


@strawberry.input(description="A new user.")
class CreateUserInput:
    email: str = strawberry.field(description="At most 255 characters; no other user may have it in any case.")
    full_name: str = strawberry.field(description="At most 200 characters.")


@strawberry.type(description="The user was created.")
class CreateUserSuccess:
    user: User = strawberry.field(description="The new user.")


CreateUserResult = Annotated[
    CreateUserSuccess | ValidationError | AlreadyExistsError,
    strawberry.union("CreateUserResult", description="What came of creating a user."),
]


@strawberry.type
class UserMutations:
    @strawberry.mutation(description="Create a user.")
    async def create_user(self, info: Info, input: CreateUserInput) -> CreateUserResult:
        user = await info.context.write(services.create_user, email=input.email, full_name=input.full_name)
        return CreateUserSuccess(user=User.from_row(user))
