"""What settings are made of: database URLs, secrets, addresses, rates; read, and refused with a sentence that helps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

HOW_TO_MAKE_A_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105

SECRET_LENGTH = 32
SECRET_VARIETY = 10
"""Characters, and different characters, that a secret has at the least: `aaaa…` is long, and no secret."""

_RATE = re.compile(r"([0-9]{1,6}) ?(?:/|per) ?([0-9]{1,6})? ?(second|minute|hour|day)s?")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def async_url(text: str) -> URL:
    """Return `text` as a SQLAlchemy URL for asyncpg.

    libpq's `sslmode` is understood, since hosting companies hand out URLs that have it. Raises ValueError.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL; expected postgresql://user:password@host:5432/name") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(f"only PostgreSQL is supported, not {url.get_backend_name()}")
    if "sslmode" in url.query:
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    return url.set(drivername="postgresql+asyncpg")


def split_secrets(text: str) -> tuple[str, ...]:
    """Return the secrets that `text` holds, separated by commas. Raises ValueError when one can be guessed."""
    secrets = tuple(secret.strip() for secret in text.split(","))
    check_secrets(secrets)
    return secrets


def check_secrets(secrets: Sequence[str]) -> None:
    """Raise ValueError when there is none, or when one can be guessed; the message says how to make a good one."""
    if not secrets or any(len(s) < SECRET_LENGTH or len(set(s)) < SECRET_VARIETY for s in secrets):
        raise ValueError(
            f"a secret has at least {SECRET_LENGTH} characters, at least {SECRET_VARIETY} of them different; make one "
            f"with: {HOW_TO_MAKE_A_SECRET}"
        )


def check_valkey(url: str) -> None:
    """Raise ValueError unless `url` is where a valkey can be."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"valkey", "valkeys"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError("not a valkey URL; expected valkey://user:password@host:6379/0")


def check_https(url: str) -> None:
    """Raise ValueError unless `url` is an https URL; plain http is for this machine only."""
    try:
        parts = urlsplit(url)
        is_url = bool(parts.hostname) and not parts.username and not parts.fragment and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        raise ValueError("not an https URL; expected https://host, and http only for this machine")


def is_loopback(url: str) -> bool:
    """Tell whether `url` stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Rate:
    """How many within how many seconds."""

    amount: int
    seconds: int


def rate(text: str) -> Rate:
    """Return what texts such as `10/15minutes`, `100/hour` and `5 per day` say. Raises ValueError."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0 or int(found[2] or 1) == 0:
        raise ValueError("not a number within a time; expected for example 10/15minutes")
    return Rate(int(found[1]), int(found[2] or 1) * _UNITS[found[3]])
