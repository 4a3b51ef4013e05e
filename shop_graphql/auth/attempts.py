"""How often somebody may try to sign in: counted per account and per address, in valkey or in memory."""

import hashlib
import logging
import math
import time
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from shop_graphql.auth.windows import Count, MemoryWindows, Windows, WindowsUnavailable
from shop_graphql.errors import StartupError, TooManyAttempts
from shop_graphql.values import rate

try:
    from shop_graphql.auth.valkey_windows import ValkeyWindows
except ImportError:  # the extra "valkey" is not installed
    ValkeyWindows = None  # type: ignore[assignment, misc]

logger = logging.getLogger("shop_graphql")

LOG_EVERY = 60.0
"""Seconds between two lines in the log that say the same."""


class Attempts:
    """Counts attempts. With valkey out of reach they are counted in memory: too few are seen then, but not none.

    Raises ValueError for what is no rate, and StartupError when a URL is given and the client of valkey is not
    installed.
    """

    def __init__(self, storage_url: str | None, per_account: str, per_address: str) -> None:
        self._per_account = rate(per_account)
        self._per_address = rate(per_address)
        self._memory = MemoryWindows()
        self._windows: Windows = self._memory if storage_url is None else _in_valkey(storage_url)
        self._logged = -math.inf

    async def spend(self, account: str, address: str) -> None:
        """Count one attempt. Raises TooManyAttempts and counts nothing when account or address have none left."""
        counts = Count(_account_key(account), self._per_account), Count(address_key(address), self._per_address)
        try:
            wait = await self._windows.take(*counts)
        except WindowsUnavailable as error:
            self._log(error)
            wait = await self._memory.take(*counts)
        if wait > 0:
            raise TooManyAttempts(math.ceil(wait))

    async def forgive(self, account: str) -> None:
        """Forget the attempts on an account, after one that succeeded. Those of the address stay."""
        key = _account_key(account)
        await self._memory.forget(key)
        try:
            await self._windows.forget(key)
        except WindowsUnavailable as error:
            self._log(error)

    async def close(self) -> None:
        """Close the connections to valkey."""
        await self._windows.close()

    def _log(self, error: WindowsUnavailable) -> None:
        now = time.monotonic()
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            logger.warning("Valkey cannot be reached, so each worker counts attempts by itself: %s", error)


def _in_valkey(url: str) -> Windows:
    if ValkeyWindows is None:
        raise StartupError("SHOP_VALKEY_URL needs the client of valkey: pip install 'shop-graphql[valkey]'.")
    return ValkeyWindows(url)


def _account_key(account: str) -> str:
    """Hashed, so that no e-mail address is stored; the same for spellings that may mean the same account."""
    return "account:" + _digest(unicodedata.normalize("NFKC", account).strip().casefold())


@lru_cache(10_000)
def address_key(address: str) -> str:
    """Return under which name an address is counted. Whoever has one address of IPv6 has the 2^64 of its network."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "address:" + _digest(address)
    if isinstance(ip, IPv6Address):
        return f"address:{ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64)}"
    return f"address:{ip}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
