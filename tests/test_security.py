"""What docs/security.md says is tested is tested."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| ([A-Z][^|]+) \| (.*`tests/[^|]+) \|$", PAGE, re.MULTILINE)
HEADINGS = [
    "Input Validation",
    "Injection Prevention",
    "Process Validation",
    "DoS Prevention",
    "Query Limiting (Depth & Amount)",
    "Pagination",
    "Timeouts",
    "Query Cost Analysis",
    "Rate Limiting",
    "Server-side Batching and Caching",
    "System Resource Management",
    "Access Control",
    "Query Access (Data Fetching)",
    "Mutation Access (Data Manipulation)",
    "Batching Attacks",
    "Introspection + GraphiQL",
    "Don't Return Excessive Errors",
]


def test_every_heading_of_the_cheat_sheet_has_its_row() -> None:
    assert [heading for heading, _ in ROWS] == HEADINGS


@pytest.mark.parametrize(("heading", "tests"), ROWS, ids=[heading for heading, _ in ROWS])
def test_every_test_of_a_row_exists(heading: str, tests: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
    assert named, heading
    for path, name in named:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name
