"""Both ways give the same bytes: data, nulls, errors and their paths."""

import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.compiler.conftest import Ways
from tests.compiler.paging import page_in, walks
from tests.compiler.queries import queries
from tests.properties import check
from tests.test_docs import EXAMPLES as EXAMPLES_OF_THE_DOCUMENTATION

EXAMPLES = int(os.environ.get("DIFFERENTIAL", "300"))
"""`make differential` asks for more, with another seed each time."""

QUERIES_OF_THE_DOCUMENTATION = [
    example for example in EXAMPLES_OF_THE_DOCUMENTATION if not str(example.values[0]).startswith("mutation")
]

ASKING = ["staff", "staff", "staff", "customer", "customer", "other", "admin", "anonymous"]

common = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 300,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


# A resolver that fails at once leaves its siblings' coroutines unawaited; graphql-core drops them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def test_any_query_is_answered_alike(ways: Ways) -> None:
    def examine(run: Run) -> None:
        @common
        @given(queries(), st.sampled_from(ASKING))
        def alike(request: tuple[str, dict[str, Any]], viewer: str) -> None:
            compiled, resolved = run(ways.ask(*request, viewer))
            assert compiled == resolved

        alike()

    asked, compiled = ways.asked, ways.answered_by_one_statement
    await check(examine)
    assert ways.answered_by_one_statement - compiled > (ways.asked - asked) / 4, "most fell back to the resolvers"


async def test_any_walk_from_page_to_page_is_alike(ways: Ways) -> None:
    def examine(run: Run) -> None:
        @settings(common, max_examples=EXAMPLES // 5)
        @given(walks(), st.sampled_from(["staff", "customer"]))
        def alike(walk: tuple[str, str, dict[str, Any], list[dict[str, Any]]], viewer: str) -> None:
            query, name, variables, steps = walk
            page: dict[str, Any] | None = {}
            for step in steps:
                known = {
                    key: (page or {}).get(value) if isinstance(value, str) else value for key, value in step.items()
                }
                compiled, resolved = run(ways.ask(query, {**variables, **known}, viewer))
                assert compiled == resolved
                page = page_in(compiled, name)

        alike()

    await check(examine)


@pytest.mark.parametrize("example", QUERIES_OF_THE_DOCUMENTATION)
async def test_an_example_is_answered_alike_by_one_statement(ways: Ways, example: str) -> None:
    before = ways.answered_by_one_statement
    compiled, resolved = await ways.ask(example)
    assert compiled == resolved
    assert ways.answered_by_one_statement == before + 1
