"""A real PostgreSQL for every test: the embedded one, or a temporary database on the server of DATABASE_URL."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import settings
from sqlalchemy import text

from shop_graphql import embedded, migration
from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from shop_graphql.connection import connect
from shop_graphql.database import Database, create_engine
from shop_graphql.models import Base
from shop_graphql.settings import Settings
from shop_graphql.values import async_url

SECRET = "of the tests and of nobody else: 7xJ2qLw9"

# The same examples each time, and none fails because the machine was busy.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

PATIENT: dict[str, Any] = {"statement_timeout": 60, "silence_timeout": 61, "request_timeout": 62}
"""Settings for statements that may take long."""

TABLES = ", ".join(table.name for table in Base.metadata.sorted_tables)


UNBOUNDED = {"SHOP_COST_PER_VIEWER": "off", "SHOP_COST_PER_ADDRESS": "off", "SHOP_COST_EXTENSION": "false"}
"""Tests ask for more in a short time than clients do, and compare whole responses. Those of costs say otherwise."""


def signed_in(user_id: int, role: Role) -> dict[str, str]:
    """Return the headers of a request of this user, who stays signed in for as long as all tests may take."""
    return {"authorization": f"Bearer {Tokens([SECRET]).issue(user_id, role, lifetime=timedelta(days=1))}"}


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server's maintenance database. Nothing is ever written to the database that DATABASE_URL names."""
    url = os.environ.get("DATABASE_URL")
    if url:
        yield url
        return
    # Not below pytest's folder, which another pytest of root's shuts again for the account that PostgreSQL runs as.
    with TemporaryDirectory(prefix="shop-") as folder, embedded.server(Path(folder), durable=False) as server:
        yield server.database("postgres")


@pytest.fixture(autouse=True, scope="session")
def _only_default_settings(server_url: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name == "DATABASE_URL" or name.startswith("SHOP_"):
                patch.delenv(name)
        for name, value in UNBOUNDED.items():
            patch.setenv(name, value)
        yield


LEAK = re.compile(
    r"Traceback|asyncpg|psycopg|sqlalchemy|pydantic|postgresql://|SELECT |INSERT INTO|\[SQL"
    r"|\.py\b|/site-packages|/home/|/tmp/|\bat 0x[0-9a-f]+|object has no|NoneType|\b\w+Error\(|Decimal\("
)
"""What tells strangers how the server is made, and belongs into the log."""


def assert_no_leak(text: str) -> None:
    """Fail when a text that was sent to a client tells that."""
    assert LEAK.search(text) is None, text


@pytest.fixture(autouse=True, scope="session")
def _no_answer_tells_how_the_server_is_made() -> Iterator[None]:
    """Search every answer that any test gets from the application."""
    send = httpx.AsyncClient.send

    async def searched(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await send(self, request, **options)
        if "json" in response.headers.get("content-type", "") and not options.get("stream"):
            assert_no_leak(response.text)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.AsyncClient, "send", searched)
        yield


@contextmanager
def temporary_database(server_url: str) -> Iterator[str]:
    name = f"shop_test_{uuid4().hex}"
    asyncio.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield async_url(server_url).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    finally:
        asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    engine = create_engine(Settings(**PATIENT), url)
    try:
        async with connect(engine) as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a database with the tables of the shop, made by the migrations."""
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        yield url


@pytest.fixture
def scratch_url(server_url: str) -> Iterator[str]:
    """The URL of an empty database that one test has to itself."""
    with temporary_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The shop's sessions on `database_url`."""
    database = Database(Settings(), database_url)
    yield database
    await database.close()


@pytest.fixture
async def empty_shop(database: Database) -> None:
    """An empty shop whose next ids are 1."""
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with TemporaryDirectory(prefix="shop-") as folder:
        yield Path(folder, "shop")
