"""`python -m tests.faults.overload`: four times what a worker can answer; exit code 1 when it gives way.

The worker has a processor to itself where there are two or more, in all parts; PostgreSQL and those who send have the
others. So what is measured under too much, as a share of what was measured before, is about the worker.
"""

import argparse
import asyncio
import math
import os
import sys
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import uvloop

from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from tests.chaos.postgres import postgres
from tests.chaos.server import Server, server
from tests.faults.asked import HEAVY, QUICK, requests
from tests.faults.load import People, Served

SIZE = Size()
MIXTURES = {"heavy": HEAVY, "quick": QUICK}

PEOPLE = 64
"""How many send at once where the peak is measured: enough to keep a worker busy."""

FACTOR = 4
LEAST = 0.8
"""Of the peak, this is still answered under FACTOR times as many requests."""

RECOVERY = 2.0
"""Seconds after which a server must answer all of half its peak again, quickly."""

SOON = 0.25
HEALTHY = 1.0
"""Seconds within which /health must answer all the while: who asks it gives up soon."""

EXPECTED = {"200", "503", "no connection left"}


@dataclass(frozen=True)
class Part:
    """What was answered in one part, and the seconds of processor time that the worker and those who send took."""

    served: Served
    worker: float
    senders: float

    def summary(self) -> str:
        """Return the figures in a line."""
        served = self.served
        statuses = ", ".join(f"{count} of {status}" for status, count in sorted(served.statuses.items()))
        return (
            f"{served.rate:.0f}/s, half of them within {served.percentile(0.5) * 1000:.0f} ms, 99 % within "
            f"{served.percentile(0.99) * 1000:.0f} ms; worker {self.worker / served.took:.0%} of a processor, "
            f"{self.worker / max(1, served.good) * 1e6:.0f} µs for a good answer; "
            f"senders {self.senders / served.took:.0%} of one ({statuses})"
        )


@dataclass(frozen=True)
class Overload:
    """What a worker answered: at its best, under too much, and right afterwards; and how soon `/health` meanwhile."""

    peak: Part
    over: Part
    health: float
    recovery: float | None

    @property
    def share(self) -> float:
        """What was left of the peak."""
        return self.over.served.rate / self.peak.served.rate

    @property
    def complaints(self) -> list[str]:
        """What is not as it must be."""
        found = []
        if self.share < LEAST:
            found.append(f"under load only {self.share:.0%} of the peak was answered")
        if strange := self.over.served.statuses.keys() - EXPECTED:
            found.append(f"answers of other kinds: {strange}")
        if self.health > HEALTHY:
            found.append(f"/health took {self.health:.1f} seconds")
        if self.recovery is None or self.recovery > RECOVERY:
            found.append(
                f"it took {self.recovery or 'more than 10'} seconds until everybody was answered quickly again"
            )
        return found

    def summary(self) -> str:
        """Return all figures, a part in each line."""
        return (
            f"  at its best      {self.peak.summary()}\n  {FACTOR} times as many  {self.over.summary()}\n"
            f"  {self.share:.0%} of the best; /health within {self.health * 1000:.0f} ms; "
            f"well again after {self.recovery} s\n"
        )


@contextmanager
def shop(workers: int) -> Iterator[Server]:
    """Start a server with the sample shop."""
    with postgres() as database:
        load(database.url, SIZE, lambda _: None)
        with server(database.url, workers, SHOP_LOG_LEVEL="warning") as running:
            yield running


def crowd(running: Server, mixture: Mapping[str, int], seed: int) -> People:
    """Return people who ask this server, with the sample shop, for this mixture."""
    address = running.address.removeprefix("http://")
    return People(address, requests(address, mixture, Random(seed), SIZE.products, SIZE.users))


async def measure(running: Server, mixture: Mapping[str, int], seconds: float, seed: int) -> Overload:
    """Measure the peak, then the overload, then how long it takes to recover."""
    people, worker = crowd(running, mixture, seed), running.workers()[0]
    await people.closed(PEOPLE, 3)

    async def part(served: Awaitable[Served]) -> Part:
        before = _used(worker), _used(os.getpid())
        return Part(await served, _used(worker) - before[0], _used(os.getpid()) - before[1])

    peak = await part(people.closed(PEOPLE, seconds))
    looking = asyncio.create_task(_health(running, seconds))
    over = await part(people.open(FACTOR * peak.served.rate, seconds))
    recovery = await _recovery(people, peak.served.rate / 2)
    people.close()
    return Overload(peak, over, await looking, recovery)


async def _health(running: Server, seconds: float) -> float:
    """Return the longest time that /health took, asked again and again by somebody with a connection of their own."""
    longest, end = 0.0, time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=running.address, timeout=15) as http:
        while (began := time.monotonic()) < end:
            response = await http.get("/health")
            longest = max(longest, time.monotonic() - began if response.status_code == 200 else math.inf)
            await asyncio.sleep(0.5)
    return longest


async def _recovery(people: People, rate: float) -> float | None:
    for window in range(20):
        served = await people.open(rate, 0.5)
        if _is_well(served):
            return window * 0.5
    return None


def _is_well(served: Served) -> bool:
    return set(served.statuses) == {"200"} and served.percentile(0.95) < SOON


def _used(pid: int) -> float:
    """Return the seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _apart() -> Iterator[set[int]]:
    """Leave one processor to the worker, and return it; what is started inside the block has the others."""
    all_of_them = os.sched_getaffinity(0)
    first = {min(all_of_them)}
    os.sched_setaffinity(0, all_of_them - first or first)
    try:
        yield first
    finally:
        os.sched_setaffinity(0, all_of_them)


def _move(pid: int, processors: set[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(thread.name), processors)


def main() -> None:
    """Read the options, run, print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long each part takes (default: 10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=MIXTURES, help="one mixture only")
    options = parser.parse_args()
    complaints = []
    with _apart() as processor, shop(workers=1) as running:
        uvloop.run(running.wait())
        _move(running.workers()[0], processor)
        for name, mixture in MIXTURES.items():
            if options.only in {None, name}:
                overload = uvloop.run(measure(running, mixture, options.seconds, options.seed))
                sys.stdout.write(f"{name} requests\n{overload.summary()}")
                sys.stdout.flush()
                complaints += [f"{name} requests: {complaint}" for complaint in overload.complaints]
    sys.stdout.writelines(f"VIOLATION {complaint}\n" for complaint in complaints)
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
