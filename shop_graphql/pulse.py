"""How a worker feels: how late its event loop is, and how much memory it takes."""

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

EVERY = 0.25
"""Seconds between two looks."""

KEPT = 40
"""Looks of which the worst is told: those of the last ten seconds."""

MIB = 2**20


class Pulse:
    """What was seen at the last looks."""

    def __init__(self, memory_limit: int | None = None) -> None:
        self._limit = memory_limit
        self._lags: deque[float] = deque([0.0], maxlen=KEPT)
        self.memory = memory()

    @property
    def lag(self) -> float:
        """The longest time, of the last ten seconds, for which the event loop came to nobody else."""
        return max(self._lags)

    @property
    def is_bloated(self) -> bool:
        """Whether more memory is taken than may be."""
        return self._limit is not None and self.memory > self._limit * MIB

    @asynccontextmanager
    async def beating(self, when_bloated: Callable[[], None], every: float = EVERY) -> AsyncIterator[None]:
        """Look again and again inside the block; call `when_bloated` once, when it is so for the first time."""
        task = asyncio.create_task(self._beat(when_bloated, every))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _beat(self, when_bloated: Callable[[], None], every: float) -> None:
        was_bloated = False
        while True:
            due = time.monotonic() + every
            await asyncio.sleep(every)
            self._lags.append(max(0.0, time.monotonic() - due))
            self.memory = memory()
            if self.is_bloated and not was_bloated:
                was_bloated = True
                when_bloated()


def memory(process: int | str = "self") -> int:
    """Return the bytes of memory that a process holds; 0 where only Linux would tell."""
    try:
        resident = Path(f"/proc/{process}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(resident) * os.sysconf("SC_PAGE_SIZE")
