"""Requests that wait at the same moment share statements: the DataLoader idea, one level up.

Those that differ only in one value, a product's id for example, are answered by one statement for all of their values;
those that do not differ at all by the same one. Nobody is answered from a statement that began before they asked.
"""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from shop_graphql.compiler.plans import Plan
from shop_graphql.direct import Direct

AT_ONCE = 2
"""Statements of one kind that may be under way; who comes then waits for one to end, together with others."""

MAX_KEYS = 100
"""Values in one statement."""


@dataclass
class Saved:
    """How many requests were answered, and by how many statements."""

    requests: int = 0
    statements: int = 0


class Batches:
    """Sends plans to the database, shared where that changes no answer."""

    def __init__(self, direct: Direct) -> None:
        self.saved = Saved()
        self._direct = direct
        self._lanes: dict[Hashable, _Lane] = {}

    async def fetch(self, plan: Plan, parameters: Sequence[Any]) -> str:
        """Return what `Direct.fetch` does, and raise the same, for this request alone.

        A cancelled request leaves the statement to those who share it; one that failed is sent again for each of them.
        """
        self.saved.requests += 1
        place = plan.key
        key = None if place is None else parameters[place]
        name = id(plan), tuple(value for number, value in enumerate(parameters) if number != place)
        try:
            hash((name, key))
        except TypeError:  # arrays
            return await self.send(plan, parameters)
        lane = self._lanes.get(name)
        if lane is None or lane.plan is not plan:
            lane = self._lanes[name] = _Lane(self, name, plan, list(parameters))
        return await lane.ask(key)

    async def send(self, plan: Plan, parameters: Sequence[Any]) -> str:
        """Send a plan for one request."""
        self.saved.statements += 1
        return await self._direct.fetch(plan.sql, parameters)

    async def send_all(self, plan: Plan, parameters: Sequence[Any]) -> list[str]:
        """Send a plan for an array of keys."""
        self.saved.statements += 1
        return await self._direct.lines(plan.for_keys, parameters)

    def leave(self, name: Hashable, lane: "_Lane") -> None:
        """Forget a lane in which nobody waits."""
        if self._lanes.get(name) is lane:
            del self._lanes[name]


class _Lane:
    """Requests of one plan that differ in their key at the most."""

    def __init__(self, batches: Batches, name: Hashable, plan: Plan, parameters: list[Any]) -> None:
        self.plan = plan
        self._batches = batches
        self._name = name
        self._parameters = parameters
        self._waiting: dict[Any, asyncio.Future[str]] = {}
        self._running = 0
        self._runners: set[asyncio.Task[None]] = set()

    async def ask(self, key: Any) -> str:
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            future.add_done_callback(_retrieve)
            if self._running < AT_ONCE:
                self._running += 1
                runner = asyncio.create_task(self._run())
                self._runners.add(runner)
                runner.add_done_callback(self._runners.discard)
        return await asyncio.shield(future)

    async def _run(self) -> None:
        await asyncio.sleep(0)  # what arrives in this turn of the loop goes along
        while self._waiting:
            keys = list(self._waiting)[:MAX_KEYS]
            await self._answer({key: self._waiting.pop(key) for key in keys})
        # Nobody can come to wait between the last look and this: a task counts as running for a moment longer.
        self._running -= 1
        if not self._running:
            self._batches.leave(self._name, self)

    async def _answer(self, asked: dict[Any, asyncio.Future[str]]) -> None:
        try:
            if len(asked) == 1:
                await self._answer_one(*next(iter(asked.items())))
                return
            texts = await self._batches.send_all(self.plan, self._with(list(asked)))
        except Exception:
            # One value, or one moment, may have been bad for all of them.
            await asyncio.gather(*(self._answer_one(key, future) for key, future in asked.items()))
            return
        for future, text in zip(asked.values(), texts, strict=True):
            future.set_result(text)

    async def _answer_one(self, key: Any, future: "asyncio.Future[str]") -> None:
        try:
            future.set_result(await self._batches.send(self.plan, self._with(key)))
        except Exception as error:
            future.set_exception(error)

    def _with(self, key: Any) -> list[Any]:
        if self.plan.key is None:
            return self._parameters
        place = self.plan.key
        return [*self._parameters[:place], key, *self._parameters[place + 1 :]]


def _retrieve(future: "asyncio.Future[str]") -> None:
    # All who asked may be gone when a statement fails; asyncio would log its error as never retrieved.
    if not future.cancelled():
        future.exception()
