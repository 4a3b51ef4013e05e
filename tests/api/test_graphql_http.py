"""The audits of the specification "GraphQL over HTTP", run against a real server. Skipped where there is no Node."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

AUDITS = Path(__file__).parents[1] / "audits"
COUNT = 61


async def run(*command: str) -> tuple[int, str]:
    """Run a program among the audits; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=AUDITS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.fixture(scope="module")
async def audits() -> None:
    """Install what the audits need, once."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("There is no Node with npm, in which the audits are written")
    if not (AUDITS / "node_modules" / "graphql-http").exists():
        code, said = await run("npm", "ci", "--silent")
        if code:
            pytest.skip(f"The audits cannot be installed: {said.strip()[-200:]}")


@pytest.fixture
async def address(app: Starlette, empty_shop: None) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        await serving


async def test_all_audits_pass(audits: None, address: str) -> None:
    code, said = await run("node", "audits.mjs", address)
    assert code == 0, said
    results: list[dict[str, Any]] = json.loads(said)
    assert len(results) == COUNT
    assert [result for result in results if result["status"] != "ok"] == []
