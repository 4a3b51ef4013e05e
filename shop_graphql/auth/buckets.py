"""Buckets of points that fill up with time: how much of the server somebody may use, in memory or in valkey."""

import logging
import math
import time
from collections import OrderedDict
from typing import NamedTuple, Protocol

from shop_graphql.auth.windows import CAPACITY, WindowsUnavailable
from shop_graphql.errors import StartupError
from shop_graphql.settings import Rate

try:
    from shop_graphql.auth.valkey_buckets import ValkeyBuckets
except ImportError:  # the extra "valkey" is not installed
    ValkeyBuckets = None  # type: ignore[assignment, misc]

logger = logging.getLogger("shop_graphql")

PAUSE = 5.0
"""Seconds for which valkey is not asked again after it did not answer, so that not every request waits for it."""


class Taken(NamedTuple):
    """What is left in a bucket, and the seconds to wait when there was too little to take anything."""

    left: float
    wait: float = 0.0


class Store(Protocol):
    """A place where buckets stand. All are full at first."""

    async def take(self, key: str, points: float, rate: Rate) -> Taken:
        """Take points out of a bucket, or none; negative ones are put back. Atomic, however many do so at once.

        Whoever wants more than a bucket holds gets it out of a full one, and it takes longer to fill again.
        """

    async def close(self) -> None:
        """Let go of what is held open."""


class MemoryBuckets:
    """Keeps buckets in this process. Atomic because nothing here lets others run in between."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    async def take(self, key: str, points: float, rate: Rate) -> Taken:
        now, amount = time.monotonic(), rate.amount
        per_second = amount / rate.seconds
        known = self._levels.get(key)
        level: float = amount
        if known is None:
            if len(self._levels) >= self._capacity:
                self._levels.popitem(last=False)
        else:
            self._levels.move_to_end(key)
            level = known[0] + (now - known[1]) * per_second
            if level > amount:
                level = amount
        needed = points if points < amount else amount
        if level < needed and points > 0:
            return Taken(level, (needed - level) / per_second)
        level = min(level - points, amount)
        self._levels[key] = level, now
        return Taken(level)

    async def close(self) -> None:
        self._levels.clear()


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
            return Taken(*await self._shared.take(key, points, rate))
        except WindowsUnavailable as error:
            self._ask_again = time.monotonic() + PAUSE
            logger.warning("Valkey cannot be reached, so each worker counts costs by itself: %s", error)
            return await self._memory.take(key, points, rate)

    async def close(self) -> None:
        """Close the connections to valkey."""
        await self._memory.close()
        if self._shared is not None:
            await self._shared.close()


def _in_valkey(url: str) -> "ValkeyBuckets":
    if ValkeyBuckets is None:
        raise StartupError("SHOP_VALKEY_URL needs the client of valkey: pip install 'shop-graphql[valkey]'.")
    return ValkeyBuckets(url)
