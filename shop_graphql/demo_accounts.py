"""Accounts of the demo, whose password everybody knows. Never made in any other shop."""

import json
from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.access import Role
from shop_graphql.auth import Passwords, Tokens
from shop_graphql.database import Database
from shop_graphql.services import create_user, sessions, set_user_role
from shop_graphql.settings import Settings
from shop_graphql.values import split_secrets

PASSWORD = "welcome-to-the-demo"  # noqa: S105
ACCOUNTS = (
    ("ada@example.com", "Ada Lovelace", Role.CUSTOMER),
    ("staff@example.com", "Sam Staff", Role.STAFF),
    ("admin@example.com", "Alex Admin", Role.ADMIN),
)
LIFETIME = timedelta(days=7)


def shown() -> list[tuple[str, str]]:
    """Return the accounts as e-mail address and role."""
    return [(email, role.value) for email, _, role in ACCOUNTS]


def headers(user_id: int, secrets: str) -> str:
    """Return the headers, as JSON, of a request that is signed in as the admin `user_id`."""
    token = Tokens(split_secrets(secrets)).issue(user_id, Role.ADMIN, lifetime=LIFETIME)
    return json.dumps({"Authorization": f"Bearer {token}"})


async def ensure(url: str) -> int:
    """Make the accounts unless they can sign in already, and return the admin's id."""
    database = Database(Settings(), url)
    passwords = Passwords()
    try:
        for email, full_name, role in ACCOUNTS:
            found = await database.write(partial(sessions.find_credential, email=email))
            if found is None or found.password_hash is None:
                hashed = await passwords.hash(PASSWORD)
                await database.write(partial(_make, email=email, full_name=full_name, role=role, hashed=hashed))
        admin = await database.write(partial(sessions.find_credential, email=ACCOUNTS[-1][0]))
        return int(admin.id)
    finally:
        await database.close()


async def _make(session: AsyncSession, *, email: str, full_name: str, role: Role, hashed: str) -> None:
    found = await sessions.find_credential(session, email=email)
    user_id = found.id if found else (await create_user(session, email=email, full_name=full_name)).id
    await sessions.set_password(session, user_id=user_id, password=PASSWORD, hashed=hashed)
    if role is not Role.CUSTOMER:
        await set_user_role(session, user_id=user_id, role=role)
