"""The public keys of an identity provider: found by discovery, sifted, kept, and fetched again when it is time."""

import asyncio
import base64
import json
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from shop_graphql.values import check_https, is_loopback

logger = logging.getLogger("shop_graphql")

FRESH = 600.0
"""Seconds that keys are good for."""

UNKNOWN_PAUSE = 30.0
"""Seconds between two fetches for keys that tokens name and nobody knows: names cost a forger nothing."""

FAILURE_PAUSE = 5.0
"""Seconds after a fetch that failed, before the next."""

DEADLINE = 5.0
MAX_BYTES = 256 * 1024
MIN_RSA_BITS = 2048

# What a public key needs. Whatever else a provider says of it, private parts included, is left where it is.
_MEMBERS = {"kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y"}

KeyId = tuple[str | None, str]
"""A key's id and kind. Keys of different kinds may share an id, and a provider's only key may have none."""


class ProviderUnavailable(Exception):
    """The provider's keys cannot be had, so that nothing can be said about a token."""


class ProviderKeys:
    """Keeps the keys. However many ask at once, one fetch is under way at the most, and outlives whoever asked."""

    def __init__(self, issuer: str, fresh: float, unknown_pause: float, failure_pause: float) -> None:
        check_https(issuer)
        self._issuer = issuer
        self._fresh = fresh
        self._unknown_pause = unknown_pause
        self._failure_pause = failure_pause
        self._keys: dict[KeyId, Key] | None = None
        self._failed = False
        self._due = self._unknown_due = -math.inf
        self._fetch: asyncio.Task[None] | None = None
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(3, connect=2),
            follow_redirects=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            trust_env=not is_loopback(issuer),
        )

    async def find(self, kid: str | None, kind: str) -> Key | None:
        """Return the key, or None when the provider does not have it. Raises ProviderUnavailable."""
        is_due = time.monotonic() >= self._due
        # Nobody waits for a provider that was away the last time, as long as there are keys.
        waits = is_due and (self._keys is None or not self._failed)
        if is_due:
            fetch = self._refresh()
        if waits:
            await asyncio.shield(fetch)
        found = self._known(kid, kind)
        if found is None and not waits and (self._fetch is not None or self._may_ask_for_unknown()):
            await asyncio.shield(self._refresh())
            found = self._known(kid, kind)
        if found is None and (self._keys is None or self._failed):
            raise ProviderUnavailable("The identity provider cannot be reached.")
        return found

    async def close(self) -> None:
        """Close the connections, and end a fetch under way."""
        if self._fetch is not None:
            self._fetch.cancel()
        await self._http.aclose()

    def _known(self, kid: str | None, kind: str) -> Key | None:
        keys = self._keys or {}
        if kid is not None:
            return keys.get((kid, kind))
        of_kind = [key for (_, its_kind), key in keys.items() if its_kind == kind]
        return of_kind[0] if len(of_kind) == 1 else None

    def _may_ask_for_unknown(self) -> bool:
        now = time.monotonic()
        if now < self._unknown_due or (self._failed and now < self._due):
            return False
        self._unknown_due = now + self._unknown_pause
        return True

    def _refresh(self) -> asyncio.Task[None]:
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._replace())
        return self._fetch

    async def _replace(self) -> None:
        """Take the provider's keys for ours. When they cannot be had, the old ones stay."""
        try:
            async with asyncio.timeout(DEADLINE):
                self._keys = await self._read()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            self._failed = True
            logger.warning("The keys of %s cannot be had: %s %s", self._issuer, type(error).__name__, error)
        else:
            self._failed = False
        finally:
            self._due = time.monotonic() + (self._failure_pause if self._failed else self._fresh)
            self._fetch = None

    async def _read(self) -> dict[KeyId, Key]:
        discovery = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        listed = (await self._get(address_of_keys(self._issuer, discovery))).get("keys")
        if not isinstance(listed, list):
            raise ValueError("there is no list of them")
        keys = [key for jwk in listed if isinstance(jwk, dict) and (key := usable(jwk)) is not None]
        return {(key.kid, key.key_type): key for key in keys}

    async def _get(self, url: str) -> dict[str, Any]:
        content = bytearray()
        async with self._http.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK or "content-encoding" in response.headers:
                raise ValueError(f"{url} answers with status {response.status_code}")
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise ValueError(f"{url} answers with more than {MAX_BYTES} bytes")
        value = json.loads(content)
        if not isinstance(value, dict):
            raise ValueError(f"{url} answers with no object")
        return value


def address_of_keys(issuer: str, discovery: Mapping[str, Any]) -> str:
    """Return where the keys are, as the issuer tells. Raises ValueError when that is no place to fetch keys from."""
    if discovery.get("issuer") != issuer:
        raise ValueError("it calls itself something else")
    address = discovery.get("jwks_uri")
    if not isinstance(address, str):
        raise ValueError("it does not say where they are")
    check_https(address)
    if is_loopback(address) and not is_loopback(issuer):
        raise ValueError("it sends us to this machine")
    return address


def usable(jwk: Mapping[str, Any]) -> Key | None:
    """Return the key that signatures can be verified with, or None for one that is secret, weak, or made for else."""
    kind = jwk.get("kty"), jwk.get("crv")
    if jwk.get("use", "sig") != "sig" or not (kind[0] == "RSA" or kind in {("EC", "P-256"), ("OKP", "Ed25519")}):
        return None
    try:
        if kind[0] == "RSA" and _bits(jwk["n"]) < MIN_RSA_BITS:
            return None
        key = JWKRegistry.import_key({name: value for name, value in jwk.items() if name in _MEMBERS})
        # Read now, so that a key that cannot be is left out here and does not fail where it is used.
        key.public_key  # noqa: B018
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key


def _bits(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).bit_length()
