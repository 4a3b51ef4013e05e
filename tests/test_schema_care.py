"""What clients were promised by the last release stays, or the changelog says what breaks.

With each release schema.graphql becomes tests/released.graphql.
"""

import re
from pathlib import Path

import pytest
from graphql import build_schema, find_breaking_changes

ROOT = Path(__file__).parent.parent
RELEASED = ROOT / "tests" / "released.graphql"
NAME = re.compile(r"\b[A-Z]\w*\.\w+(?:\(\w+:\))?|\b[A-Z]\w+")


def unannounced(released: str, current: str, changelog: str) -> list[str]:
    """Return the breaking changes of which no "**Breaking:**" line under Unreleased names in backticks what they break.

    `Type.field` names its arguments too, `Type` all that it has, and `field` a field of Query or Mutation.
    """
    section = changelog.partition("## Unreleased")[2].partition("\n## ")[0]
    entries = re.findall(r"^- \*\*Breaking:\*\*(.*(?:\n  .*)*)", section, re.MULTILINE)
    named = {name for entry in entries for name in re.findall(r"`([^`]+)`", entry)}
    changes = find_breaking_changes(build_schema(released), build_schema(current))
    return [change.description for change in changes if not _names(change.description) & named]


def _names(description: str) -> set[str]:
    found = {name.partition("(")[0] for name in NAME.findall(description)}
    roots = {name.partition(".")[2] for name in found if name.startswith(("Query.", "Mutation."))}
    return found | roots | {name.partition(".")[0] for name in found}


def test_whatever_breaks_clients_of_the_last_release_stands_in_the_changelog() -> None:
    schema, changelog = (ROOT / "schema.graphql").read_text(), (ROOT / "CHANGELOG.md").read_text()
    assert unannounced(RELEASED.read_text(), schema, changelog) == [], 'add a line "- **Breaking:** `Type.field` …"'


BEFORE = "type Query { a(x: Int): Int b: Int } enum Size { S L } input New { a: Int }"
AFTER = "type Query { a(x: Int!): Int } enum Size { S } input New { a: Int b: Int! }"
ALL = [
    "Argument Query.a(x:) has changed type from Int to Int!.",
    "Field Query.b was removed.",
    "Enum value Size.L was removed.",
    "A required field New.b was added.",
]


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("", ALL),
        ("- `Query.a`, `Query.b`, `Size.L`, `New.b` changed.", ALL),
        ("- **Breaking:** `a` needs `x`;\n  `Query.b` is gone.", ALL[2:]),
        ("- **Breaking:** `Size.L` is gone.\n- **Breaking:** `New` wants more.", ALL[:2]),
        ("\n## 1.0\n- **Breaking:** `Query.b`", ALL),
    ],
)
def test_a_breaking_change_must_be_named_in_a_line_of_its_kind(lines: str, left: list[str]) -> None:
    assert sorted(unannounced(BEFORE, AFTER, f"## Unreleased\n{lines}\n\n## 0.9\n- **Breaking:** `Query`")) == sorted(
        left
    )


def test_what_is_added_breaks_nobody() -> None:
    assert unannounced(BEFORE, f"{BEFORE} type More {{ c: Int }}", "") == []
