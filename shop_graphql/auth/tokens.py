"""The shop's own tokens: signed ones for a quarter of an hour, and opaque ones that fetch the next."""

import base64
import hashlib
import hmac
import re
import secrets as randomness
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from shop_graphql.access import Role
from shop_graphql.auth.compact import EXPIRED, INVALID, header_of
from shop_graphql.errors import InvalidToken
from shop_graphql.values import check_secrets

ACCESS_LIFETIME = timedelta(minutes=15)
LEEWAY = 5
"""Seconds that the clocks of two servers may differ by."""

NAME = "shop-graphql"
TYPE = "at+jwt"
ALGORITHM = "HS256"
HEADERS = {"alg", "kid", "typ"}
"""What a header has, all of it and no more: nothing else is ever needed, and each has been a way in somewhere."""

MAX_ID = 2**63 - 1
MAX_KNOWN = 10_000
"""Tokens that are remembered; then all are verified anew."""

_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])
_TIMES = jwt.JWTClaimsRegistry(leeway=LEEWAY, exp={"essential": True}, iat={"essential": True})
_SUBJECT = re.compile(r"user_([1-9][0-9]{0,18})", re.ASCII)
_REFRESH = re.compile(r"[A-Za-z0-9_-]{64}")
_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True)
class Claims:
    """What a valid token says."""

    user_id: int
    role: Role
    session: str | None = None


class Tokens:
    """Issues and reads access tokens. The first secret signs, all verify. Raises ValueError for weak ones."""

    def __init__(self, secrets: Sequence[str]) -> None:
        check_secrets(secrets)
        self._keys = {_key_id(secret): OctKey.import_key(secret) for secret in secrets}
        self._signing = _key_id(secrets[0])
        self._succeeding = hashlib.sha256(b"shop-graphql refresh tokens\0" + secrets[0].encode()).digest()
        self._known: dict[str, tuple[Claims, int]] = {}

    def issue(
        self, viewer_id: int, role: Role, session: str | None = None, lifetime: timedelta = ACCESS_LIFETIME
    ) -> str:
        """Return a token that says who somebody is, and in which session they signed in."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": NAME,
            "aud": NAME,
            "sub": f"user_{viewer_id}",
            "role": role.value,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
        }
        if session is not None:
            claims["sid"] = session
        header = {"alg": ALGORITHM, "kid": self._signing, "typ": TYPE}
        return jwt.encode(header, claims, self._keys[self._signing], registry=_REGISTRY)

    def successor(self, token: "RefreshToken") -> "RefreshToken":
        """Return the token that follows `token` in its session: always the same, so that it can be given out again.

        Whoever knows `token` and not our secret knows nothing of it.
        """
        return RefreshToken(token.session, hmac.digest(self._succeeding, token.session.bytes + token.secret, "sha256"))

    def read(self, token: str) -> Claims:
        """Return what `token` says. Raises InvalidToken.

        One that was verified before is only asked whether it has expired: clients send the same one again and again.
        """
        claims, expires = self._known.get(token) or self._verified(token)
        if expires < time.time() - LEEWAY:
            raise InvalidToken(EXPIRED)
        return claims

    def _verified(self, token: str) -> tuple[Claims, int]:
        header = header_of(token)
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if header.keys() != HEADERS or header["alg"] != ALGORITHM or header["typ"] != TYPE or key is None:
            raise InvalidToken(INVALID)
        try:
            claims = jwt.decode(token, key, registry=_REGISTRY).claims
            _TIMES.validate(claims)
        except ExpiredTokenError:
            raise InvalidToken(EXPIRED) from None
        except (JoseError, ValueError, RecursionError):
            raise InvalidToken(INVALID) from None
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[token] = _checked(claims), int(claims["exp"])
        return self._known[token]


def _checked(claims: Mapping[str, Any]) -> Claims:
    names = claims.get("iss"), claims.get("aud")
    subject, role, session = claims.get("sub"), claims.get("role"), claims.get("sid")
    found = _SUBJECT.fullmatch(subject) if isinstance(subject, str) else None
    if (
        names != (NAME, NAME)
        or found is None
        or int(found[1]) > MAX_ID
        or not isinstance(role, str)
        or role not in _ROLES
        or not (session is None or isinstance(session, str))
    ):
        raise InvalidToken(INVALID)
    return Claims(int(found[1]), _ROLES[role], session)


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"shop-graphql key id\0" + secret.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RefreshToken:
    """A token that says nothing: a session's id, and a secret of which the shop keeps the digest only."""

    session: UUID
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The token as its owner gets it."""
        return base64.urlsafe_b64encode(self.session.bytes + self.secret).decode()

    @property
    def digest(self) -> bytes:
        """What is stored. The secret cannot be guessed, so that a fast hash is enough."""
        return hashlib.sha256(self.secret).digest()


def new_refresh_token() -> RefreshToken:
    """Return the first token of a new session."""
    return RefreshToken(uuid4(), randomness.token_bytes(32))


def parse_refresh_token(text: str) -> RefreshToken | None:
    """Return the token that `text` is, or None when it is none."""
    if not _REFRESH.fullmatch(text):
        return None
    content = base64.urlsafe_b64decode(text)
    return RefreshToken(UUID(bytes=content[:16]), content[16:])
