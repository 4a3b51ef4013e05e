"""Behind PgBouncer: who says what sessions need, and what it means that connections open without a database."""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.session_settings import check_role
from shop_graphql.settings import Settings
from tests.conftest import SECRET
from tests.faults.proxy import Proxy

LACKS = "The database role lacks settings that PgBouncer keeps from it: "
BEHIND = Settings(pgbouncer=True)


@pytest.fixture
async def role(database: Database) -> AsyncIterator[str]:
    name = f"shop_{uuid4().hex}"
    await execute(database, f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD 'x'")
    yield name
    await execute(database, f"DROP ROLE {name}")


async def execute(database: Database, *statements: str) -> None:
    async with database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def said(url: str, role: str, settings: Settings, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    caplog.set_level(logging.WARNING, "shop_graphql")
    behind = Database(settings, make_url(url).set(username=role, password="x").render_as_string(hide_password=False))
    await check_role(settings, behind.engine)
    await behind.close()
    return [record.getMessage() for record in caplog.records]


async def test_what_the_role_lacks_is_said_as_statements_that_mend_it(
    database: Database, database_url: str, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    (complaint,) = await said(database_url, role, BEHIND, caplog)
    statements = complaint.removeprefix(LACKS).removesuffix(";").split("; ")
    assert f"ALTER ROLE {role} SET statement_timeout = '5000'" in statements
    assert len(statements) == 7
    await execute(database, *statements)
    assert await said(database_url, role, BEHIND, caplog) == []
    longer = BEHIND.model_copy(update={"lock_timeout": 3.0})
    assert await said(database_url, role, longer, caplog) == [f"{LACKS}ALTER ROLE {role} SET lock_timeout = '3000';"]


@pytest.mark.parametrize("pgbouncer", [True, False])
async def test_a_server_looks_at_its_role_behind_pgbouncer_alone(
    pgbouncer: bool, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, pgbouncer=pgbouncer))
    async with app.router.lifespan_context(app):
        pass
    assert any(record.getMessage().startswith(LACKS) for record in caplog.records) == pgbouncer


class Pooler(Proxy):
    """Lets in whoever comes and, while its database is away, ends the connection of whoever asks anything."""

    is_alone = False

    async def _write(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.is_alone and data[:1] in {b"Q", b"P"}:
            raise ConnectionResetError
        await super()._write(data, writer)


async def test_reads_wait_for_the_database_behind_it(database_url: str) -> None:
    pooler = Pooler(database_url)
    await pooler.mend()
    behind = Database(BEHIND, pooler.url)

    async def compiled() -> str:
        return await behind.direct.fetch("SELECT 1::text", [])

    async def resolved() -> str:
        reads = behind.reads()
        try:
            answer: str = (await reads.execute(text("SELECT 1::text"))).scalar_one()
        finally:
            await reads.close()
        return answer

    try:
        assert [await compiled(), await resolved()] == ["1", "1"]
        pooler.is_alone = True
        reading = [asyncio.create_task(read()) for read in (compiled, resolved) for _ in range(3)]
        await asyncio.sleep(1.2)
        assert not any(task.done() for task in reading)
        pooler.is_alone = False
        assert await asyncio.gather(*reading) == ["1"] * 6
    finally:
        await behind.close()
        await pooler.cut()
