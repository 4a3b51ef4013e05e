"""The shop that a command is about: the one in DATABASE_URL, or an embedded one."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from shop_graphql import embedded, migration, serving
from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from shop_graphql.settings import Settings


@contextmanager
def shop(settings: Settings) -> Iterator[str]:
    """Return the URL of a shop, for as long as the block lasts.

    The embedded database is brought up to date; any other is its owner's business and must be so already.
    """
    with embedded.database(settings) as url:
        if settings.database_url is None:
            migration.upgrade(url)
        else:
            migration.check_url(url)
        yield url


def secrets_of(settings: Settings) -> str:
    """Return the secrets that the settings name, or else the one beside the embedded database."""
    return settings.secrets.get_secret_value() if settings.secrets else embedded.secret(settings.data_dir)


def load_sample(url: str, size: Size) -> None:
    """Load a sample shop, and show how far that is. Raises NotEmpty."""
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
