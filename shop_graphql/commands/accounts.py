"""Commands that make accounts and tokens."""

import asyncio
from datetime import timedelta
from functools import partial

import typer

from shop_graphql import exchange, services, serving
from shop_graphql.access import Role
from shop_graphql.auth import Passwords, Tokens
from shop_graphql.commands.shops import secrets_of, shop
from shop_graphql.database import Database
from shop_graphql.errors import ShopError, StartupError
from shop_graphql.services.passwords import is_sound
from shop_graphql.settings import NO_SECRETS, Settings, read_settings
from shop_graphql.values import split_secrets


def create_user(email: str, full_name: str, role: str, password: str) -> None:
    """Create an account in DATABASE_URL, or in the embedded database "shop"."""
    with serving.signals(), shop(read_settings()) as url:
        user_id = asyncio.run(_create_user(url, email, full_name, Role(role), password))
        typer.echo(f"user_{user_id} can sign in as {email} now, with the role {role}.")


def show_token(user_id: int, role: str, hours: float) -> None:
    """Print an access token. No database is asked: whoever has the secret can sign anything."""
    settings = read_settings()
    if settings.secrets is None and settings.database_url is not None:
        raise StartupError(NO_SECRETS)
    try:
        tokens = Tokens(split_secrets(secrets_of(settings)))
    except ValueError as error:
        raise StartupError(f"SHOP_SECRETS: {error}") from None
    typer.echo(tokens.issue(user_id, Role(role), lifetime=timedelta(hours=hours)))


async def _create_user(url: str, email: str, full_name: str, role: Role, password: str) -> int:
    hashed = await Passwords().hash(password) if is_sound(password) else None
    new = partial(
        services.create_user, email=email, full_name=full_name, role=role, password=password, password_hash=hashed
    )
    database = Database(Settings(), url)
    try:
        user = await database.write(new, exchange.ACTOR)
        return user.id
    except ShopError as error:
        raise StartupError(str(error)) from None
    finally:
        await database.close()
