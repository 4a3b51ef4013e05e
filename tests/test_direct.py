"""The short way to PostgreSQL survives what happens to connections, and keeps within its number of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from shop_graphql.database import Database
from shop_graphql.settings import Settings
from tests.faults.proxy import Proxy, proxied

WHO = "SELECT pg_backend_pid()::text"


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[Database]:
    database = Database(Settings(**settings), url)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Proxy]:
    async with proxied(database_url) as line:
        yield line


@pytest.fixture
def url(line: Proxy) -> str:
    return line.url


async def test_a_connection_is_kept_and_used_again(database_url: str) -> None:
    async with opened(database_url) as database:
        assert len({await database.direct.fetch(WHO, []) for _ in range(5)}) == 1


async def test_connections_speak_utc_and_end_what_takes_too_long(database_url: str) -> None:
    async with opened(database_url, lock_timeout=0.05, statement_timeout=0.1) as database:
        assert await database.direct.fetch("SHOW timezone", []) == "UTC"
        with pytest.raises(asyncpg.QueryCanceledError):
            await database.direct.fetch("SELECT pg_sleep(5)::text", [])
        assert await database.direct.fetch(WHO, [])


async def test_a_connection_that_was_ended_is_replaced_unnoticed(database_url: str) -> None:
    async with opened(database_url) as database, opened(database_url) as other:
        for _ in range(2):
            before = await database.direct.fetch(WHO, [])
            await other.direct.fetch("SELECT pg_terminate_backend($1::int)::text", [int(before)])
            assert await database.direct.fetch(WHO, []) != before


async def test_a_restart_is_not_noticed(url: str, line: Proxy) -> None:
    async with opened(url) as database:
        await asyncio.gather(*(database.direct.fetch(WHO, []) for _ in range(5)))
        await line.cut()
        await line.mend()
        assert len(await asyncio.gather(*(database.direct.fetch(WHO, []) for _ in range(5)))) == 5


async def test_a_database_that_is_away_is_an_error_until_it_is_back(url: str, line: Proxy) -> None:
    async with opened(url) as database:
        await database.direct.fetch(WHO, [])
        await line.cut()
        for _ in range(2):
            with pytest.raises(OSError):  # noqa: PT011
                await database.direct.fetch(WHO, [])
        await line.mend()
        assert await database.direct.fetch(WHO, [])


async def test_there_are_as_many_connections_as_the_pool_may_have(database_url: str) -> None:
    async with opened(database_url, pool_size=3) as database:
        slowly = "SELECT pg_backend_pid()::text FROM pg_sleep(0.05)"
        assert len(set(await asyncio.gather(*(database.direct.fetch(slowly, []) for _ in range(12))))) == 3


async def test_who_waits_too_long_for_a_connection_is_refused(database_url: str) -> None:
    async with opened(database_url, pool_size=1, pool_timeout=0.1) as database:
        busy = asyncio.create_task(database.direct.fetch("SELECT pg_sleep(0.5)::text", []))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await database.direct.fetch(WHO, [])
        await busy
        assert await database.direct.fetch(WHO, [])


async def test_whoever_goes_away_leaves_no_connection_behind(database_url: str) -> None:
    async with opened(database_url, pool_size=1) as database:
        leaving = asyncio.create_task(database.direct.fetch("SELECT pg_sleep(30)::text", []))
        await asyncio.sleep(0.1)
        leaving.cancel()
        await asyncio.wait([leaving])
        async with asyncio.timeout(10):
            assert await database.direct.fetch(WHO, [])
        assert database.connections == 0


async def test_a_statement_that_is_wrong_harms_no_connection(database_url: str) -> None:
    async with opened(database_url) as database:
        before = await database.direct.fetch(WHO, [])
        with pytest.raises(asyncpg.DivisionByZeroError):
            await database.direct.fetch("SELECT (1/0)::text", [])
        assert await database.direct.fetch(WHO, []) == before


async def test_pgbouncer_gets_no_setting_that_it_does_not_know(database_url: str) -> None:
    async with opened(database_url, pgbouncer=True) as database:
        assert await database.direct.fetch("SHOW statement_timeout", []) == "0"
        assert await database.direct.fetch("SHOW timezone", []) == "UTC"
