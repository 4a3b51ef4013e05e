"""Changes of users in the graph."""

from typing import Annotated

import strawberry

from shop_graphql import services
from shop_graphql.api.context import Info
from shop_graphql.api.enums import Role
from shop_graphql.api.errors import AlreadyExistsError, NotFoundError, ValidationError
from shop_graphql.api.inputs import value_or_none
from shop_graphql.api.nodes import decode_id
from shop_graphql.api.sign_in import PASSWORD
from shop_graphql.api.users import User


@strawberry.input(description="A new user.")
class CreateUserInput:
    email: str = strawberry.field(description="At most 255 characters; no other user may have it in any case.")
    full_name: str = strawberry.field(description="At most 200 characters.")
    password: strawberry.Maybe[str] = strawberry.field(
        description=f"{PASSWORD} Without one the user cannot sign in by a password."
    )
    role: Role = strawberry.field(default=Role.CUSTOMER, description="What the user may do.")


@strawberry.input(description="Another role for a user.")
class SetUserRoleInput:
    user_id: strawberry.ID = strawberry.field(description="The user.")
    role: Role = strawberry.field(description="What the user may do from now on.")


@strawberry.input(description="A user to forget.")
class EraseUserInput:
    user_id: strawberry.ID = strawberry.field(description="The user.")


@strawberry.type(description="The user was created.")
class CreateUserSuccess:
    user: User = strawberry.field(description="The new user.")


@strawberry.type(description="The user has the role. Access tokens of before keep the old one until they expire.")
class SetUserRoleSuccess:
    user: User = strawberry.field(description="The user with the new role.")


@strawberry.type(description="The user is forgotten; the orders stay, and are nobody's.")
class EraseUserSuccess:
    user: User = strawberry.field(description="What is left of the user.")


CreateUserResult = Annotated[
    CreateUserSuccess | ValidationError | AlreadyExistsError,
    strawberry.union("CreateUserResult", description="What came of creating a user."),
]
SetUserRoleResult = Annotated[
    SetUserRoleSuccess | ValidationError | NotFoundError,
    strawberry.union("SetUserRoleResult", description="What came of changing a role."),
]
EraseUserResult = Annotated[
    EraseUserSuccess | ValidationError | NotFoundError,
    strawberry.union("EraseUserResult", description="What came of erasing a user."),
]


@strawberry.type
class UserMutations:
    @strawberry.mutation(description="Create a user.")
    async def create_user(self, info: Info, input: CreateUserInput) -> CreateUserResult:
        password = value_or_none(input.password)
        user = await info.context.write(
            services.create_user,
            email=input.email,
            full_name=input.full_name,
            password=password,
            password_hash=await info.context.accounts.hash(password),
            role=input.role,
        )
        return CreateUserSuccess(user=User.from_row(user))

    @strawberry.mutation(description="Change what a user may do.")
    async def set_user_role(self, info: Info, input: SetUserRoleInput) -> SetUserRoleResult:
        user_id = decode_id(User, input.user_id)
        user = await info.context.write(services.set_user_role, user_id=user_id, role=input.role)
        return SetUserRoleSuccess(user=User.from_row(user))

    @strawberry.mutation(
        description="Forget who a user was: name, address, password and sessions. Orders stay for the books. Done "
        "again, it changes nothing."
    )
    async def erase_user(self, info: Info, input: EraseUserInput) -> EraseUserResult:
        user = await info.context.write(services.erase_user, user_id=decode_id(User, input.user_id))
        return EraseUserSuccess(user=User.from_row(user))
