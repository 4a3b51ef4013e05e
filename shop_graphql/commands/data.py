"""Commands about all of a shop's data, and about how it is read."""

import asyncio
import json
import re
from collections.abc import Mapping

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from shop_graphql import embedded, migration, serving
from shop_graphql.access import Role, Viewer
from shop_graphql.commands.shops import load_sample, shop
from shop_graphql.connection import transaction
from shop_graphql.consistency import CHECKS, Violation, violations
from shop_graphql.errors import StartupError
from shop_graphql.sample.size import Size
from shop_graphql.settings import read_settings


def migrate() -> None:
    """Bring DATABASE_URL, or the embedded database "shop", up to date."""
    with serving.signals(), embedded.database(read_settings()) as url:
        migration.upgrade(url)
        typer.echo("The database is up to date.")


def seed(size: Size) -> None:
    """Load a sample shop into DATABASE_URL, or into the embedded database "shop"."""
    with serving.signals(), shop(read_settings()) as url:
        load_sample(url, size)


def explain(query: str, variables: str, analyze: bool, role: str | None, user: str | None) -> None:
    """Print how a query is answered in DATABASE_URL, or in the embedded database "shop". Raises StartupError."""
    from shop_graphql import explaining  # not above: the other commands need no schema, which takes a second

    try:
        values = json.loads(variables)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise StartupError("--variables must be a JSON object.")
    number = re.fullmatch("(?:user_)?([0-9]{1,18})", user or "0")
    if number is None:
        raise StartupError("--user must be a user's id, such as user_1.")
    viewer = Viewer(None if role is None else Role(role), int(number[1]) or None)
    settings = read_settings()
    with serving.signals(), shop(settings) as url:
        typer.echo(asyncio.run(explaining.explain(settings, url, query, values, viewer, analyze=analyze)))


def reconcile() -> None:
    """Print each check of the shop and what breaks it. Raises typer.Exit with code 1 when anything does."""
    with serving.signals(), shop(read_settings()) as url:
        found = asyncio.run(_violations(url))
    offending = {violation.check: violation.rows for violation in found}
    table = Table(Column("Check", no_wrap=True), "What must hold", Column("Found", overflow="fold"), show_lines=True)
    for check in CHECKS:
        table.add_row(check.name, check.meaning, Text("\n".join(map(_row, offending.get(check, []))) or "ok"))
    Console().print(table)
    if found:
        raise typer.Exit(1)


async def _violations(url: str) -> list[Violation]:
    async with transaction(url) as connection:
        return await violations(connection)


def _row(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())
