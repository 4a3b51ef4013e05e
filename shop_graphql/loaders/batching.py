"""The DataLoader that every loader is, and the set of them that a request has."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

from shop_graphql.access import Role
from shop_graphql.database import Reads

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
L = TypeVar("L", bound="Loader[Any, Any]")


class Loader(ABC, Generic[K, V]):
    """Gathers the keys asked for in one turn of the event loop and loads them with one statement.

    A cancelled caller harms no other: each gets a shield around the shared future, and a future that was cancelled all
    the same is not handed out again. graphql-core cancels the siblings of a field that failed, so this does happen.
    """

    def __init__(self, reads: Reads, role: Role | None) -> None:
        self.reads = reads
        self.role = role
        self._batches: DataLoader[K, V] = DataLoader(self._load_batch)

    def load(self, key: K) -> "asyncio.Future[V]":
        """Return what `key` stands for, once its batch has been read."""
        cached = self._batches._cache.get(key)
        if cached is not None and cached.cancelled():
            self._batches.clear(key)
        future = self._batches.load(key)
        future.add_done_callback(_retrieve)
        return asyncio.shield(future)

    async def _load_batch(self, keys: list[K]) -> list[V]:
        return list(await self.batch(keys))

    @abstractmethod
    async def batch(self, keys: Sequence[K]) -> Sequence[V]:
        """Return one value for each of the distinct `keys`, in their order."""


class Loaders:
    """The loaders of one request, for a viewer of the role `role`; each is made when it is first asked for."""

    def __init__(self, reads: Reads, role: Role | None) -> None:
        self.role = role
        self._reads = reads
        self._made: dict[Hashable, Loader[Any, Any]] = {}

    def get(self, kind: type[L], *arguments: Hashable) -> L:
        """Return the loader of this kind and these arguments; equal arguments share one."""
        made = self._made.get((kind, *arguments))
        if made is None:
            made = self._made[(kind, *arguments)] = kind(self._reads, self.role, *arguments)
        return made  # type: ignore[return-value]


def _retrieve(future: "asyncio.Future[Any]") -> None:
    # All callers may be gone when a batch fails; asyncio would log its error as never retrieved.
    if not future.cancelled():
        future.exception()
