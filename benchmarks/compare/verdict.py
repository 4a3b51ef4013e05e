"""What the runs come to: medians, and whether the shop is as fast as it means to be."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.compare.catalogue import BY_NAME, LIMIT, SHOP, STRAWBERRY, Kind
from benchmarks.compare.measuring import Run

FASTER_THAN_PEERS = {"W1": 1.2, "W2": 1.5, "W3": 2.0, "W4": 1.5, "W5": 1.0}
CPU_OF_LIMIT = {"W1": 2.5, "W2": 2.0, "W3": 2.0, "W4": 2.0, "W5": 3.0}
FASTER_THAN_STRAWBERRY = {"W1": 10.0, "W2": 15.0, "W3": 15.0, "W4": 15.0, "W5": 5.0}


@dataclass(frozen=True)
class Median:
    """The medians of all rounds of a server under a workload, and the slowest and fastest round."""

    rate: float
    slowest: float
    fastest: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgres_us: float
    memory_mb: float
    failures: int


Medians = Mapping[tuple[str, str], Median]
"""By workload and server."""


@dataclass(frozen=True)
class Bar:
    """Something that the shop means to reach. `reached` is None when it was not measured."""

    workload: str
    what: str
    other: str
    wanted: float
    reached: float | None
    at_most: bool = False

    @property
    def is_met(self) -> bool | None:
        """Tell whether it was reached, or None when nobody knows."""
        if self.reached is None:
            return None
        return self.reached <= self.wanted if self.at_most else self.reached >= self.wanted


def medians(runs: Iterable[Run]) -> dict[tuple[str, str], Median]:
    """Return the medians by workload and server, in the order of the runs."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.workload, run.server), []).append(run)
    return {key: _median(group) for key, group in groups.items()}


def best_peer(found: Medians, workload: str) -> str | None:
    """Return the name of the peer with the most requests per second, if any was measured."""
    rates = {
        server: median.rate
        for (measured, server), median in found.items()
        if measured == workload and BY_NAME[server].kind is Kind.PEER and not median.failures
    }
    return max(rates, key=rates.__getitem__, default=None)


def verdict(found: Medians, workloads: Iterable[str]) -> list[Bar]:
    """Return every bar, reached or missed or not measured."""
    workloads = list(workloads)
    bars = []
    for workload in workloads:
        peer, wanted = best_peer(found, workload), FASTER_THAN_PEERS[workload]
        reached = _ratio(found, workload, peer, "rate")
        other = BY_NAME[peer].title if peer else "the best peer"
        bars.append(Bar(workload, "requests per second", other, wanted, reached))
    for workload in workloads:
        reached = _ratio(found, workload, LIMIT.name, "server_us")
        wanted = CPU_OF_LIMIT[workload]
        bars.append(Bar(workload, "server CPU per request", LIMIT.title, wanted, reached, at_most=True))
    for workload in workloads:
        reached, wanted = _ratio(found, workload, STRAWBERRY.name, "rate"), FASTER_THAN_STRAWBERRY[workload]
        bars.append(Bar(workload, "requests per second", STRAWBERRY.title, wanted, reached))
    return bars


def _ratio(found: Medians, workload: str, other: str | None, value: str) -> float | None:
    ours, theirs = found.get((workload, SHOP.name)), found.get((workload, other or ""))
    if ours is None or theirs is None or ours.failures or theirs.failures:
        return None
    own, opposed = float(getattr(ours, value)), float(getattr(theirs, value))
    return own / opposed if opposed else None


def _median(runs: list[Run]) -> Median:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    return Median(
        rate=middle("rate"),
        slowest=min(run.rate for run in runs),
        fastest=max(run.rate for run in runs),
        p50_ms=middle("p50_ms"),
        p99_ms=middle("p99_ms"),
        server_us=middle("server_us"),
        postgres_us=middle("postgres_us"),
        memory_mb=middle("memory_mb"),
        failures=sum(run.failures for run in runs),
    )
