"""How each server is started: the peers with their runtime, the shop as a user would start it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from benchmarks.compare import install
from benchmarks.compare.catalogue import PEERS, PROTECTED, QUERIES, ROOT, Kind, Server
from benchmarks.compare.folders import LOGS, NPM
from benchmarks.compare.processes import Command, free_port, run, running

POOL = 16
"""Database connections of each server: as many as there are clients."""

STAFF = "1"
"""The number of the user that asks, as a member of the staff."""

SECRET = secrets.token_urlsafe(36)
"""Signs the tokens of this run: 48 characters that are written nowhere."""


@dataclass(frozen=True)
class Running:
    """A server that runs: where, as which process, and the token that it asks for, if it does."""

    server: Server
    url: str
    pid: int
    token: str | None = None

    def token_for(self, workload: str) -> str | None:
        """Return the token to send: anybody may look at the catalogue, here as at the peers."""
        return self.token if workload in PROTECTED else None


@contextmanager
def started(server: Server, database_url: str, *, workers: int = 1) -> Iterator[Running]:
    """Start a server and stop it when the block is left. Raises StartupError."""
    port = free_port()
    command = _command(server, port, workers)
    env = _environment(server, database_url, port)
    cwd = NPM if server.program.endswith(".mjs") else ROOT
    token = _token(database_url) if server.kind is Kind.SHOP else None
    log = LOGS / f"{server.name}.log"
    with running(command, server.title, log, port=port, env=env, cwd=cwd) as pid:
        yield Running(server, f"http://127.0.0.1:{port}/graphql", pid, token)


def shop(*arguments: str) -> Command:
    """Return the command line of the shop's own program."""
    return [sys.executable, "-m", "shop_graphql", *arguments]


def shop_environment(database_url: str) -> dict[str, str]:
    """Return the environment of the shop's programs: its default settings, but for what makes it like its peers."""
    own = {
        "DATABASE_URL": database_url,
        "SHOP_SECRETS": SECRET,
        "SHOP_POOL_SIZE": str(POOL),
        "SHOP_LOG_LEVEL": "warning",  # no peer writes a line for each request
    }
    return _inherited() | own


def _command(server: Server, port: int, workers: int) -> Command:
    if server.kind is Kind.SHOP:
        return shop("serve", "--port", str(port), "--workers", str(workers))
    if server.program.endswith(".mjs"):
        return [install.node(), server.program]
    app = f"{server.program.removesuffix('.py')}:app"
    how = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return [install.python(), "-m", "uvicorn", app, "--app-dir", PEERS, "--port", str(port), *how]


def _environment(server: Server, database_url: str, port: int) -> Mapping[str, str]:
    if server.kind is Kind.SHOP:
        return {**shop_environment(database_url), **server.environment}
    queries = str(QUERIES / server.dialect)
    peer = {"DATABASE_URL": database_url, "PORT": str(port), "POOL": str(POOL), "QUERIES": queries}
    runtime = {"NODE_ENV": "production", "GRAPHILE_ENV": "production", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**_inherited(), **peer, **runtime, **server.environment}


def _inherited() -> dict[str, str]:
    own = ("DATABASE_URL", "SHOP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


@cache
def _token(database_url: str) -> str | None:
    """Return a token of a member of the staff, or None from a shop that has no such thing."""
    env = shop_environment(database_url)
    asked = subprocess.run(shop("token", "--help"), env=env, cwd=ROOT, capture_output=True, check=False)  # noqa: S603
    if asked.returncode:
        return None
    command = shop("token", "--user", STAFF, "--role", "staff", "--hours", "12")
    return run(command, "Making a token", env=env, cwd=ROOT).strip()
