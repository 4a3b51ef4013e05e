"""How long reads wait for a database that is away: a restart is waited for, a longer absence is told at once."""

import asyncio
import random
import time

PAUSE = 0.1
"""Seconds between two looks for the database, at the most."""


class Outage:
    """One database, and since when it is away. All who read it share one."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: float | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it was away when it was last asked for."""
        return self._since is not None

    async def wait(self) -> bool:
        """Wait a moment and return True, or False when the database has been away for longer than it is waited for."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if now - self._since >= self._patience:
            return False
        await asyncio.sleep(random.uniform(PAUSE / 5, PAUSE))  # noqa: S311
        return True

    def over(self) -> None:
        """Note that the database is there."""
        self._since = None
