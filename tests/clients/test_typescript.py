"""The client in TypeScript: its types are those of the schema, and its documents can be trusted ahead."""

import asyncio
import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.clients.conftest import ROOT, STOREFRONT

FOLDER = STOREFRONT.parent
MEMBER = "union LoginResult = InvalidCredentialsError | LoginSuccess"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / ".bin" / "tsc").exists() or shutil.which("npm") is None,
    reason="What builds the storefront is not installed: make storefront-build",
)


def check(folder: Path, schema: str) -> subprocess.CompletedProcess[str]:
    """Make the types of `schema` and compile everything with them, in a copy that nobody else uses."""
    copy = folder / "examples" / "storefront"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "gql"))
    (copy / "node_modules").symlink_to(FOLDER / "node_modules")
    (folder / "schema.graphql").write_text(schema)
    return subprocess.run(["npm", "run", "--silent", "check"], cwd=copy, capture_output=True, text=True, check=False)


async def test_it_compiles_strictly_and_its_documents_are_listed_by_their_hash(tmp_path: Path) -> None:
    sdl = (ROOT / "schema.graphql").read_text()
    done = await asyncio.to_thread(check, tmp_path, sdl)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = tmp_path / "examples" / "storefront" / "src" / "gql" / "persisted-documents.json"
    trusted = json.loads(await asyncio.to_thread(manifest.read_text))
    assert len(trusted) >= 12
    for digest, document in trusted.items():
        assert digest == f"sha256:{sha256(document.encode()).hexdigest()}"
        assert validate(build_schema(sdl), parse(document)) == []


async def test_a_result_with_a_new_member_no_longer_compiles(tmp_path: Path) -> None:
    sdl = (ROOT / "schema.graphql").read_text()
    assert MEMBER in sdl
    done = await asyncio.to_thread(check, tmp_path, sdl.replace(MEMBER, f"{MEMBER} | NotFoundError"))
    assert done.returncode != 0
    assert "src/pages/sign-in.tsx" in done.stdout
    assert "'never'" in done.stdout
