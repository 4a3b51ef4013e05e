"""Requests that wait at the same moment share statements: the DataLoader idea, one level up.

Those that differ only in one value, a product's id for example, are answered by one statement for all of their values;
those that do not differ at all by the same one. Nobody is answered from a statement that began before they asked, and
nobody waits for long behind one. The more time a value takes, the fewer of them share, and from 20 ms on none do.
"""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shop_graphql.compiler.plans import Plan
from shop_graphql.direct import Reader
from shop_graphql.pace import Pace

AT_ONCE = 2
"""Statements of one kind under way while further requests gather for the next one."""

MAX_KEYS = 100
"""Values in one statement."""

LENGTH = 0.01
"""Seconds that a statement of several values may take: as many share it as will be answered in that time."""

TOO_SLOW = 0.02
"""Seconds for a value from which on only identical requests share a statement."""

PATIENCE = 0.02
"""Seconds after which those who gather no longer wait for a statement under way, which may be stuck."""


@dataclass
class Saved:
    """How many requests were answered, and by how many statements."""

    requests: int = 0
    statements: int = 0


class Batches:
    """Sends plans to the database, shared where that changes no answer."""

    def __init__(self, direct: Reader) -> None:
        self.saved = Saved()
        self._direct = direct
        self._lanes: dict[Hashable, _Lane] = {}

    async def fetch(self, plan: Plan, parameters: Sequence[Any]) -> str:
        """Return what `Direct.fetch` does, and raise the same, for this request alone.

        A cancelled request leaves the statement to those who share it, and cancels one that nobody else waits for. What
        PostgreSQL refuses of a shared statement is sent again for each of them; what took too long, or found no
        database, is not.
        """
        self.saved.requests += 1
        place = plan.key if plan.pace.seconds < TOO_SLOW else None
        key = None if place is None else parameters[place]
        name = id(plan), place, tuple(value for number, value in enumerate(parameters) if number != place)
        try:
            hash((name, key))
        except TypeError:  # arrays
            return await self.send(plan, parameters)
        lane = self._lanes.get(name)
        if lane is None or lane.plan is not plan:
            lane = self._lanes[name] = _Lane(self, name, plan, place, list(parameters))
        wish, answer = lane.join(key)
        try:
            return await answer
        except asyncio.CancelledError:
            lane.leave(wish)
            raise

    async def send(self, plan: Plan, parameters: Sequence[Any]) -> str:
        """Send a plan for one request."""
        self.saved.statements += 1
        return await self._direct.fetch(plan.sql, parameters, plan.pace)

    async def send_all(self, plan: Plan, parameters: Sequence[Any]) -> list[str]:
        """Send a plan for an array of keys."""
        self.saved.statements += 1
        return await self._direct.lines(plan.for_keys, parameters, plan.pace)

    def leave(self, name: Hashable, lane: "_Lane") -> None:
        """Forget a lane in which nobody waits."""
        if self._lanes.get(name) is lane:
            del self._lanes[name]


class _Wish:
    """What some requests wait for together, each by a future of its own."""

    __slots__ = ("askers", "key", "sending")

    def __init__(self, key: Any) -> None:
        self.key = key
        self.askers: list[asyncio.Future[str]] = []
        self.sending: _Sending | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it."""
        return all(asker.done() for asker in self.askers)

    def fulfil(self, text: str) -> None:
        for asker in self.askers:
            if not asker.done():
                asker.set_result(text)

    def fail(self, error: Exception) -> None:
        for asker in self.askers:
            if not asker.done():
                asker.set_exception(error)


@dataclass(eq=False)
class _Sending:
    """A statement under way, for these wishes."""

    wishes: list[_Wish]
    task: "asyncio.Task[None] | None" = field(default=None)


class _Lane:
    """Requests of one plan that differ in the parameter at `place` at the most."""

    def __init__(self, batches: Batches, name: Hashable, plan: Plan, place: int | None, parameters: list[Any]) -> None:
        self.plan = plan
        self._batches = batches
        self._name = name
        self._place = place
        self._parameters = parameters
        self._waiting: dict[Any, _Wish] = {}
        self._loop = asyncio.get_running_loop()
        self._starting = 0
        self._under_way: set[_Sending] = set()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def _most(self) -> int:
        """How many values share a statement."""
        return MAX_KEYS if self._place is None else _most(self.plan.pace)

    def join(self, key: Any) -> "tuple[_Wish, asyncio.Future[str]]":
        """Return a wish for the answer to `key`, and the future that has it for one request."""
        wish = self._waiting.get(key)
        if wish is None:
            wish = self._waiting[key] = _Wish(key)
            if self._starting * self._most < len(self._waiting):
                self._gather()
        answer = self._loop.create_future()
        wish.askers.append(answer)
        return wish, answer

    def leave(self, wish: _Wish) -> None:
        """Forget a wish that nobody waits for any more, and cancel a statement that is for nobody else."""
        if not wish.is_over:
            return
        if self._waiting.get(wish.key) is wish:
            del self._waiting[wish.key]
        sending = wish.sending
        if sending is not None and sending.task is not None and all(each.is_over for each in sending.wishes):
            sending.task.cancel()

    def _gather(self) -> None:
        """See to it that a statement takes those who wait: the next one, or one of their own."""
        if len(self._under_way) + self._starting < AT_ONCE or len(self._waiting) >= self._most:
            self._start()
        elif self._alarm is None:
            self._alarm = self._loop.call_later(PATIENCE, self._lose_patience)

    def _lose_patience(self) -> None:
        self._alarm = None
        if self._waiting and not self._starting:
            self._start()

    def _start(self) -> None:
        """Send a statement after the next turn of the loop; what arrives until then goes along.

        With one turn only, requests of clients that ask in step came into three statements instead of one.
        """
        self._starting += 1
        self._loop.call_soon(self._loop.call_soon, self._send)

    def _send(self) -> None:
        self._starting -= 1
        wishes = [self._waiting.pop(key) for key in list(self._waiting)[: self._most]]
        if wishes:
            sending = _Sending(wishes)
            for wish in wishes:
                wish.sending = sending
            self._under_way.add(sending)
            sending.task = asyncio.create_task(self._answer(wishes))
            sending.task.add_done_callback(lambda _: self._ended(sending))
        self._go_on()

    def _ended(self, sending: _Sending) -> None:
        self._under_way.discard(sending)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting:
            if not self._starting:
                self._gather()
        elif not self._under_way and not self._starting:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            self._batches.leave(self._name, self)

    async def _answer(self, wishes: list[_Wish]) -> None:
        if len(wishes) == 1:
            await self._answer_one(wishes[0])
            return
        try:
            texts = await self._batches.send_all(self.plan, self._with([wish.key for wish in wishes]))
        except asyncpg.PostgresError:
            # One value, or one moment, may have been bad for all of them.
            await asyncio.gather(*(self._answer_one(wish) for wish in wishes))
        except Exception as error:
            for wish in wishes:
                wish.fail(error)
        else:
            for wish, text in zip(wishes, texts, strict=True):
                wish.fulfil(text)

    async def _answer_one(self, wish: _Wish) -> None:
        try:
            text = await self._batches.send(self.plan, self._with(wish.key))
        except Exception as error:
            wish.fail(error)
        else:
            wish.fulfil(text)

    def _with(self, key: Any) -> list[Any]:
        if self._place is None:
            return self._parameters
        return [*self._parameters[: self._place], key, *self._parameters[self._place + 1 :]]


def _most(pace: Pace) -> int:
    return MAX_KEYS if pace.seconds * MAX_KEYS <= LENGTH else max(1, int(LENGTH / pace.seconds))
