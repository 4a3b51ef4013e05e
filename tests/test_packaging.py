"""What a wheel carries."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from shop_graphql.api import graphiql

ROOT = Path(__file__).parent.parent


def test_a_wheel_carries_migrations_and_graphiql_if_it_was_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    assert {"shop_graphql/app.py", "shop_graphql/migrations/env.py"} <= names
    built = {f"shop_graphql/{file.relative_to(ROOT / 'shop_graphql')}" for file in graphiql.BUNDLE.rglob("*.*")}
    assert {name for name in names if name.startswith("shop_graphql/static/")} == built
    assert not [name for name in names if name.split("/")[0] in {"graphiql", "examples", "tests"}]
