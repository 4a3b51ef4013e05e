"""One load on one server by wrk, and what wrk says of it."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.processes import run
from benchmarks.compare.serving import Running
from shop_graphql.errors import StartupError

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What is asked: a query, where its variables come from, by how many clients and for how long."""

    query: Path
    workload: str
    seconds: float
    connections: int = CONNECTIONS
    users: int = 20_000
    first: int = 50


@dataclass(frozen=True)
class Outcome:
    """What came of it. Times are milliseconds; `errors` counts answers with errors when answers were read."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    max: float
    refused: int
    broken: int
    checked: int
    errors: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def size(self) -> float:
        """Bytes of an answer, on average."""
        return self.bytes / max(self.requests, 1)


def put_on(server: Running, load: Load, seed: int, *, check: bool = False) -> Outcome:
    """Put a load on a server; the same seed draws the same variables. Raises StartupError."""
    given = {"BENCH_SEED": str(seed), "BENCH_USERS": str(load.users), "BENCH_FIRST": str(load.first)}
    given["BENCH_KEY"] = secrets.token_hex(6)  # a key that was used before is answered without placing an order
    token = server.token_for(load.workload)
    if token:
        given["BENCH_TOKEN"] = token
    if check:
        given["BENCH_CHECK"] = "1"
    how: list[str | Path] = [
        "-t1",
        f"-c{load.connections}",
        f"-d{max(1, round(load.seconds))}s",
        "--timeout",
        "10s",
        "-s",
        SCRIPT,
    ]
    command: list[str | Path] = ["wrk", *how, server.url, "--", load.query, load.workload, server.server.dialect]
    return parse(run(command, f"wrk on {server.server.title}", env=os.environ | given))


def parse(output: str) -> Outcome:
    """Read the line that load.lua writes at the end. Raises StartupError when there is none."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            said = json.loads(line.removeprefix("RESULT "))
            seconds = said.pop("microseconds") / 1e6
            times = {name: said.pop(name) / 1000 for name in ("p50", "p99", "max")}
            return Outcome(seconds=seconds, **times, **said)
    raise StartupError(f"wrk said nothing of a result: {output.strip()[-200:] or 'no output'}")
