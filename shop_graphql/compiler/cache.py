"""A cache that is bounded by what it holds, and counts how often it helps."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class Stats:
    """How a cache does: how many were found and not, how many it holds, and how many bytes these take."""

    hits: int = 0
    misses: int = 0
    entries: int = 0
    bytes: int = 0

    @property
    def hit_rate(self) -> float:
        """How many of all that were looked for were found, from 0 to 1."""
        return self.hits / max(self.hits + self.misses, 1)


class Cache(Generic[K, V]):
    """Keeps what was used last, as much as fits into `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.stats = Stats()
        self._limit = limit
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return what is held under `key`, or None."""
        held = self._held.get(key)
        if held is None:
            self.stats.misses += 1
            return None
        self.stats.hits += 1
        self._held.move_to_end(key)
        return held[0]

    def held(self, key: K) -> V | None:
        """Return the same, for somebody who has looked for it already."""
        held = self._held.get(key)
        return None if held is None else held[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Hold `value`, which takes about `size` bytes, and let go of what was not used for longest."""
        self._drop(self._held.pop(key, None))
        self._held[key] = value, size
        self.stats.entries += 1
        self.stats.bytes += size
        while self.stats.bytes > self._limit:
            self._drop(self._held.popitem(last=False)[1])

    def _drop(self, held: tuple[V, int] | None) -> None:
        if held is not None:
            self.stats.entries -= 1
            self.stats.bytes -= held[1]


class SharedCache(Cache[K, V]):
    """One that several threads use."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return what is held under `key`, or None."""
        with self._lock:
            return super().get(key)

    def put(self, key: K, value: V, size: int) -> None:
        """Hold `value`, which takes about `size` bytes, and let go of what was not used for longest."""
        with self._lock:
            super().put(key, value, size)
