"""Signing in and out in the graph."""

from typing import Annotated, Self

import strawberry
from sqlalchemy import BigInteger, ColumnElement, bindparam

from shop_graphql import models
from shop_graphql.accounts import SignedIn
from shop_graphql.api.context import Info
from shop_graphql.api.errors import (
    AlreadyExistsError,
    InvalidCredentialsError,
    TooManyAttemptsError,
    ValidationError,
)
from shop_graphql.api.nodes import SOURCE, load_by_id
from shop_graphql.api.sources import Lookup
from shop_graphql.api.users import User
from shop_graphql.auth import ACCESS_LIFETIME
from shop_graphql.statements.visibility import VIEWER

PASSWORD = "8 to 256 characters, and not one that everybody tries."  # noqa: S105


@strawberry.input(description="A new customer.")
class RegisterInput:
    email: str = strawberry.field(description="At most 255 characters; no other user may have it in any case.")
    full_name: str = strawberry.field(description="At most 200 characters.")
    password: str = strawberry.field(description=PASSWORD)


@strawberry.input(description="What proves who somebody is.")
class LoginInput:
    email: str = strawberry.field(description="The e-mail address, in whatever case.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="A session to continue.")
class RefreshInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


@strawberry.input(description="A session to end.")
class LogoutInput:
    refresh_token: str = strawberry.field(description="A refresh token of the session.")


@strawberry.input(description="A new password for whoever is signed in.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The password so far.")
    new_password: str = strawberry.field(description=PASSWORD)


@strawberry.interface(description="Somebody is signed in, and this proves it from now on.")
class SignIn:
    user: User = strawberry.field(description="Who is signed in.")
    access_token: str = strawberry.field(description="Send it with each request: `Authorization: Bearer …`.")
    refresh_token: str = strawberry.field(
        description="Gives the next tokens; see `refresh`. Keep it where no script of others can read it."
    )
    expires_in: int = strawberry.field(description="Seconds until the access token expires.")

    @classmethod
    def of(cls, signed: SignedIn) -> Self:
        """Return what somebody gets who has signed in."""
        return cls(
            user=User.from_row(signed.user),
            access_token=signed.access_token,
            refresh_token=signed.refresh_token,
            expires_in=round(ACCESS_LIFETIME.total_seconds()),
        )


@strawberry.type(description="The customer is registered and signed in.")
class RegisterSuccess(SignIn):
    pass


@strawberry.type(description="The user is signed in.")
class LoginSuccess(SignIn):
    pass


@strawberry.type(description="The session goes on.")
class RefreshSuccess(SignIn):
    pass


@strawberry.type(description="The password was changed. All sessions have ended; this is a new one.")
class ChangePasswordSuccess(SignIn):
    pass


@strawberry.type(description="The session has ended, or had ended before.")
class LogoutSuccess:
    signed_out: bool = strawberry.field(description="Always true. An access token still works until it expires.")


RegisterResult = Annotated[
    RegisterSuccess | ValidationError | AlreadyExistsError | TooManyAttemptsError,
    strawberry.union("RegisterResult", description="What came of registering."),
]
LoginResult = Annotated[
    LoginSuccess | InvalidCredentialsError | TooManyAttemptsError,
    strawberry.union("LoginResult", description="What came of signing in."),
]
RefreshResult = Annotated[
    RefreshSuccess | InvalidCredentialsError,
    strawberry.union("RefreshResult", description="What came of continuing a session."),
]
LogoutResult = Annotated[
    LogoutSuccess | ValidationError,
    strawberry.union("LogoutResult", description="What came of ending a session."),
]
ChangePasswordResult = Annotated[
    ChangePasswordSuccess | ValidationError | InvalidCredentialsError | TooManyAttemptsError,
    strawberry.union("ChangePasswordResult", description="What came of changing a password."),
]


def _asking() -> ColumnElement[bool]:
    user_id: ColumnElement[int] = models.User.__table__.c.id
    return user_id == bindparam(VIEWER, type_=BigInteger)


@strawberry.type
class SignInQueries:
    @strawberry.field(
        description="Whoever asks; null when nobody is signed in.", metadata={SOURCE: Lookup(models.User, _asking)}
    )
    async def me(self, info: Info) -> User | None:
        found: User | None = await load_by_id(info, User, info.context.viewer.user_id)
        return found


@strawberry.type
class SignInMutations:
    @strawberry.mutation(description="Become a customer.")
    async def register(self, info: Info, input: RegisterInput) -> RegisterResult:
        context = info.context
        signed = await context.sign_in(
            context.accounts.register(
                context.address, email=input.email, full_name=input.full_name, password=input.password
            )
        )
        return RegisterSuccess.of(signed)

    @strawberry.mutation(description="Sign in by a password. Attempts are limited, per account and per address.")
    async def login(self, info: Info, input: LoginInput) -> LoginResult:
        context = info.context
        signed = await context.sign_in(
            context.accounts.login(context.address, email=input.email, password=input.password)
        )
        return LoginSuccess.of(signed)

    @strawberry.mutation(
        description="Exchange a refresh token for new tokens. An answer that was lost can be asked for again within 30 "
        "seconds. Used later, or after its successor, a refresh token ends the session: somebody has stolen it."
    )
    async def refresh(self, info: Info, input: RefreshInput) -> RefreshResult:
        signed = await info.context.sign_in(info.context.accounts.refresh(input.refresh_token))
        return RefreshSuccess.of(signed)

    @strawberry.mutation(description="End a session.")
    async def logout(self, info: Info, input: LogoutInput) -> LogoutResult:
        await info.context.accounts.logout(input.refresh_token)
        return LogoutSuccess(signed_out=True)

    @strawberry.mutation(description="Change the password of whoever is signed in.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordResult:
        context = info.context
        signed = await context.sign_in(
            context.accounts.change_password(
                context.viewer, context.address, current=input.current_password, new=input.new_password
            )
        )
        return ChangePasswordSuccess.of(signed)
