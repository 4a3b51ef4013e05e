"""The real server with a sample shop, good people in it, somebody who watches, and what all of that is judged by."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from shop_graphql.sample.loading import load
from tests.attack.company import Company
from tests.attack.ground import furnished
from tests.attack.shots import Tally
from tests.attack.squad import Order, squads
from tests.attack.target import Target
from tests.attack.watch import GROWTH, Sight, Watch
from tests.chaos.judge import Judge
from tests.chaos.postgres import postgres
from tests.chaos.server import Server, server
from tests.faults.overload import SIZE

WARM = 0.2
"""The share of what is sent before memory counts: caches fill, and every path is taken for the first time."""

REST = 12.0
"""Seconds in which the server comes to rest before its memory is looked at."""


@dataclass(frozen=True)
class Part:
    """What is sent to a server with these settings, beside so many good requests a second."""

    title: str
    settings: Mapping[str, str]
    orders: Sequence[Order]
    company: float


@dataclass
class Result:
    """What came of an attack on one server."""

    title: str
    tally: Tally = field(default_factory=Tally)
    sight: Sight = field(default_factory=Sight)
    company: Company | None = None
    memory: list[int] = field(default_factory=list)
    """Once warm, at most, and afterwards, in bytes."""
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)
    told: int = 0

    def violations(self, *, in_time: bool = True) -> list[str]:
        """Return all that is wrong; `in_time`, also what depends on how quick the machine is."""
        found = [str(finding) for finding in self.tally.findings] + self.complaints
        found += self.sight.complaints(in_time=in_time)
        if self.memory[-1] > self.memory[0] + GROWTH:
            warm, _, after = (size / 2**20 for size in self.memory)
            found.append(f"{after - warm:.0f} MB more memory than when it was warm")
        return found


@contextmanager
def shop() -> Iterator[str]:
    """Give the URL of a database with the sample shop."""
    with postgres() as database:
        load(database.url, SIZE, lambda _: None)
        yield database.url


def attack(url: str, part: Part, say: Callable[[str], None], rest: float = REST) -> Result:
    """Attack a server on a database while good people use it; return what came of it. Not for an event loop."""
    result = Result(part.title)
    with server(url, 1, **part.settings) as running:
        target, began = attacked(running), time.monotonic()
        company, watch = Company(running, part.company, part.orders[0].seed), Watch(running)
        with watch, company:
            for tally in squads(part.orders, target):
                result.tally.add(tally)
                _note(result, part, watch, say)
            result.seconds = time.monotonic() - began
        result.sight, result.company = watch.sight, company
        result.memory += [max(watch.sight.memory, default=0), _afterwards(running, rest)]
        result.complaints = watch.complaints() + company.complaints()
    result.complaints += asyncio.run(_inconsistencies(url))
    return result


def attacked(running: Server) -> Target:
    """Return a server, once it has started, as the target of shots."""
    asyncio.run(running.wait())
    target = asyncio.run(furnished(Target.at(running.address)))
    tokens = {"admin-token": target.admin, "customer-token": target.customer}
    names = {name: headers["authorization"].removeprefix("Bearer ") for name, headers in tokens.items()}
    return replace(target, names={**target.names, **names})


def _note(result: Result, part: Part, watch: Watch, say: Callable[[str], None]) -> None:
    """Remember what the server holds once it is warm, and tell how far it is."""
    sent, wanted = result.tally.sent.total(), sum(order.count for order in part.orders)
    if not result.memory and sent >= WARM * wanted:
        result.memory.append(watch.memory)
    if sent * 20 // wanted > result.told:
        result.told = sent * 20 // wanted
        lag, health = max(watch.sight.lags, default=0) * 1000, watch.sight.percentile(0.99) * 1000
        say(
            f"{part.title}: {sent:,} of {wanted:,} sent, {len(result.tally.findings)} violations, "
            f"lag {lag:.0f} ms at most, /health {health:.0f} ms, {watch.memory / 2**20:.0f} MB"
        )


def _afterwards(running: Server, rest: float) -> int:
    """Return what the server holds when it has come to rest."""
    time.sleep(rest)
    with Watch(running) as watch:
        time.sleep(1)
    return watch.memory


async def _inconsistencies(url: str) -> list[str]:
    judge = Judge(url)
    try:
        return await judge.inconsistencies()
    finally:
        await judge.close()
