"""One shop, asked in both ways: through compiled statements and through the resolvers."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shop_graphql import migration
from shop_graphql.access import Role
from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.models import MAX_ID
from shop_graphql.settings import Settings
from tests.api.conftest import LARGE
from tests.compiler.both import Both
from tests.compiler.shop import fill
from tests.conftest import PATIENT, SECRET, signed_in, temporary_database

VIEWERS = {
    "anonymous": {},
    "customer": signed_in(1, Role.CUSTOMER),
    "other": signed_in(8, Role.CUSTOMER),
    "staff": signed_in(MAX_ID, Role.STAFF),
    "admin": signed_in(MAX_ID, Role.ADMIN),
}
"""The headers of those who ask. The customer has orders, the other one has none."""


class Ways:
    """The two ways to an answer."""

    def __init__(self, compiled: httpx.AsyncClient, resolved: httpx.AsyncClient, app: Starlette) -> None:
        self._compiled = compiled
        self._resolved = resolved
        self.app = app
        self.asked = 0
        self.answered_by_one_statement = 0
        record(app, self._count)

    def _count(self, _statement: str) -> None:
        self.answered_by_one_statement += 1

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, viewer: str = "staff"
    ) -> tuple[bytes, bytes]:
        """Return the compiled answer and the resolvers', for one of the VIEWERS."""
        body = {"query": query, "variables": variables or {}}
        compiled = await self._compiled.post("/graphql", json=body, headers=VIEWERS[viewer])
        self.asked += 1
        resolved = await self._resolved.post("/graphql", json=body, headers=VIEWERS[viewer])
        assert compiled.status_code == resolved.status_code
        return compiled.content, resolved.content


def record(app: Starlette, note: Callable[[str], None]) -> None:
    """Call `note` with every compiled statement that the application sends."""
    direct = app.state.database.direct
    fetch = direct.fetch

    async def recorded(sql: str, parameters: Sequence[Any], *pace: Any) -> str:
        note(sql)
        text: str = await fetch(sql, parameters, *pace)
        return text

    direct.fetch = recorded


@pytest.fixture(scope="session")
def awkward_url(server_url: str) -> Iterator[str]:
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        yield url


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield app, http


@pytest.fixture(scope="session")
async def ways(awkward_url: str) -> AsyncIterator[Ways]:
    database = Database(Settings(), awkward_url)
    async with database.transaction() as session:
        await fill(session)
    await database.close()
    common: dict[str, Any] = {"database_url": awkward_url, "secrets": SECRET, **PATIENT, **LARGE}
    async with (
        served(Settings(**common)) as (app, compiled),
        served(Settings(**common, compiler=False)) as (_, resolved),
    ):
        yield Ways(compiled, resolved, app)


@pytest.fixture
async def both(database_url: str, database: Database, empty_shop: None) -> AsyncIterator[Both]:
    apps = [create_app(Settings(database_url=database_url, secrets=SECRET, compiler=on)) for on in (True, False)]
    yield Both(database, *apps)
    for app in apps:
        await app.state.accounts.close()
        await app.state.database.close()
