"""What the benchmark ran on, and with: recorded beside the results."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.compare import install
from benchmarks.compare.catalogue import PEERS, ROOT, Server
from benchmarks.compare.folders import NPM
from benchmarks.compare.postgres import Postgres

OWN = ("asyncpg", "graphql-core", "httptools", "orjson", "sqlalchemy", "starlette", "strawberry-graphql", "uvicorn")
LIST = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"


def describe() -> dict[str, Any]:
    """Return the machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions(servers: list[Server], postgres: Postgres) -> dict[str, Any]:
    """Return the versions of everything that was measured."""
    number = postgres.value("postgres", "SELECT current_setting('server_version_num')::int")
    found: dict[str, Any] = {
        "postgresql": f"{number // 10_000}.{number % 10_000}",
        "wrk": _words(["wrk", "-v"]).partition("[")[0].strip().removeprefix("wrk "),
        "shop": {"python": platform.python_version(), "commit": _commit(), **{name: _version(name) for name in OWN}},
    }
    suffixes = {Path(server.program).suffix for server in servers}
    if ".mjs" in suffixes:
        wanted = json.loads((PEERS / "package.json").read_text())["dependencies"]
        packages = {name: json.loads((NPM / "node_modules" / name / "package.json").read_text()) for name in wanted}
        node = _words([str(install.node()), "--version"]).strip().removeprefix("v")
        found["javascript"] = {"node": node, **{name: package["version"] for name, package in packages.items()}}
    if ".py" in suffixes:
        found["python"] = json.loads(_words([str(install.python()), "-c", LIST]))
    return found


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    return _words(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]).strip() or None


def _words(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return ""
