"""Sends one kind of attacks at a steady rate, from a process of its own."""

import asyncio
import multiprocessing
import os
import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.attack.kinds import KINDS
from tests.attack.shots import Finding, Outcome, Shot, Tally
from tests.attack.target import Target

MOST_UNDER_WAY = 150
"""Connections of one squad at the same time; most wait until the server gives up a request that lacks a part."""

EVERY = 1.0
"""Seconds between two reports."""


@dataclass(frozen=True)
class Order:
    """What a squad is to do; `rate` in shots a second, as fast as possible without."""

    kind: str
    seed: int
    count: int
    rate: float | None = None
    most: int = MOST_UNDER_WAY


class Squad:
    """Carries out an order."""

    def __init__(self, order: Order, target: Target) -> None:
        self._order = order
        self._target = target
        self._room = asyncio.Semaphore(order.most)
        self.tally = Tally()

    async def fire(self) -> Tally:
        """Send everything, and wait until all of it is answered."""
        order, begin = self._order, time.monotonic()
        shots = KINDS[order.kind].shots(order.seed, order.count)
        under_way: set[asyncio.Task[None]] = set()
        for number in range(order.count):
            if (shot := await asyncio.to_thread(next, shots, None)) is None:
                break
            if order.rate:
                await asyncio.sleep(begin + number / order.rate - time.monotonic())
            await self._room.acquire()
            task = asyncio.create_task(self._send(number, shot))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        return self.tally

    async def _send(self, number: int, shot: Shot) -> None:
        try:
            outcome = await shot.at(self._target)
        except Exception as error:
            outcome = Outcome("failed", [], [f"{type(error).__name__}: {error}"])
        finally:
            self._room.release()
        tally, order = self.tally, self._order
        tally.sent[order.kind] += 1
        tally.statuses[outcome.status] += 1
        tally.codes.update(outcome.codes)
        tally.findings += [Finding(order.kind, order.seed, number, shot.data, each) for each in outcome.complaints]

    def report(self) -> Tally:
        """Return what came of it since the last report."""
        report, self.tally = self.tally, Tally()
        return report


async def _fire_and_report(order: Order, target: Target, reports: Any) -> None:
    squad = Squad(order, target)
    firing = asyncio.create_task(squad.fire())
    while not firing.done():
        await asyncio.wait([firing], timeout=EVERY)
        reports.put(squad.report())
    firing.result()


def _main(order: Order, target: Target, reports: Any) -> None:
    os.nice(10)  # what is measured is the server, not how long it waits for those who think up attacks
    try:
        asyncio.run(_fire_and_report(order, target, reports))
    finally:
        reports.put(None)


def squads(orders: Sequence[Order], target: Target) -> Iterator[Tally]:
    """Let orders be carried out at the same time, in a process each; yield what comes of them, part by part.

    Not for an event loop. Raises RuntimeError when a squad ends by a mistake of its own.
    """
    spawn = multiprocessing.get_context("spawn")
    reports: queue.Queue[Tally | None] = spawn.Queue()  # type: ignore[assignment]
    processes = [spawn.Process(target=_main, args=(order, target, reports), daemon=True) for order in orders]
    for process in processes:
        process.start()
    try:
        running = len(processes)
        while running:
            report = reports.get(timeout=120)
            if report is None:
                running -= 1
            else:
                yield report
        for process in processes:
            process.join()
            if process.exitcode:
                raise RuntimeError("a squad has failed; see above")
    finally:
        for process in processes:
            process.kill()
