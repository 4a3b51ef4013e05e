"""Who waits for which changes: one reader of the outbox in each process, and watches that it wakes.

The reader asks PostgreSQL again and again while anybody watches. A NOTIFY would tell sooner, at a price that every
order pays: docs/decisions/0027-subscriptions.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import asyncpg

from shop_graphql.database import Statements
from shop_graphql.services import changes
from shop_graphql.services.changes import Change

logger = logging.getLogger("shop_graphql")

EVERY = 0.1
"""Seconds between two looks at the outbox."""

PAUSE = 0.5
"""Seconds until the database is asked again after it did not answer."""

MAX_BEHIND = 1000
"""Rows that may have changed before whoever watches has looked at the first."""

Wanted = Callable[[Change], Collection[int]]
"""Returns which rows of those that a watch is about have changed."""


class FellBehind(Exception):
    """More has changed than whoever watches has looked at in time."""


class Watch:
    """The rows that have changed since somebody looked at them, each once, however often they changed."""

    def __init__(self, wanted: Wanted, present: Collection[int] = ()) -> None:
        self._wanted = wanted
        self._changed = dict.fromkeys(present)
        self._woken = asyncio.Event()

    def tell(self, found: Sequence[Change]) -> None:
        """Take note of what has changed; of no more rows than MAX_BEHIND and those of one look."""
        if len(self._changed) <= MAX_BEHIND:
            for change in found:
                self._changed.update(dict.fromkeys(self._wanted(change)))
        if self._changed:
            self._woken.set()

    async def next(self) -> int:
        """Wait for a row that has changed, and return its id. Raises FellBehind."""
        while not self._changed:
            self._woken.clear()
            await self._woken.wait()
        if len(self._changed) > MAX_BEHIND:
            raise FellBehind
        row_id: int = next(iter(self._changed))
        del self._changed[row_id]
        return row_id


class Watches:
    """All watches of this process. No change that is committed once a watch is open is missed, restarts included."""

    def __init__(self, statements: Statements, every: float = EVERY) -> None:
        self._statements = statements
        self._every = every
        self._open: set[Watch] = set()
        self._moment: str | None = None
        self._reader: asyncio.Task[None] | None = None
        self.looks = 0
        """How often the outbox was looked at."""

    @asynccontextmanager
    async def watch(self, wanted: Wanted, present: Collection[int] = ()) -> AsyncIterator[Watch]:
        """Open a watch, which gives the rows `present` first of all.

        Raises OSError and asyncpg's errors when the database does not answer the first time.
        """
        watch = Watch(wanted, present)
        self._open.add(watch)
        try:
            await self._begin()
            yield watch
        finally:
            self._open.discard(watch)
            if not self._open:
                self._end()

    def __len__(self) -> int:
        return len(self._open)

    async def _begin(self) -> None:
        if self._moment is None:
            moment, _ = await changes.since(self._statements, None)
            # Another watch may have begun while this one waited, and what follows its moment is not to be passed over.
            if self._moment is None:
                self._moment = moment
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        self._reader = self._moment = None

    async def _read(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(PAUSE if failing else self._every)
            try:
                await self._look()
                failing = False
            except Exception as error:
                if not failing:
                    _report(error)
                failing = True

    async def _look(self) -> None:
        moment, found = await changes.since(self._statements, self._moment)
        self._moment = moment
        self.looks += 1
        if found:
            for watch in list(self._open):
                watch.tell(found)


def _report(error: Exception) -> None:
    if isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
        logger.warning("Subscriptions wait for the database: %s", type(error).__name__)
    else:
        logger.exception("Bug in reading the outbox")
