"""Every example of the documentation is run against the sample shop, and finds something."""

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from shop_graphql import demo_accounts, migration
from shop_graphql.access import FIELDS, ROWS, Role, includes
from shop_graphql.api import failures
from shop_graphql.app import create_app
from shop_graphql.errors import BadArgument, InvalidCursor
from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from shop_graphql.settings import Settings
from tests import error_codes
from tests.api.conftest import Client
from tests.conftest import SECRET, signed_in, temporary_database

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    pytest.param(example, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, example in enumerate(re.findall(r"```graphql\n(.*?)```", page.read_text(), re.DOTALL), 1)
]


@pytest.fixture(scope="module")
def demo_url(server_url: str) -> Iterator[str]:
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        load(url, Size(), lambda _: None)
        yield url


@pytest.fixture(scope="module")
async def demo(demo_url: str) -> AsyncIterator[Client]:
    app = create_app(Settings(database_url=demo_url, secrets=SECRET))
    admin = await demo_accounts.ensure(demo_url)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=signed_in(admin, Role.ADMIN)) as http,
    ):
        yield Client(http)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_finds_something(demo: Client, example: str) -> None:
    assert list(_empty(await demo.ask(example))) == []


async def test_the_answer_in_the_readme_is_the_true_one(demo: Client) -> None:
    readme = (ROOT / "README.md").read_text()
    query, answer = re.findall(r"```(?:graphql|json)\n(.*?)```", readme, re.DOTALL)[:2]
    assert await demo.send(query) == json.loads(answer)


def test_the_page_of_error_codes_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "error-codes.md").read_text() == error_codes.page(), "run: make error-codes"
    used = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)}
    assert used | {BadArgument.code, InvalidCursor.code} == set(failures.MEANINGS)


def test_the_tables_of_rights_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert rows == [*_rights(), *_sight()]


ROLES = (None, *Role)


def _rights() -> Iterator[str]:
    for type_, fields_by_role in FIELDS.items():
        for needed, fields in fields_by_role.items():
            if type_ in {"Query", "Mutation", "Subscription"} or needed is not None:
                cells = ["yes" if includes(role, needed) else "" for role in ROLES]
                if needed is Role.CUSTOMER:
                    cells[1] = "own"
                yield _row(f"{type_}.{fields}".split(), cells)


def _sight() -> Iterator[str]:
    def cells(table: str) -> list[str]:
        rule = ROWS[table]
        own = "own" if rule.owner or rule.through else ""
        return ["all" if includes(role, rule.everything) else own if role else "" for role in ROLES]

    for seen, tables in groupby(ROWS, cells):
        yield _row(tables, seen)


def _row(names: Iterable[str], cells: list[str]) -> str:
    return f"| {', '.join(f'`{name}`' for name in names)} | {' | '.join(cells)} |"


def _empty(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of empty lists and of objects that are missing."""
    if value == [] or (value is None and not path.endswith(("from", "to", "endCursor", "description", "reason"))):
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _empty(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empty(item, f"{path}.{index}")
