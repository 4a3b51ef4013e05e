"""All servers under all workloads: they run at the same time, and take turns within each round."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.compare import answers, machine
from benchmarks.compare.catalogue import ROOT, Server
from benchmarks.compare.load import CONNECTIONS, Load
from benchmarks.compare.measuring import WARM_SECONDS, Machine, Run, measure, warm
from benchmarks.compare.postgres import ORDERS, Postgres, copies, kind_of
from benchmarks.compare.processes import run as run_program
from benchmarks.compare.progress import Display
from benchmarks.compare.report import record, write_json
from benchmarks.compare.serving import Running, shop, shop_environment, started
from shop_graphql.errors import StartupError

USERS = ORDERS // 5


@dataclass(frozen=True)
class Plan:
    """What is measured, and how long."""

    servers: list[Server]
    workloads: list[str]
    rounds: int
    seconds: float
    patience: float
    warm_seconds: float = WARM_SECONDS


def measure_all(plan: Plan, postgres: Postgres, display: Display, name: str) -> None:
    """Measure everything and write results/NAME.json, after each workload anew. Raises StartupError."""
    urls = copies(postgres, {kind_of(server) for server in plan.servers}, display.say)
    content: dict[str, Any] = {
        "machine": machine.describe(),
        "versions": machine.versions(plan.servers, postgres),
        "how": {"rounds": plan.rounds, "seconds": plan.seconds, "connections": CONNECTIONS, "orders": ORDERS},
        "runs": [],
    }
    quiet = Machine(plan.patience)
    display.expect(len(plan.workloads) * plan.rounds * len(plan.servers))
    with ExitStack() as stack:
        servers = []
        for server in plan.servers:
            display.doing(f"Starting {server.title}")
            servers.append(stack.enter_context(started(server, urls[kind_of(server)])))
        for workload in plan.workloads:
            display.doing(f"{workload}: comparing answers")
            answers.check(servers, workload, USERS)
            content["runs"] += [record(run) for run in _rounds(plan, workload, servers, postgres, display, quiet)]
            write_json(name, content)
    if "shop" in urls:
        display.doing("Reconciling the shop")
        content["consistent"] = _is_consistent(urls["shop"], display)
        write_json(name, content)


def _rounds(
    plan: Plan, workload: str, servers: list[Running], postgres: Postgres, display: Display, quiet: Machine
) -> list[Run]:
    runs, sizes = [], {}
    for server in servers:
        display.doing(f"{workload}: warming up {server.server.title}")
        load = Load(server.server.query(workload), workload, plan.warm_seconds, users=USERS)
        sizes[server.server.name] = warm(server, load, seed=_seed(workload, 99)).size
    for number in range(plan.rounds):
        for server in servers if number % 2 == 0 else servers[::-1]:
            display.doing(f"{workload}, round {number + 1} of {plan.rounds}")
            load = Load(server.server.query(workload), workload, plan.seconds, users=USERS)
            expected, seed = sizes[server.server.name], _seed(workload, number)
            run = measure(server, load, postgres, quiet, round=number + 1, seed=seed, expected=expected)
            runs.append(run)
            display.done(run, f"{workload}, round {number + 1}")
    return runs


def _seed(workload: str, round: int) -> int:
    """Every server draws the same variables in a round; no two rounds draw the same."""
    return int(workload[1:]) * 100_000 + round * 1_000


def _is_consistent(url: str, display: Display) -> bool:
    """Let the shop check its own books after all those orders."""
    try:
        run_program(shop("reconcile"), "shop-graphql reconcile", env=shop_environment(url), cwd=ROOT)
    except StartupError as error:
        display.say(f"The shop's books do not balance. {error}")
        return False
    return True
