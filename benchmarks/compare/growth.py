"""How the shop's cost grows: with the size of a page, the depth of a query, the tables, the clients, its processes."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.compare import machine
from benchmarks.compare.catalogue import QUERIES, SHOP, Server
from benchmarks.compare.load import CONNECTIONS, Load
from benchmarks.compare.measuring import Machine, measure, warm
from benchmarks.compare.postgres import ORDERS, Postgres, copies
from benchmarks.compare.progress import Display
from benchmarks.compare.report import record, write_json
from benchmarks.compare.serving import Running, started

WARM_SECONDS = 1.5
SIZES = (10_000, ORDERS, 1_000_000)

TITLES = {
    "page": "products on a page",
    "depth": "levels of objects",
    "connections": "clients at once",
    "workers": "server processes",
    "orders": "orders in the shop",
}


@dataclass(frozen=True)
class Case:
    """One point of a curve."""

    dimension: str
    value: int
    load: Load
    workers: int = 1
    orders: int = ORDERS


def cases(seconds: float) -> Iterator[Case]:
    """Yield every point, those that share a database and a server one after the other."""

    def load(workload: str, **changes: Any) -> Load:
        return replace(Load(SHOP.query(workload), workload, seconds), **changes)

    for size in (1, 2, 5, 10, 20, 50, 100):
        yield Case("page", size, load("W2", first=size))
    for depth in range(1, 6):
        yield Case("depth", depth, load("W3", query=QUERIES / "growth" / f"D{depth}.graphql"))
    for connections in (1, 4, 16, 64, 256):
        for workload in ("W1", "W3"):
            yield Case("connections", connections, load(workload, connections=connections))
    for workers in (1, 2):
        for workload in ("W1", "W2", "W3", "W5"):
            yield Case("workers", workers, load(workload), workers=workers)
    for orders in SIZES:
        for workload in ("W1", "W3", "W5"):
            yield Case("orders", orders, load(workload, users=orders // 5), orders=orders)


def measure_growth(
    servers: list[Server], postgres: Postgres, display: Display, *, rounds: int, seconds: float, patience: float
) -> None:
    """Measure every point and write results/growth.json, after each place anew. Raises StartupError."""
    places: dict[tuple[int, int], list[Case]] = {}
    for case in cases(seconds):
        places.setdefault((case.orders, case.workers), []).append(case)
    content: dict[str, Any] = {
        "machine": machine.describe(),
        "versions": machine.versions(servers, postgres),
        "how": {"rounds": rounds, "seconds": seconds, "connections": CONNECTIONS},
        "runs": [],
    }
    quiet = Machine(patience)
    display.expect(sum(map(len, places.values())) * rounds * len(servers))
    for (orders, workers), here in places.items():
        url = copies(postgres, {"shop"}, display.say, orders)["shop"]
        with ExitStack() as stack:
            running = [stack.enter_context(started(server, url, workers=workers)) for server in servers]
            for case in here:
                content["runs"] += _runs(case, running, postgres, display, quiet, rounds)
        write_json("growth", content)


def _runs(
    case: Case, servers: list[Running], postgres: Postgres, display: Display, quiet: Machine, rounds: int
) -> Iterator[dict[str, Any]]:
    what = f"{case.load.workload}, {case.value:,} {TITLES[case.dimension]}"
    usual = replace(case.load, connections=CONNECTIONS, seconds=WARM_SECONDS)
    seed = 1_000_000 + case.value * 1_000 + list(TITLES).index(case.dimension) * 100
    sizes = {server.server.name: warm(server, usual, seed - 1).size for server in servers}
    for number in range(rounds):
        for server in servers:
            display.doing(what)
            expected = sizes[server.server.name]
            run = measure(
                server, case.load, postgres, quiet, round=number + 1, seed=seed + 10 * number, expected=expected
            )
            display.done(run, what)
            yield {"dimension": case.dimension, "value": case.value, **record(run)}
