"""Buckets of points that fill up with time, in memory; and what a place to keep them in must do."""

import time
from collections import OrderedDict
from typing import NamedTuple, Protocol

from shop_graphql.auth.windows import CAPACITY
from shop_graphql.values import Rate


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
