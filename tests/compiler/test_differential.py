"""Both ways give the same bytes: data, nulls, errors and their paths."""

import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.compiler.conftest import Ways
from tests.compiler.queries import queries
from tests.properties import check

EXAMPLES = int(os.environ.get("DIFFERENTIAL", "300"))
"""`make differential` asks for more, with another seed each time."""

ASKING = ["staff", "staff", "staff", "customer", "customer", "other", "admin", "anonymous"]

common = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 300,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


# A resolver that fails at once leaves its siblings' coroutines unawaited; graphql-core drops them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_any_query_is_answered_alike(ways: Ways) -> None:
    def examine(run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        @common
        @given(queries(), st.sampled_from(ASKING))
        def alike(request: tuple[str, dict[str, Any]], viewer: str) -> None:
            compiled, resolved = run(ways.ask(*request, viewer))
            assert compiled == resolved

        alike()

    await check(examine)
    assert ways.compiled > ways.asked / 4
