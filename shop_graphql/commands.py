"""What the commands do, once their options have been read."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Column, Table
from rich.text import Text
from sqlalchemy import make_url

from shop_graphql import demo_accounts, embedded, exchange, migration, services, serving
from shop_graphql.access import Role, Viewer
from shop_graphql.auth import Passwords, Tokens
from shop_graphql.connection import transaction
from shop_graphql.consistency import CHECKS, Violation, violations
from shop_graphql.database import Database
from shop_graphql.errors import ShopError, StartupError
from shop_graphql.product_files import ProductFile, Rejects
from shop_graphql.sample.loading import NotEmpty, load
from shop_graphql.sample.size import Size
from shop_graphql.services import UpsertPolicy, UpsertStatus
from shop_graphql.services.passwords import is_sound
from shop_graphql.settings import NO_SECRETS, Settings, read_settings, variable
from shop_graphql.sockets import Sockets
from shop_graphql.values import async_url, split_secrets

WELCOME = """
A shop full of sample data is at {address}/graphql, until Ctrl-C.

Open it in a browser, where GraphiQL is signed in as an admin, or try in another terminal:

  curl {address}/graphql -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ products(first: 3) {{ nodes {{ name price category {{ name }} }} }} }}"}}'

To sign in with the mutation `login`, by the password {password}:

{accounts}
"""


def serve(host: str, port: int, workers: int, reload: bool) -> None:
    """Serve the shop in DATABASE_URL, or in the embedded database "shop"."""
    settings = read_settings()
    if settings.database_url is not None and settings.secrets is None:
        raise StartupError(NO_SECRETS)
    with serving.signals(), serving.listening(host, port) as listener, _shop(settings) as url:
        if settings.database_url is None:
            _hand_over(url, _secrets(settings))
            typer.echo(f"The shop is in {settings.data_dir.resolve()}; set DATABASE_URL to serve another one.")
        typer.echo(f"GraphQL at {serving.address(listener)}/graphql, until Ctrl-C")
        serving.run(listener, _how(settings), workers=workers, reload=reload)


def _how(settings: Settings) -> serving.Serving:
    limits = serving.Limits(
        head_timeout=settings.head_timeout,
        connections=settings.max_connections,
        keep_alive=settings.keep_alive_timeout,
        head=settings.head_limit,
        body=settings.body_limit,
    )
    return serving.Serving(limits, Sockets(settings.body_limit, settings.heartbeat), settings.log_level)


def demo(host: str, port: int) -> None:
    """Serve the embedded database "demo", which is filled the first time."""
    settings = read_settings()
    with (
        serving.signals(),
        serving.listening(host, port) as listener,
        embedded.server(settings.data_dir) as server,
    ):
        url = server.database("demo")
        migration.upgrade(url)
        with suppress(NotEmpty):
            _load_sample(url, Size())
        secrets = _secrets(settings)
        _hand_over(url, secrets)
        admin = asyncio.run(demo_accounts.ensure(url))
        os.environ["SHOP_GRAPHIQL_HEADERS"] = demo_accounts.headers(admin, secrets)
        accounts = "\n".join(f"  {role:<9} {email}" for email, role in demo_accounts.shown())
        address = serving.address(listener)
        typer.echo(WELCOME.format(address=address, password=demo_accounts.PASSWORD, accounts=accounts))
        if settings.storefront_dir is not None:
            typer.echo(f"The storefront is at {address}/shop/\n")
        serving.run(listener, _how(settings))


def migrate() -> None:
    """Bring DATABASE_URL, or the embedded database "shop", up to date."""
    with serving.signals(), embedded.database(read_settings()) as url:
        migration.upgrade(url)
        typer.echo("The database is up to date.")


def seed(size: Size) -> None:
    """Load a sample shop into DATABASE_URL, or into the embedded database "shop"."""
    with serving.signals(), _shop(read_settings()) as url:
        _load_sample(url, size)


def import_products(path: Path, policy: str, rejects: Path | None, dry_run: bool) -> None:
    """Create and change products as a CSV file says, in DATABASE_URL or in the embedded database "shop"."""
    settings = read_settings()
    file = ProductFile(path)
    chosen = UpsertPolicy(policy)
    with serving.signals(), _rejects(rejects, file, path) as rejected, _shop(settings) as url:
        with Progress(console=Console(stderr=True)) as bar:
            report = exchange.Report(_saying(bar), rejected)
            if chosen is UpsertPolicy.ALL_OR_NOTHING:
                exchange.check_products(file, report, _reading(bar, "Checking", file))
                _refuse(report.counts[UpsertStatus.FAILED])
            exchange.import_products(
                settings, url, file, report, _reading(bar, "Importing", file), policy=chosen, dry_run=dry_run
            )
        typer.echo(("Dry run, nothing was written: " if dry_run else "") + report.summary())


def export_products(path: Path | None) -> None:
    """Write all products of DATABASE_URL, or of the embedded database "shop", as CSV."""
    settings = read_settings()
    with serving.signals(), _shop(settings) as url, _output(path) as file:
        columns = SpinnerColumn(), TextColumn("{task.description} {task.completed}")
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Exporting products:", total=None)
            exchange.export_products(settings, url, file, lambda count: bar.advance(task, count))
            file.flush()


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
    with serving.signals(), _shop(settings) as url:
        typer.echo(asyncio.run(explaining.explain(settings, url, query, values, viewer, analyze=analyze)))


def reconcile() -> None:
    """Print each check of the shop and what breaks it. Raises typer.Exit with code 1 when anything does."""
    with serving.signals(), _shop(read_settings()) as url:
        found = asyncio.run(_violations(url))
    offending = {violation.check: violation.rows for violation in found}
    table = Table(Column("Check", no_wrap=True), "What must hold", Column("Found", overflow="fold"), show_lines=True)
    for check in CHECKS:
        table.add_row(check.name, check.meaning, Text("\n".join(map(_row, offending.get(check, []))) or "ok"))
    Console().print(table)
    if found:
        raise typer.Exit(1)


def create_user(email: str, full_name: str, role: str, password: str) -> None:
    """Create an account in DATABASE_URL, or in the embedded database "shop"."""
    with serving.signals(), _shop(read_settings()) as url:
        user_id = asyncio.run(_create_user(url, email, full_name, Role(role), password))
        typer.echo(f"user_{user_id} can sign in as {email} now, with the role {role}.")


def show_token(user_id: int, role: str, hours: float) -> None:
    """Print an access token. No database is asked: whoever has the secret can sign anything."""
    settings = read_settings()
    if settings.secrets is None and settings.database_url is not None:
        raise StartupError(NO_SECRETS)
    try:
        tokens = Tokens(split_secrets(_secrets(settings)))
    except ValueError as error:
        raise StartupError(f"SHOP_SECRETS: {error}") from None
    typer.echo(tokens.issue(user_id, Role(role), lifetime=timedelta(hours=hours)))


def show_settings() -> None:
    """Print a table of the settings."""
    settings = read_settings()
    columns = (
        Column("Variable", no_wrap=True),
        Column("Value", overflow="fold"),
        Column("What it does", overflow="fold"),
    )
    table = Table(*columns, show_lines=True)
    for name, field in Settings.model_fields.items():
        table.add_row(variable(name), Text(_shown(name, getattr(settings, name))), Text(field.description or ""))
    Console().print(table)


@contextmanager
def _shop(settings: Settings) -> Iterator[str]:
    """The embedded database is brought up to date; any other is its owner's business and must be so already."""
    with embedded.database(settings) as url:
        if settings.database_url is None:
            migration.upgrade(url)
        else:
            migration.check_url(url)
        yield url


