import pytest

from benchmarks.compare.load import parse
from shop_graphql.errors import StartupError

OUTPUT = """Running 8s test @ http://127.0.0.1:4102/graphql
  1 threads and 16 connections
RESULT {"requests":8000,"microseconds":4000000,"bytes":1600000,"p50":1250,"p99":4500,"max":9000,"refused":1,"broken":2,"checked":3,"errors":4}
"""  # noqa: E501


def test_what_wrk_says_is_read() -> None:
    outcome = parse(OUTPUT)
    assert (outcome.rate, outcome.size) == (2000.0, 200.0)
    assert (outcome.p50, outcome.p99, outcome.max) == (1.25, 4.5, 9.0)
    assert (outcome.refused, outcome.broken, outcome.checked, outcome.errors) == (1, 2, 3, 4)


def test_a_load_without_a_result_says_what_wrk_said() -> None:
    with pytest.raises(StartupError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")
