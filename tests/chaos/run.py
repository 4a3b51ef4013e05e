"""One run: open the shop, let people in and break it, then hold it against what they were told."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.client import Client, Unanswered
from tests.chaos.customers import Customer, Purchase, Record, furnish
from tests.chaos.judge import Judge
from tests.chaos.postgres import Postgres, postgres
from tests.chaos.saboteur import Saboteur
from tests.chaos.server import Server, server

CUSTOMERS = 16
REPLAYS = 200
"""How many acknowledged orders are asked for once more at the end, under their keys."""


@dataclass(frozen=True)
class Report:
    """What was done and what was wrong afterwards."""

    seconds: float
    record: Record
    setbacks: Counter[str]
    sabotage: Counter[str]
    server_restarts: int
    looks: int
    complaints: list[str]
    log: str

    @property
    def orders(self) -> int:
        """How many orders were acknowledged."""
        return len(self.record.purchases)

    def summary(self) -> str:
        """Return all figures in a line."""
        figures = {
            "orders": self.orders,
            "retries": self.setbacks.total(),
            "replayed answers": self.record.replayed,
            **{name: self.sabotage[name] for name in ("worker kills", "database crashes", "cuts")},
            "server restarts": self.server_restarts,
            "checks": self.looks,
            "violations": len(self.complaints),
        }
        return (
            ", ".join(f"{count} {name}" for name, count in figures.items())
            + f", {self.orders / self.seconds:.1f} orders/s"
        )


def run(seconds: float, seed: int) -> Report:
    """Break a shop of its own for so many seconds. The seed decides what is tried, not what the machine makes of it."""
    with postgres() as database, server(database.url) as shop:
        return asyncio.run(_run(database, shop, seconds, Random(seed)))


async def _run(database: Postgres, shop: Server, seconds: float, random: Random) -> Report:
    client, judge, record = Client(shop.address, Random(random.random())), Judge(database.url), Record()
    saboteur = Saboteur(shop, database, Random(random.random()))
    customers = [Customer(f"c{n}", client, record, Random(random.random())) for n in range(CUSTOMERS)]
    await shop.wait()
    keeper = asyncio.create_task(shop.keep())
    try:
        await furnish(client)
        begin = time.monotonic()
        complaints = await _rush(customers, saboteur, judge, seconds)
        elapsed = time.monotonic() - begin
        complaints += await _replay(client, random.sample(record.purchases, min(REPLAYS, len(record.purchases))))
        complaints += await judge.inconsistencies() + await judge.broken_promises(record)
        complaints += [line for line in shop.said().splitlines() if line.startswith("Bug ")]
    finally:
        keeper.cancel()
        await client.close()
        await judge.close()
    return Report(
        seconds=elapsed,
        record=record,
        setbacks=client.setbacks,
        sabotage=saboteur.done,
        server_restarts=shop.restarts,
        looks=judge.looks,
        complaints=complaints,
        log=shop.said(),
    )


async def _rush(customers: Sequence[Customer], saboteur: Saboteur, judge: Judge, seconds: float) -> list[str]:
    """Let everybody act at once until the saboteur is done; return what was wrong meanwhile."""
    stop = asyncio.Event()
    watching = asyncio.create_task(judge.watch(stop))
    shopping = [asyncio.create_task(_shop(customer, stop)) for customer in customers]
    try:
        await saboteur.work(seconds)
    finally:
        stop.set()
        outcomes = await asyncio.gather(watching, *shopping)
    return [complaint for outcome in outcomes for complaint in outcome]


async def _shop(customer: Customer, stop: asyncio.Event) -> list[str]:
    while not stop.is_set():
        try:
            await customer.act()
        except Unanswered as error:
            return [str(error)]
    return []


async def _replay(client: Client, purchases: Sequence[Purchase]) -> list[str]:
    """Ask for orders once more under their keys: each must be the one that was acknowledged."""
    complaints = []
    for purchase in purchases:
        input = {"idempotencyKey": purchase.key, "userId": purchase.user, "items": purchase.wanted}
        answer = await client.mutate("createOrder", "replayed order { id }", **input)
        if (answer.get("replayed"), answer.get("order")) != (True, {"id": purchase.id}):
            complaints.append(f"{purchase} was answered again by {answer}")
    return complaints
