"""`python -m tests.faults.soak`: hours under load; exit code 1 when memory or open files grow, or anything is wrong."""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

import uvloop

from shop_graphql.pulse import memory
from tests.chaos.server import Server
from tests.faults.asked import HEAVY
from tests.faults.overload import SIZE, crowd, shop
from tests.faults.visitors import Visitors

RATE = 100.0
"""Requests a second: what a worker does without effort, so that what grows does not do so for lack of time."""

WARM = 0.2
"""The share of the time before memory counts: caches fill, and every path is taken for the first time."""

GROWTH = 0.05
FILES = 5


@dataclass(frozen=True)
class Look:
    """A worker at one moment."""

    memory: int
    files: int


def look(pid: int) -> Look:
    """Return how much memory and how many files a process has open."""
    return Look(memory(pid), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def complaints(looks: list[Look]) -> list[str]:
    """Return what grew between the first and the last third of the time that counts."""
    counted = looks[int(WARM * len(looks)) :]
    third = max(1, len(counted) // 3)
    first, last = counted[:third], counted[-third:]
    growth = median(each.memory for each in last) / median(each.memory for each in first) - 1
    files = median(each.files for each in last) - median(each.files for each in first)
    found = [f"memory grew by {growth:.1%}"] if growth > GROWTH else []
    return found + ([f"open files grew by {files:g}"] if files > FILES else [])


async def soak(running: Server, seconds: float, seed: int) -> list[str]:
    """Send requests for so long, and look at the worker all the while; return what is wrong."""
    people = crowd(running, HEAVY, seed)
    visitors = Visitors(running.address, Random(seed), SIZE.products)
    await running.wait()
    pid, looks, begin, told = running.workers()[0], list[Look](), time.monotonic(), 0.0
    coming = asyncio.create_task(visitors.keep_coming(seconds))
    wrong = 0
    while (elapsed := time.monotonic() - begin) < seconds:
        served = await people.open(RATE, 5)
        wrong += sum(count for status, count in served.statuses.items() if status != "200")
        looks.append(look(pid))
        if elapsed >= told:
            told += 60
            sys.stdout.write(
                f"{elapsed / 60:5.1f} min  {looks[-1].memory / 2**20:6.1f} MiB  {looks[-1].files:3d} files  "
                f"99 % within {served.percentile(0.99) * 1000:.0f} ms, {wrong} without an answer, "
                f"{visitors.came.total()} visitors\n"
            )
            sys.stdout.flush()
    await coming
    people.close()
    await visitors.close()
    return _judge(looks, wrong, visitors.wrong, running.said())


def _judge(looks: list[Look], wrong: int, visitors: list[str], log: str) -> list[str]:
    found = complaints(looks)
    if wrong:
        found.append(f"{wrong} requests without an answer")
    if bugs := log.count("Traceback"):
        found.append(f"{bugs} bugs in the log")
    return found + [f"a visitor was not answered: {complaint}" for complaint in visitors[:5]]


def main() -> None:
    """Read the options, run, say what grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=7200, help="how long it takes (default: two hours)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with shop(workers=1) as running:
        found = uvloop.run(soak(running, options.seconds, options.seed))
    sys.stdout.writelines(f"VIOLATION {complaint}\n" for complaint in found)
    sys.stdout.write("" if found else "nothing grew\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
