"""Commands that read and write products as CSV."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from shop_graphql import exchange, serving
from shop_graphql.commands.outputs import created, output
from shop_graphql.commands.shops import shop
from shop_graphql.errors import StartupError
from shop_graphql.product_files import ProductFile, Rejects
from shop_graphql.services import UpsertPolicy, UpsertStatus
from shop_graphql.settings import read_settings


def import_products(path: Path, policy: str, rejects: Path | None, dry_run: bool) -> None:
    """Create and change products as a CSV file says, in DATABASE_URL or in the embedded database "shop"."""
    settings = read_settings()
    file = ProductFile(path)
    chosen = UpsertPolicy(policy)
    with serving.signals(), _rejects(rejects, file, path) as rejected, shop(settings) as url:
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
    with serving.signals(), shop(settings) as url, output(path) as file:
        columns = SpinnerColumn(), TextColumn("{task.description} {task.completed}")
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Exporting products:", total=None)
            exchange.export_products(settings, url, file, lambda count: bar.advance(task, count))
            file.flush()


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
    with created(path) as rejected:
        yield Rejects(rejected, file.header)
