"""Who breaks things: kills workers, crashes PostgreSQL, cuts connections, each at its own pace."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from tests.chaos.postgres import Postgres
from tests.chaos.server import Server

KILLS = 24
CRASHES = 7
CUTS = 30
"""How often a minute each is done."""


class Saboteur:
    """Breaks a server and its database until it is stopped. `done` counts what it did."""

    def __init__(self, server: Server, postgres: Postgres, random: Random) -> None:
        self._server = server
        self._postgres = postgres
        self._random = random
        self.done: Counter[str] = Counter()

    async def work(self, seconds: float) -> None:
        """Break things for so long."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self._kill, KILLS, end))
            tasks.create_task(self._repeat(self._crash, CRASHES, end))
            tasks.create_task(self._repeat(self._cut, CUTS, end))

    async def _repeat(self, deed: Callable[[], Awaitable[None]], per_minute: float, end: float) -> None:
        """Do something once in each interval, at a moment that chance chooses; the first one early in it."""
        interval, start = 60 / per_minute, time.monotonic()
        number, share = 0, 0.3
        while (moment := start + (number + share) * interval) < end:
            # Whoever is late catches up, but not so fast that nothing ever runs.
            await asyncio.sleep(max(interval / 2, moment - time.monotonic()))
            await deed()
            number, share = number + 1, self._random.random()

    async def _kill(self) -> None:
        while not self._server.kill_worker():  # noqa: ASYNC110 - no event tells that a worker has started
            await asyncio.sleep(0.05)
        self.done["worker kills"] += 1

    async def _crash(self) -> None:
        await self._postgres.crash(pause=self._random.choice([0, 0, 0.5, 1.5]))
        self.done["database crashes"] += 1

    async def _cut(self) -> None:
        await self._postgres.terminate_backends(share=0.3)
        self.done["cuts"] += 1