def _secrets(settings: Settings) -> str:
    """Return the secrets that the settings name, or else the one beside the embedded database."""
    return settings.secrets.get_secret_value() if settings.secrets else embedded.secret(settings.data_dir)


def _hand_over(url: str, secrets: str) -> None:
    """The app, in this process or in several others, reads its settings from the environment."""
    os.environ["DATABASE_URL"] = url
    os.environ["SHOP_SECRETS"] = secrets
    for name in ("replica_url", "pgbouncer"):
        os.environ.pop(variable(name), None)


async def _create_user(url: str, email: str, full_name: str, role: Role, password: str) -> int:
    hashed = await Passwords().hash(password) if is_sound(password) else None
    new = partial(
        services.create_user, email=email, full_name=full_name, role=role, password=password, password_hash=hashed
    )
    database = Database(Settings(), url)
    try:
        user = await database.write(new, exchange.ACTOR)
        return user.id
    except ShopError as error:
        raise StartupError(str(error)) from None
    finally:
        await database.close()


async def _violations(url: str) -> list[Violation]:
    async with transaction(url) as connection:
        return await violations(connection)


def _row(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _load_sample(url: str, size: Size) -> None:
    bar = Progress(console=Console(stderr=True))
    task = bar.add_task("Loading the sample shop", total=size.categories + size.products + size.users + size.orders)

    def advance(count: int) -> None:
        bar.start()
        bar.advance(task, count)

    try:
        load(url, size, advance, serving.postponed)
    finally:
        if bar.live.is_started:
            bar.stop()


def _saying(bar: Progress) -> Callable[[str], None]:
    return lambda line: bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _reading(bar: Progress, what: str, file: ProductFile) -> Callable[[int], None]:
    task = bar.add_task(what, total=file.size)
    return lambda position: bar.update(task, completed=position)


def _refuse(failed: int) -> None:
    if failed:
        lines = "1 line is" if failed == 1 else f"{failed} lines are"
        raise StartupError(f"{lines} bad, so nothing was written; to import the others, add --policy skip-failed.")


@contextmanager
def _rejects(path: Path | None, file: ProductFile, source: Path) -> Iterator[Rejects | None]:
    if path is None:
        yield None
        return
    if path.exists() and path.samefile(source):
        raise StartupError("--rejects names the file that is imported; name another one.")
    with _created(path) as output:
        yield Rejects(output, file.header)


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is not None:
        with _created(path) as file:
            yield file
        return
    output = TextIOWrapper(typer.get_binary_stream("stdout"), encoding="utf-8", newline="", write_through=True)
    try:
        yield output
    except BrokenPipeError:  # whoever read it has seen enough
        raise
    except OSError as error:
        _discard_output()
        raise _not_written("Standard output", error) from None
    finally:
        with suppress(OSError):  # what is left would be written now, and cannot be
            output.detach()


def _discard_output() -> None:
    """Let what is left in the buffers go nowhere: Python writes it when it ends, and would exit with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def _created(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise _not_written(str(path), error) from None


def _not_written(name: str, error: OSError) -> StartupError:
    return StartupError(f"{name} cannot be written: {os.strerror(error.errno or 0)}.")


def _without_password(text: str) -> str:
    url = make_url(text)
    if url.get_backend_name() in {"postgresql", "postgres"}:
        url = async_url(text).set(drivername="postgresql")
    return url.difference_update_query(["password"]).render_as_string()


def _shown(name: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value()) if name.endswith("_url") else "set"
    return "not set" if value is None else str(value)
