"""User rules. Callers own the transaction."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.errors import AlreadyExists
from shop_graphql.models import User
from shop_graphql.services.constraints import refusing
from shop_graphql.services.rules import Rules

# Whether an address exists only a message to it can tell; this keeps out what cannot be one.
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\".]+(\.[^@\s<>\".]+)+")


async def create_user(session: AsyncSession, *, email: str, full_name: str) -> User:
    """Create a user. Raises ValidationFailed, and AlreadyExists when the e-mail is taken in whatever case."""
    rules = Rules()
    email = rules.text(email, ("email",), 255)
    rules.require(_EMAIL.fullmatch(email) is not None, ("email",), "This must be an e-mail address.")
    full_name = rules.text(full_name, ("full_name",), 200)
    rules.enforce()
    user = User(email=email, full_name=full_name)
    session.add(user)
    with refusing({"uq_users_email": AlreadyExists("There is a user with this e-mail address.", ("email",))}):
        await session.flush()
    return user
