"""The command `shop-graphql`: its commands and their options. What they do is in `commands`.

That module is imported when a command runs and not before: the libraries of the database take a second, and `--help`
needs none of them.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from shop_graphql.errors import StartupError
from shop_graphql.sample.size import Size

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 is any free one.", min=0, max=65535)]
Count = typer.Option(help="How many to make.", min=0, max=100_000_000)
SIZE = Size()


class Commands(TyperGroup):
    """Ends a command that cannot start with its one sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a StartupError is printed, and the exit code is 1."""
        try:
            return super().invoke(ctx)
        except StartupError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    help="A GraphQL shop backend on PostgreSQL. Settings are environment variables: see `shop-graphql settings`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


users = typer.Typer(help="Accounts.", no_args_is_help=True)
app.add_typer(users, name="user")


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1, max=256)] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start again whenever the code changes.")] = False,
) -> None:
    """Serve the shop in DATABASE_URL or, without it, one in the embedded PostgreSQL."""
    from shop_graphql.commands import server

    server.serve(host, port, workers, reload)


@app.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve a shop full of sample data, which stays between runs. DATABASE_URL is left alone."""
    from shop_graphql.commands import server

    server.demo(host, port)


@app.command()
def migrate() -> None:
    """Make the tables in DATABASE_URL, or bring them up to date."""
    from shop_graphql.commands import data

    data.migrate()


@app.command()
def seed(
    categories: Annotated[int, Count] = SIZE.categories,
    products: Annotated[int, Count] = SIZE.products,
    users: Annotated[int, Count] = SIZE.users,
    orders: Annotated[int, Count] = SIZE.orders,
    random_seed: Annotated[int, typer.Option(help="Another number makes another shop.")] = SIZE.random_seed,
) -> None:
    """Load a sample shop into the empty one in DATABASE_URL, or in the embedded PostgreSQL."""
    from shop_graphql.commands import data

    data.seed(Size(categories, products, users, orders, random_seed))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, UTF-8, with the names of its columns in the first line.")],
    policy: Annotated[
        Literal["all-or-nothing", "skip-failed"], typer.Option(help="What a bad line means for the others.")
    ] = "all-or-nothing",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count everything, and write nothing.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="CSV to write the bad lines to, each with its problem.")] = None,
) -> None:
    """Create and change products as a CSV file says; products are matched by SKU.

    Columns, in any order: sku, name, category, price and, if wanted, description and stock_quantity. A category that
    does not exist is created. An empty stock_quantity leaves stock as it is; an empty description removes it. A line
    without a SKU is a bad line. Every 250 lines are one transaction: interrupted, run it again, and what was done
    already counts as unchanged.
    """
    from shop_graphql.commands import products

    products.import_products(file, policy, rejects, dry_run)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="CSV file to write; without it, standard output.")] = None,
) -> None:
    """Write every product as CSV, as they all are at one moment, in the form that import reads.

    A product without a SKU is written with an empty one, and import reports it as a bad line: give it a SKU first.
    """
    from shop_graphql.commands import products

    products.export_products(file)


@app.command()
def reconcile() -> None:
    """Check that stock, ledger, orders, keys and events in DATABASE_URL agree. Exit code 1 when anything is wrong."""
    from shop_graphql.commands import data

    data.reconcile()


@users.command("create")
def create_user(
    email: Annotated[str, typer.Option(prompt=True, help="The e-mail address to sign in with.")],
    name: Annotated[str, typer.Option(prompt=True, help="The full name.")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True, hide_input=True, confirmation_prompt=True, envvar="SHOP_USER_PASSWORD", help="Asked for."
        ),
    ],
    role: Annotated[Literal["customer", "staff", "admin"], typer.Option(help="What the user may do.")] = "customer",
) -> None:
    """Create an account that can sign in, such as the first admin of a new shop."""
    from shop_graphql.commands import accounts

    accounts.create_user(email, name, role, password)


@app.command()
def token(
    user: Annotated[int, typer.Option(help="The number in the user's id: 5 for user_5.", min=1, max=2**63 - 1)],
    role: Annotated[Literal["customer", "staff", "admin"], typer.Option(help="What its bearer may do.")] = "customer",
    hours: Annotated[float, typer.Option(help="How long it is valid.", min=0.01, max=24 * 366)] = 1,
) -> None:
    """Print an access token, for scripts and for trying things out. No database is asked."""
    from shop_graphql.commands import accounts

    accounts.show_token(user, role, hours)


@app.command()
def explain(
    query: Annotated[str, typer.Argument(help="The document of one query.")],
    variables: Annotated[str, typer.Option(help="The values of its variables, as JSON.")] = "{}",
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it, and tell how long each step took.")] = False,
    role: Annotated[
        Literal["customer", "staff", "admin"] | None, typer.Option(help="Ask in this role; without it, as nobody.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Ask as the user of this id, for example user_1.")] = None,
) -> None:
    """Print the SQL statement that answers a query, and how PostgreSQL goes about it."""
    from shop_graphql.commands import data

    data.explain(query, variables, analyze, role, user)


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from shop_graphql.api.schema import sdl

    typer.echo(sdl(), nl=False)


@app.command()
def settings() -> None:
    """Print every setting: its variable, its value here and what it does."""
    from shop_graphql.commands import configuration

    configuration.show_settings()


def main() -> None:
    """Run the command line."""
    app(prog_name="shop-graphql")
