"""Who asks: signing in and out, and the viewer behind an Authorization header. Lives as long as the process.

Passwords are hashed between transactions and never inside one, since a hash takes longer than a row should be locked.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shop_graphql.access import ANONYMOUS, Role, Viewer
from shop_graphql.auth import (
    Attempts,
    IdentityProvider,
    Passwords,
    RefreshToken,
    Tokens,
    new_refresh_token,
    parse_refresh_token,
    peek_issuer,
    role_of,
)
from shop_graphql.database import Database
from shop_graphql.errors import AlreadyExists, InvalidCredentials, InvalidToken
from shop_graphql.models import User
from shop_graphql.services import create_user, sessions
from shop_graphql.services.passwords import is_sound
from shop_graphql.services.sessions import Person
from shop_graphql.settings import Settings
from shop_graphql.values import split_secrets

IDENTITY_KEPT = 60.0
"""Seconds for which the user behind a provider's subject is not looked up again."""

MAX_IDENTITIES = 10_000

REFRESH_REFUSED = "This refresh token is not valid any more; sign in again."
PASSWORD_REFUSED = "The current password is another one."  # noqa: S105


@dataclass(frozen=True)
class SignedIn:
    """A user who has proved who they are, and what proves it from now on."""

    user: User
    viewer: Viewer
    access_token: str
    refresh_token: str


