"""How much of the server somebody may use: points in buckets, in valkey or in memory."""

import logging
import math
import time

from shop_graphql.auth.buckets import MemoryBuckets, Store, Taken
from shop_graphql.auth.windows import WindowsUnavailable
from shop_graphql.errors import StartupError
from shop_graphql.values import Rate

try:
    from shop_graphql.auth.valkey_buckets import ValkeyBuckets
except ImportError:  # the extra "valkey" is not installed
    ValkeyBuckets = None  # type: ignore[assignment, misc]

logger = logging.getLogger("shop_graphql")

PAUSE = 5.0
"""Seconds for which valkey is not asked again after it did not answer, so that not every request waits for it."""


class Buckets:
    """Buckets in valkey when there is a URL of one, and in memory otherwise and for as long as it is out of reach.

    Raises StartupError when a URL is given and the client of valkey is not installed.
    """

    def __init__(self, storage_url: str | None) -> None:
        self._memory = MemoryBuckets()
        self._shared = None if storage_url is None else _in_valkey(storage_url)
        self._ask_again = -math.inf

    async def take(self, key: str, points: float, rate: Rate) -> Taken:
        """Do what `Store.take` does."""
        if self._shared is None or time.monotonic() < self._ask_again:
            return await self._memory.take(key, points, rate)
        try:
            return await self._shared.take(key, points, rate)
        except WindowsUnavailable as error:
            self._ask_again = time.monotonic() + PAUSE
            logger.warning("Valkey cannot be reached, so each worker counts costs by itself: %s", error)
            return await self._memory.take(key, points, rate)

    async def close(self) -> None:
        """Close the connections to valkey."""
        await self._memory.close()
        if self._shared is not None:
            await self._shared.close()


def _in_valkey(url: str) -> Store:
    if ValkeyBuckets is None:
        raise StartupError("SHOP_VALKEY_URL needs the client of valkey: pip install 'shop-graphql[valkey]'.")
    return ValkeyBuckets(url)
