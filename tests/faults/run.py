"""One fault after the other, in a shop under load, and what came of each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.postgres import Postgres
from tests.faults.faults import Fault, NotHere
from tests.faults.stage import Stage, ground, stage

BEFORE = 1.0
AFTER = 1.0
"""Seconds of undisturbed trade around a fault."""

MOST = 10.0
"""Seconds in which everything must work again once a fault is over."""


@dataclass
class Outcome:
    """What came of one fault."""

    fault: Fault
    seed: int
    orders: int = 0
    reads: int = 0
    failed_reads: dict[str, int] = field(default_factory=dict)
    longest_read: float = 0.0
    sent_again: int = 0
    recovery: float = 0.0
    complaints: list[str] = field(default_factory=list)
    skipped: str = ""


def run(faults: Sequence[Fault], seed: int) -> tuple[list[Outcome], str]:
    """Try faults, in an order that the seed decides; return what came of each, and the server's log."""
    with ground() as (database, disk):
        return asyncio.run(_run(database, disk, faults, seed))


async def _run(database: Postgres, disk: Path | None, faults: Sequence[Fault], seed: int) -> tuple[list[Outcome], str]:
    random = Random(seed)
    outcomes: list[Outcome] = []
    async with stage(database, disk, Random(random.random()), SHOP_DRAIN_DELAY="1") as made:
        keeper = asyncio.create_task(made.shop.keep())
        try:
            for fault in random.sample(faults, len(faults)):
                outcomes.append(await _try(made, fault, seed))
            outcomes[-1].complaints += await made.judge.broken_promises(made.record)
            log = made.shop.said()
            outcomes[-1].complaints += [line for line in log.splitlines() if line.startswith("Bug ")]
        finally:
            keeper.cancel()
    return outcomes, log


async def _try(made: Stage, fault: Fault, seed: int) -> Outcome:
    outcome, stop = Outcome(fault, seed), asyncio.Event()
    orders, setbacks = len(made.record.purchases), made.client.setbacks.total()
    trading = asyncio.create_task(made.trade(stop))
    watching = asyncio.create_task(made.judge.watch(stop))
    try:
        await asyncio.sleep(BEFORE)
        await _break(made, fault, outcome)
        await asyncio.sleep(AFTER)
    finally:
        stop.set()
        outcome.complaints += await trading + await watching
    outcome.complaints += await made.judge.inconsistencies()
    outcome.orders = len(made.record.purchases) - orders
    outcome.sent_again = made.client.setbacks.total() - setbacks
    outcome.reads, outcome.failed_reads = made.reading.answers, dict(made.reading.failures)
    outcome.longest_read = made.reading.longest
    if fault.reads_survive and outcome.failed_reads:
        outcome.complaints.append(f"reads failed: {outcome.failed_reads}")
    if outcome.recovery > MOST:
        outcome.complaints.append(f"it took {outcome.recovery:.1f} seconds until all was well again")
    return outcome


async def _break(made: Stage, fault: Fault, outcome: Outcome) -> None:
    try:
        await fault.do(made)
    except NotHere as reason:
        outcome.skipped = str(reason)
    except AssertionError as complaint:
        outcome.complaints.append(str(complaint) or "a part of the fault was noticed that must not be")
    began = time.monotonic()
    async with asyncio.timeout(60):
        await made.recovery()
    outcome.recovery = time.monotonic() - began
