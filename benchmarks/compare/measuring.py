"""One measurement: what a server does under a load, and what it and PostgreSQL spend on each request."""

import os
import time
from dataclasses import dataclass, field

from benchmarks.compare import usage
from benchmarks.compare.load import Load, Outcome, put_on
from benchmarks.compare.postgres import Postgres
from benchmarks.compare.serving import Running
from shop_graphql.errors import StartupError

WARM_SECONDS = 3.0
DEVIATION = 0.2
"""By how much the size of answers may differ from that of answers which were read and found right."""


@dataclass(frozen=True)
class Run:
    """One line of the results: a server under a workload in one round. `others` is the share of foreign processes."""

    workload: str
    server: str
    round: int
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    server_us: float
    postgres_us: float
    memory_mb: float
    others: float
    failures: int
    answer_bytes: float


@dataclass
class Machine:
    """How long to wait, over a whole run, for other processes to be quiet, and what counts as quiet."""

    patience: float
    quiet: float = 0.12
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)

    def wait(self) -> None:
        """Wait until other processes leave the machine alone, or until patience is at its end."""
        while self.patience > 0:
            before = usage.busy_seconds()
            time.sleep(0.5)
            if usage.busy_seconds() - before < self.quiet * self.cores * 0.5:
                return
            self.patience -= 0.5


def warm(server: Running, load: Load, seed: int) -> Outcome:
    """Let a server get used to a load while every answer is read. Raises StartupError when one has errors."""
    outcome = put_on(server, load, seed, check=True)
    failures = outcome.refused + outcome.broken + outcome.errors
    if failures or not outcome.requests:
        what = f"{server.server.title} failed {failures} of {outcome.requests} requests of {load.workload}"
        raise StartupError(f"{what}; see its log in benchmarks/.work/logs.")
    return outcome


def measure(
    server: Running, load: Load, postgres: Postgres, machine: Machine, *, round: int, seed: int, expected: float
) -> Run:
    """Measure one server under one load; again, with patience, when others used the machine meanwhile."""
    machine.wait()
    best = _once(server, load, postgres, machine, round, seed, expected)
    for again in range(1, 3):
        if best.others <= machine.quiet or machine.patience <= 0:
            break
        machine.patience -= load.seconds
        run = _once(server, load, postgres, machine, round, seed + 100 * again, expected)
        best = min(best, run, key=lambda run: run.others)
    return best


def _once(
    server: Running, load: Load, postgres: Postgres, machine: Machine, round: int, seed: int, expected: float
) -> Run:
    orders = postgres.orders(server.server) if load.workload == "W5" else 0
    before, start = _spent(server, postgres), time.monotonic()
    outcome = put_on(server, load, seed)
    elapsed = time.monotonic() - start
    spent = [after - earlier for earlier, after in zip(before, _spent(server, postgres), strict=True)]
    by_server, by_postgres, by_load, by_all = spent
    requests = max(outcome.requests, 1)
    failures = outcome.refused + outcome.broken
    if expected and not failures and abs(outcome.size / expected - 1) > DEVIATION:
        failures = outcome.requests  # answers of another size are answers to something else
    if load.workload == "W5":
        failures = max(failures, outcome.requests - (postgres.orders(server.server) - orders))
    return Run(
        workload=load.workload,
        server=server.server.name,
        round=round,
        requests=outcome.requests,
        rate=outcome.rate,
        p50_ms=outcome.p50,
        p99_ms=outcome.p99,
        max_ms=outcome.max,
        server_us=by_server / requests * 1e6,
        postgres_us=by_postgres / requests * 1e6,
        memory_mb=usage.megabytes(server.pid),
        others=max(0.0, (by_all - by_server - by_postgres - by_load) / elapsed / machine.cores),
        failures=failures,
        answer_bytes=outcome.size,
    )


def _spent(server: Running, postgres: Postgres) -> tuple[float, float, float, float]:
    """Processor time so far: of the server, of PostgreSQL, of wrk, of the whole machine."""
    own = usage.ended_children_seconds()
    return usage.seconds(server.pid), usage.seconds(postgres.pid), own, usage.busy_seconds()
