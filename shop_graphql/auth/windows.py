"""Counts of what happened within a moving window of time, in memory; and what a place to keep them in must do."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from shop_graphql.values import Rate

CAPACITY = 50_000
"""Keys that are kept in memory. Beyond it those that were not asked about for the longest time are forgotten."""


@dataclass(frozen=True)
class Count:
    """What is counted under `key`, and how much of it there may be."""

    key: str
    rate: Rate


class WindowsUnavailable(Exception):
    """The place where counts are kept cannot be reached."""


class Windows(Protocol):
    """A place to keep counts in."""

    async def take(self, *counts: Count) -> float:
        """Count one more under each key, or under none; return the seconds until there is room, 0 when it was counted.

        Atomic, however many do so at once.
        """

    async def forget(self, key: str) -> None:
        """Start again from zero."""

    async def close(self) -> None:
        """Let go of what is held open."""


class MemoryWindows:
    """Keeps counts in this process. Atomic because nothing here lets others run in between."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    async def take(self, *counts: Count) -> float:
        now = time.monotonic()
        wait = max(self._wait(count, now) for count in counts)
        if wait > 0:
            return wait
        for count in counts:
            self._times.setdefault(count.key, []).append(now)
        while len(self._times) > self._capacity:
            self._times.popitem(last=False)
        return 0

    async def forget(self, key: str) -> None:
        self._times.pop(key, None)

    async def close(self) -> None:
        self._times.clear()

    def _wait(self, count: Count, now: float) -> float:
        times = self._times.get(count.key)
        if times is None:
            return 0
        # What is refused again and again stays: it is what somebody wants to have forgotten.
        self._times.move_to_end(count.key)
        times[:] = [when for when in times if when > now - count.rate.seconds]
        return times[-count.rate.amount] + count.rate.seconds - now if len(times) >= count.rate.amount else 0
