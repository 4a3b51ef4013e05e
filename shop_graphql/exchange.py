"""Products out of files and into them: portion by portion, each a transaction of its own, whatever the file's size."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

import asyncpg
from sqlalchemy import BigInteger, bindparam, select, text
from sqlalchemy.exc import SQLAlchemyError

from shop_graphql.connection import reason
from shop_graphql.database import Database
from shop_graphql.errors import StartupError, ValidationFailed
from shop_graphql.models import Category, Product
from shop_graphql.product_files import Line, ProductFile, Rejects, write_products
from shop_graphql.reading import ReadSession
from shop_graphql.services import ProductRow, UpsertPolicy, UpsertStatus, upsert_products
from shop_graphql.services.bulk import Upserted
from shop_graphql.services.product_rows import judge_products
from shop_graphql.serving import postponed
from shop_graphql.settings import Settings

Progress = Callable[[int], None]
"""Told how far it has come: in bytes of a file that is read, or in products that were written."""

Work = Callable[[Database, list[ProductRow]], Awaitable[list[Upserted]]]

REFUSALS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    ConnectionRefusedError,
    ConnectionResetError,
    FileNotFoundError,
)
"""How a database says no or goes away; other OSErrors are about the files here. FileNotFoundError is its socket's."""

ACTOR = "command line"
"""Who changes products here, as the ledger and the outbox remember it."""

MAX_REPORTED = 100
PAGE = 1_000
_PAGE = (
    select(
        Product.id,
        Product.sku,
        Product.name,
        Category.name.label("category"),
        Product.price,
        Product.description,
        Product.stock_quantity,
    )
    .join(Category, Category.id == Product.category_id)
    .where(Product.id > bindparam("after", type_=BigInteger))
    .order_by(Product.id)
    .limit(PAGE)
)


@dataclass
class Report:
    """What has come of an import so far; `say` shows a line to the person who waits."""

    say: Callable[[str], None]
    rejects: Rejects | None = None
    counts: Counter[UpsertStatus] = field(default_factory=Counter)

    def failed(self, line: Line, problems: Sequence[str]) -> None:
        """Count a bad line and show it, the first hundred of them."""
        self.counts[UpsertStatus.FAILED] += 1
        failed = self.counts[UpsertStatus.FAILED]
        if failed <= MAX_REPORTED:
            self.say(f"Line {line.number}: {' '.join(problems)}")
        elif failed == MAX_REPORTED + 1:
            self.say("Further bad lines are not shown.")
        if self.rejects:
            self.rejects.add(line.fields, " ".join(problems))

    def summary(self) -> str:
        """Return the counts in a sentence."""
        return ", ".join(f"{self.counts[status]} {status.value}" for status in UpsertStatus) + "."


def check_products(file: ProductFile, report: Report, progress: Progress) -> None:
    """Judge every line of a file and report the bad ones; writes nothing and asks no database."""
    with closing(file.portions(progress)) as portions:
        for portion in portions:
            _judge(portion, report)


def import_products(
    settings: Settings,
    url: str,
    file: ProductFile,
    report: Report,
    progress: Progress,
    *,
    policy: UpsertPolicy,
    dry_run: bool,
) -> None:
    """Create and change products as the file says, in portions, each all or nothing or without its bad lines.

    Raises StartupError; the portions before stay written then. Whoever wants all of the file or nothing of it calls
    `check_products` first. Not for use inside an event loop.
    """
    work = partial(_try if dry_run else _write, policy=policy)
    with closing(file.portions(progress)) as portions:
        asyncio.run(_import(settings, url, portions, report, work))


def export_products(settings: Settings, url: str, file: TextIO, progress: Progress) -> None:
    """Write every product by id, as they all are at one moment. Raises StartupError. Not for use inside a loop."""
    asyncio.run(_export(settings, url, file, progress))


async def _import(settings: Settings, url: str, portions: Iterable[list[Line]], report: Report, work: Work) -> None:
    with postponed() as end_now:
        async with _database(settings, url) as database:
            for portion in portions:
                end_now()
                sound = _sound(portion)
                outcomes = await work(database, [line.row for line in sound]) if sound else []
                _note(portion, dict(zip((line.number for line in sound), outcomes, strict=True)), report)


async def _write(database: Database, rows: list[ProductRow], *, policy: UpsertPolicy) -> list[Upserted]:
    return await database.write(partial(upsert_products, rows=rows, policy=policy), ACTOR)


async def _try(database: Database, rows: list[ProductRow], *, policy: UpsertPolicy) -> list[Upserted]:
    session, reads = database.preview(actor=ACTOR)
    try:
        return await upsert_products(session, rows=rows, policy=policy)
    finally:
        await reads.close()


def _judge(portion: list[Line], report: Report) -> None:
    sound = _sound(portion)
    judged = judge_products([line.row for line in sound])
    issues = {line.number: one.issues for line, one in zip(sound, judged, strict=True)}
    for line in portion:
        if problems := _problems(line, ((issue.path, issue.message) for issue in issues.get(line.number, ()))):
            report.failed(line, problems)


def _note(portion: list[Line], outcomes: Mapping[int, Upserted], report: Report) -> None:
    for line in portion:
        outcome = outcomes.get(line.number)
        issues = outcome["issues"] if outcome else []
        if problems := _problems(line, ((issue["path"], issue["message"]) for issue in issues)):
            report.failed(line, problems)
        elif outcome:
            report.counts[UpsertStatus(outcome["status"])] += 1


def _sound(portion: list[Line]) -> list[Line]:
    return [line for line in portion if not line.problem]


def _problems(line: Line, issues: Iterable[tuple[Sequence[str | int], str]]) -> list[str]:
    if line.problem:
        return [line.problem]
    return [f"{path[-1]}: {message}" for path, message in issues]


async def _export(settings: Settings, url: str, file: TextIO, progress: Progress) -> None:
    with postponed() as end_now:
        async with _database(settings, url) as database:
            await _write_all(database.reads(fresh=True), file, progress, end_now)


async def _write_all(reads: ReadSession, file: TextIO, progress: Progress, end_now: Callable[[], None]) -> None:
    try:
        # Whoever reads the file may be slow, and the snapshot must wait for them.
        await reads.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        write_products(file, [], header=True)
        after = 0
        while page := (await reads.execute(_PAGE, {"after": after})).all():
            write_products(file, page, header=False)
            after = page[-1].id
            progress(len(page))
            end_now()
    finally:
        await reads.close()


@asynccontextmanager
async def _database(settings: Settings, url: str) -> AsyncIterator[Database]:
    database = Database(settings, url)
    try:
        yield database
    except ValidationFailed as error:
        raise StartupError(f"The file was changed while it was imported: {error} What is written stays.") from None
    except REFUSALS as error:
        raise StartupError(f"The database cannot go on: {reason(error)}. What is written stays.") from None
    finally:
        await database.close()