class Accounts:
    """Signs people in. `address` is where a request comes from; attempts are counted against it and the account."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._tokens = tokens_of(settings)
        self._passwords = Passwords()
        valkey = settings.valkey_url
        self._attempts = Attempts(
            valkey.get_secret_value() if valkey else None,
            settings.login_attempts_per_account,
            settings.login_attempts_per_address,
        )
        self._provider = provider_of(settings)
        self._identities: dict[tuple[str, str], tuple[int | None, float]] = {}

    async def register(self, address: str, *, email: str, full_name: str, password: str) -> SignedIn:
        """Create a customer and sign them in. Raises ValidationFailed, AlreadyExists and TooManyAttempts."""
        await self._attempts.spend(email, address)
        hashed = await self._hash(password)
        new = partial(create_user, email=email, full_name=full_name, password=password, password_hash=hashed)
        user = await self._database.write(new)
        return await self._sign_in(user.id)

    async def login(self, address: str, *, email: str, password: str) -> SignedIn:
        """Sign in by a password. Raises InvalidCredentials and TooManyAttempts.

        Whether nobody has the address or the password is wrong shows neither in the answer nor in how long it takes.
        """
        await self._attempts.spend(email, address)
        found = await self._database.write(partial(sessions.find_credential, email=email))
        stored = found.password_hash if found else None
        if not await self._passwords.verify(stored, password) or found is None or stored is None:
            raise InvalidCredentials
        await self._attempts.forgive(email)
        if self._passwords.needs_rehash(stored):
            renewed = await self._passwords.hash(password)
            renew = partial(sessions.replace_hash, user_id=found.id, old=stored, new=renewed)
            await self._database.write(renew)
        return await self._sign_in(found.id)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token; an exchange whose answer was lost is answered again. Raises InvalidCredentials."""
        token = parse_refresh_token(refresh_token)
        if token is None:
            raise InvalidCredentials(REFRESH_REFUSED)
        successor = self._tokens.successor(token)
        work = partial(sessions.continue_session, id=token.session, digest=token.digest, successor=successor.digest)
        user = await self._database.write(work)
        if user is None:
            raise InvalidCredentials(REFRESH_REFUSED)
        return self._signed_in(user, successor)

    async def logout(self, refresh_token: str) -> None:
        """End the session of a refresh token, if there is one. Access tokens run out by themselves."""
        token = parse_refresh_token(refresh_token)
        if token is not None:
            await self._database.write(partial(sessions.close_session, id=token.session))

    async def change_password(self, viewer: Viewer, address: str, *, current: str, new: str) -> SignedIn:
        """Give the viewer another password, end all their sessions and open a new one.

        Raises InvalidCredentials for the current password, ValidationFailed for the new one, TooManyAttempts.
        """
        user_id = viewer.user_id or 0
        await self._attempts.spend(str(viewer.actor), address)
        stored = await self._database.write(partial(sessions.password_hash, user_id=user_id))
        if not await self._passwords.verify(stored, current):
            raise InvalidCredentials(PASSWORD_REFUSED)
        await self._attempts.forgive(str(viewer.actor))
        hashed = await self._hash(new)
        change = partial(sessions.set_password, user_id=user_id, password=new, hashed=hashed)
        await self._database.write(change, viewer.actor)
        return await self._sign_in(user_id)

    async def hash(self, password: str | None) -> str | None:
        """Return the hash of a password that keeps the rules, else None; the service refuses the password then."""
        return None if password is None else await self._hash(password)

    async def viewer(self, authorization: str | None) -> Viewer:
        """Return who sent a request with this Authorization header. Raises InvalidToken."""
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("The Authorization header must be: Bearer, a space and an access token.")
        if self._provider is not None and peek_issuer(token) == self._settings.oidc_issuer:
            return await self._provided(token)
        claims = self._tokens.read(token)
        return Viewer(claims.role, claims.user_id)

    async def close(self) -> None:
        """Close the connections to others than the database."""
        await self._attempts.close()
        if self._provider is not None:
            await self._provider.close()

    async def _hash(self, password: str) -> str | None:
        return await self._passwords.hash(password) if is_sound(password) else None

    async def _sign_in(self, user_id: int) -> SignedIn:
        token = new_refresh_token()
        work = partial(sessions.open_session, user_id=user_id, id=token.session, digest=token.digest)
        user = await self._database.write(work)
        if user is None:  # erased in this very moment
            raise InvalidCredentials
        return self._signed_in(user, token)

    def _signed_in(self, user: User, token: RefreshToken) -> SignedIn:
        access_token = self._tokens.issue(user.id, user.role, str(token.session))
        return SignedIn(user, Viewer(user.role, user.id), access_token, token.text)

    async def _provided(self, token: str) -> Viewer:
        assert self._provider is not None  # noqa: S101
        claims = await self._provider.read(token)
        settings = self._settings
        roles = {settings.oidc_staff: Role.STAFF, settings.oidc_admin: Role.ADMIN}
        role = role_of(claims, settings.oidc_roles_claim, roles)
        user_id = await self._identify(_person(claims))
        if user_id is None and role is Role.CUSTOMER:
            raise InvalidToken("The access token tells no verified e-mail address, so there is no account for it.")
        return Viewer(role, user_id)

    async def _identify(self, person: Person) -> int | None:
        key, now = (person.issuer, person.subject), time.monotonic()
        user_id, until = self._identities.get(key, (None, 0.0))
        if until > now:
            return user_id
        try:
            user_id = await self._database.write(partial(sessions.identify, person=person))
        except AlreadyExists:  # by another request of the same person, a moment ago
            user_id = await self._database.write(partial(sessions.identify, person=person))
        if len(self._identities) >= MAX_IDENTITIES:
            self._identities.clear()
        self._identities[key] = user_id, now + IDENTITY_KEPT
        return user_id


def tokens_of(settings: Settings) -> Tokens:
    """Return what signs and verifies access tokens. Raises ValueError when there is no secret to do so."""
    return Tokens(split_secrets(settings.secrets.get_secret_value() if settings.secrets else ""))


def provider_of(settings: Settings) -> IdentityProvider | None:
    """Return the identity provider whose tokens are accepted beside our own, if there is one."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    return IdentityProvider(settings.oidc_issuer, settings.oidc_audience)


def _person(claims: Mapping[str, Any]) -> Person:
    email, name = claims.get("email"), claims.get("name")
    verified = isinstance(email, str) and claims.get("email_verified") is True
    address = str(email) if verified else None
    return Person(str(claims["iss"]), str(claims["sub"]), address, str(name or address or claims["sub"])[:200])
