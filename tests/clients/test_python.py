"""Clients in Python on a live server: one that is generated of the schema, and one that reads it from the server."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import GraphQLError

from shop_graphql.demo_accounts import PASSWORD
from tests.clients.conftest import ROOT, Server

EXAMPLE = ROOT / "examples" / "python"
GENERATOR = ROOT / ".venv-clients" / "bin" / "ariadne-codegen"


def _generate_and_buy(folder: Path, address: str) -> subprocess.CompletedProcess[str]:
    for name in ("buy.py", "operations.graphql"):
        shutil.copy(EXAMPLE / name, folder)
    settings = (EXAMPLE / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(settings.replace("../../schema.graphql", str(ROOT / "schema.graphql")))
    subprocess.run([str(GENERATOR)], cwd=folder, capture_output=True, check=True)
    command = [str(GENERATOR.with_name("python")), "buy.py", f"{address}/graphql", "ada@example.com", PASSWORD, "Music"]
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not GENERATOR.exists(), reason="ariadne-codegen is not installed: make python-client")
async def test_a_generated_client_buys_once(server: Server, tmp_path: Path) -> None:
    done = await asyncio.to_thread(_generate_and_buy, tmp_path, server.address)
    assert done.returncode == 0, done.stderr
    lines = [re.fullmatch(r"(ord_\d+): 2 . .+, \d+\.\d\d, replayed: (\w+)", line) for line in done.stdout.splitlines()]
    (first, again) = [match.groups() for match in lines if match]
    assert (first[0], first[1], again[1]) == (again[0], "False", "True")


@pytest.fixture
async def session(server: Server) -> AsyncIterator[AsyncClientSession]:
    transport = HTTPXAsyncTransport(url=f"{server.address}/graphql")
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        yield session


async def test_a_dynamic_client_pages_through_products(session: AsyncClientSession) -> None:
    query = gql(
        """
        query ($after: String) {
          products(first: 15, after: $after, where: { price: { lt: "3" } }, orderBy: [{ field: PRICE }]) {
            nodes { id price }
            pageInfo { hasNextPage endCursor }
          }
        }
        """
    )
    found: list[dict[str, str]] = []
    after, more = None, True
    while more:
        query.variable_values = {"after": after}
        page = (await session.execute(query))["products"]
        found += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    prices = [Decimal(product["price"]) for product in found]
    assert prices == sorted(prices)
    assert prices[-1] < 3
    assert len({product["id"] for product in found}) == len(found) > 15


async def test_a_dynamic_client_sees_mistakes_before_anything_is_sent(session: AsyncClientSession) -> None:
    with pytest.raises(GraphQLError, match="Cannot query field 'prize' on type 'Product'"):
        await session.execute(gql("{ products { nodes { prize } } }"))


async def test_a_dynamic_client_is_told_by_a_code_that_it_must_sign_in(session: AsyncClientSession) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(gql("{ orders { nodes { id } } }"))
    (error,) = refused.value.errors or []
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
