"""A client of the whole application, as programs use it: over HTTP."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from starlette.applications import Starlette

from shop_graphql.access import Role
from shop_graphql.app import create_app
from shop_graphql.auth import Passwords
from shop_graphql.database import Database
from shop_graphql.models import MAX_ID
from shop_graphql.settings import Settings
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

ADMIN = signed_in(MAX_ID, Role.ADMIN)
"""The headers of somebody who may do everything, and whose id no user of a test has."""

PASSWORD = "correct horse battery staple"

ACTOR = f"user_{MAX_ID}"


class Client:
    """Sends documents and hands back what came of them."""

    def __init__(self, http: httpx.AsyncClient, headers: Mapping[str, str] | None = None) -> None:
        self.http = http
        self._headers = headers

    async def send(self, query: str, **variables: Any) -> dict[str, Any]:
        response = await self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self._headers
        )
        assert response.status_code == 200, response.text
        content: dict[str, Any] = response.json()
        return content

    async def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a request that must not fail."""
        content = await self.send(query, **variables)
        assert "errors" not in content, content["errors"]
        return content["data"]

    async def fail(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the one error of a request that must fail."""
        content = await self.send(query, **variables)
        (error,) = content["errors"]
        found: dict[str, Any] = error
        return found


@pytest.fixture(scope="session")
async def app(database_url: str) -> AsyncIterator[Starlette]:
    settings = Settings(
        database_url=database_url,
        secrets=SECRET,
        login_attempts_per_account="999999/second",
        login_attempts_per_address="999999/second",
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def http(app: Starlette, empty_shop: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=ADMIN) as client:
        yield client


@pytest.fixture
async def anonymous_http(app: Starlette, empty_shop: None) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield client


@pytest.fixture(scope="session")
async def password_hash() -> str:
    """The hash of PASSWORD, which takes long to make."""
    return await Passwords().hash(PASSWORD)


@pytest.fixture
def client(http: httpx.AsyncClient) -> Client:
    return Client(http)


@pytest.fixture
def make(database: Database, empty_shop: None) -> Factory:
    return Factory(database)


@pytest.fixture
def resolvers(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave everything to the resolvers."""
    monkeypatch.setattr(app.state.endpoint, "short_way", None)
    monkeypatch.setattr(app.state.endpoint, "carrier", None)


@pytest.fixture
def statements(app: Starlette, resolvers: None) -> Iterator[list[str]]:
    """Every SQL statement that the resolvers send, in order."""
    sent: list[str] = []
    engine = app.state.database.engine.sync_engine

    def record(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    yield sent
    event.remove(engine, "before_cursor_execute", record)
