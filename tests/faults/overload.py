"""`python -m tests.faults.overload`: four times what a worker can answer; exit code 1 when it gives way."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import uvloop

from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from tests.chaos.postgres import postgres
from tests.chaos.server import Server, server
from tests.faults.load import People, Served

SIZE = Size()
PEOPLE = 32
"""How many send at once where the peak is measured: enough to keep a worker busy."""

FACTOR = 4
LEAST = 0.8
"""Of the peak, this is still answered under FACTOR times as many requests."""

RECOVERY = 2.0
"""Seconds after which a server must answer all of half its peak again, quickly."""

QUICK = 0.25

EXPECTED = {"200", "503", "no connection left"}


@dataclass(frozen=True)
class Overload:
    """What a worker answered: at its best, under too much, and right afterwards."""

    peak: float
    under: float
    statuses: dict[str, int]
    median: float
    slowest: float
    recovery: float | None

    @property
    def complaints(self) -> list[str]:
        """What is not as it must be."""
        found = []
        if self.under < LEAST * self.peak:
            found.append(f"under load only {self.under / self.peak:.0%} of the peak was answered")
        if strange := self.statuses.keys() - EXPECTED:
            found.append(f"answers of other kinds: {strange}")
        if self.recovery is None or self.recovery > RECOVERY:
            found.append(
                f"it took {self.recovery or 'more than 10'} seconds until everybody was answered quickly again"
            )
        return found

    def summary(self) -> str:
        """Return all figures in a line."""
        statuses = ", ".join(f"{count} of {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"peak {self.peak:.0f}/s; under {FACTOR} times that {self.under:.0f}/s ({self.under / self.peak:.0%}), "
            f"median {self.median * 1000:.0f} ms, 99 % within {self.slowest * 1000:.0f} ms ({statuses}); "
            f"recovered after {self.recovery} s"
        )


@contextmanager
def shop(workers: int) -> Iterator[Server]:
    """Start a server with the sample shop."""
    with postgres() as database:
        load(database.url, SIZE, lambda _: None)
        with server(database.url, workers, SHOP_LOG_LEVEL="warning") as running:
            yield running


async def measure(running: Server, seconds: float, seed: int) -> Overload:
    """Measure the peak, then the overload, then how long it takes to recover."""
    people = People(running.address, Random(seed), SIZE.products, SIZE.users)
    await running.wait()
    await people.closed(PEOPLE, 3)
    peak = (await people.closed(PEOPLE, seconds)).good / seconds
    over = await people.open(FACTOR * peak, seconds)
    recovery = await _recovery(people, peak / 2)
    people.close()
    under = over.good / seconds
    return Overload(peak, under, dict(over.statuses), over.percentile(0.5), over.percentile(0.99), recovery)


async def _recovery(people: People, rate: float) -> float | None:
    for window in range(20):
        served = await people.open(rate, 0.5)
        if _is_well(served):
            return window * 0.5
    return None


def _is_well(served: Served) -> bool:
    return set(served.statuses) == {"200"} and served.percentile(0.95) < QUICK


def main() -> None:
    """Read the options, run, print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long each part takes (default: 10)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with shop(workers=1) as running:
        overload = uvloop.run(measure(running, options.seconds, options.seed))
    sys.stdout.write(overload.summary() + "\n")
    sys.stdout.writelines(f"VIOLATION {complaint}\n" for complaint in overload.complaints)
    sys.exit(bool(overload.complaints))


if __name__ == "__main__":
    main()
