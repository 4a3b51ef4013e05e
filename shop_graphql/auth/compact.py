"""The outer form of a token, looked at before anything that it says is believed."""

import base64
import json
import re
from typing import Any

from shop_graphql.errors import InvalidToken

MAX_LENGTH = 4096

EXPIRED = "The access token has expired."
INVALID = "This access token is not valid."

# Three parts that are not empty, without padding. An encrypted token has five, one without a signature an empty third.
_SIGNED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def header_of(token: str) -> dict[str, Any]:
    """Return what a signed token says of itself; nothing is verified yet. Raises InvalidToken."""
    return _part(token, 0)


def peek_issuer(token: str) -> str | None:
    """Return who `token` says has issued it, to choose who verifies it. Nothing is verified, and nothing is raised."""
    try:
        issuer = _part(token, 1).get("iss")
    except InvalidToken:
        return None
    return issuer if isinstance(issuer, str) else None


def peek_expiry(token: str) -> float:
    """Return when a token that was verified expires, in seconds since 1970."""
    return float(_part(token, 1)["exp"])


def _part(token: str, index: int) -> dict[str, Any]:
    if len(token) > MAX_LENGTH or not _SIGNED.fullmatch(token):
        raise InvalidToken(INVALID)
    part = token.split(".")[index]
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
    except (ValueError, RecursionError):
        raise InvalidToken(INVALID) from None
    if not isinstance(value, dict):
        raise InvalidToken(INVALID)
    return value
