"""Commands that serve a shop."""

import asyncio
import os
from contextlib import suppress

import typer

from shop_graphql import demo_accounts, embedded, migration, serving
from shop_graphql.commands.shops import load_sample, secrets_of, shop
from shop_graphql.errors import StartupError
from shop_graphql.sample.loading import NotEmpty
from shop_graphql.sample.size import Size
from shop_graphql.settings import NO_SECRETS, Settings, read_settings, variable
from shop_graphql.sockets import Sockets

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
    with serving.signals(), serving.listening(host, port, settings.send_timeout) as listener, shop(settings) as url:
        if settings.database_url is None:
            _hand_over(url, secrets_of(settings))
            typer.echo(f"The shop is in {settings.data_dir.resolve()}; set DATABASE_URL to serve another one.")
        typer.echo(f"GraphQL at {serving.address(listener)}/graphql, until Ctrl-C")
        serving.run(listener, how_to_serve(settings), workers=workers, reload=reload)


def demo(host: str, port: int) -> None:
    """Serve the embedded database "demo", which is filled the first time."""
    settings = read_settings()
    with (
        serving.signals(),
        serving.listening(host, port, settings.send_timeout) as listener,
        embedded.server(settings.data_dir) as server,
    ):
        url = server.database("demo")
        migration.upgrade(url)
        with suppress(NotEmpty):
            load_sample(url, Size())
        secrets = secrets_of(settings)
        _hand_over(url, secrets)
        admin = asyncio.run(demo_accounts.ensure(url))
        os.environ["SHOP_GRAPHIQL_HEADERS"] = demo_accounts.headers(admin, secrets)
        accounts = "\n".join(f"  {role:<9} {email}" for email, role in demo_accounts.shown())
        address = serving.address(listener)
        typer.echo(WELCOME.format(address=address, password=demo_accounts.PASSWORD, accounts=accounts))
        if settings.storefront_dir is not None:
            typer.echo(f"The storefront is at {address}/shop/\n")
        serving.run(listener, how_to_serve(settings))


def how_to_serve(settings: Settings) -> serving.Serving:
    """Return what the settings say about serving."""
    limits = serving.Limits(
        head_timeout=settings.head_timeout,
        connections=settings.max_connections,
        keep_alive=settings.keep_alive_timeout,
        head=settings.head_limit,
        body=settings.body_limit,
    )
    return serving.Serving(limits, Sockets(settings.body_limit, settings.heartbeat), settings.log_level)


def _hand_over(url: str, secrets: str) -> None:
    """The app, in this process or in several others, reads its settings from the environment."""
    os.environ["DATABASE_URL"] = url
    os.environ["SHOP_SECRETS"] = secrets
    for name in ("replica_url", "pgbouncer"):
        os.environ.pop(variable(name), None)
