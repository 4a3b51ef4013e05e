from dataclasses import replace

from benchmarks.compare.measuring import Run
from benchmarks.compare.tables import judgement, results
from benchmarks.compare.verdict import Bar, best_peer, medians, verdict

RUN = Run(
    workload="W1",
    server="shop",
    round=1,
    requests=1000,
    rate=1000.0,
    p50_ms=1.0,
    p99_ms=2.0,
    max_ms=3.0,
    server_us=100.0,
    postgres_us=50.0,
    memory_mb=90.0,
    others=0.0,
    failures=0,
    answer_bytes=100.0,
)


def run(server: str, rate: float, server_us: float = 100.0, failures: int = 0) -> Run:
    return replace(RUN, server=server, rate=rate, server_us=server_us, failures=failures)


def bars(*runs: Run) -> dict[str, Bar]:
    return {f"{bar.what} {bar.other}": bar for bar in verdict(medians(runs), ["W1"])}


def test_a_median_is_the_middle_round_with_the_slowest_and_the_fastest() -> None:
    median = medians([run("shop", 30.0), run("shop", 10.0), run("shop", 20.0)])["W1", "shop"]
    assert (median.rate, median.slowest, median.fastest) == (20.0, 10.0, 30.0)


def test_the_limit_and_the_shop_are_not_peers() -> None:
    found = medians([run("shop", 9.0), run("limit", 8.0), run("yoga", 2.0), run("apollo", 1.0)])
    assert best_peer(found, "W1") == "yoga"
    assert best_peer(found, "W2") is None


def test_every_bar_compares_with_its_own_opponent() -> None:
    found = bars(
        run("shop", 1200.0, 200.0), run("mercurius", 1000.0), run("strawberry", 150.0), run("limit", 1.0, 100.0)
    )
    assert [(bar.reached, bar.is_met) for bar in found.values()] == [(1.2, True), (2.0, True), (8.0, False)]


def test_a_bar_without_its_opponent_is_not_measured() -> None:
    assert [bar.is_met for bar in bars(run("shop", 1000.0)).values()] == [None, None, None]


def test_a_server_that_failed_is_neither_compared_nor_the_best() -> None:
    found = medians([run("shop", 10.0), run("mercurius", 99.0, failures=1), run("yoga", 5.0)])
    assert best_peer(found, "W1") == "yoga"
    assert "failed 1 requests" in results(found)


def test_a_missed_bar_is_printed_as_missed() -> None:
    found = verdict(medians([run("shop", 1000.0), run("mercurius", 1000.0)]), ["W1"])
    lines = judgement(found).splitlines()
    assert lines[2] == "| W1 | requests per second | Mercurius, postgres | at least 1.2× | 1.00× | **missed** |"  # noqa: RUF001
    assert lines[3].endswith("| – | not measured |")  # noqa: RUF001


def test_results_compare_with_the_best_peer() -> None:
    table = results(medians([run("shop", 1500.0), run("mercurius", 1000.0)]))
    assert "| **shop_graphql** | 1,500 | 1,500–1,500 | 1.50× | 1.00 | 2.00 | 100 | 50 | 90 |" in table  # noqa: RUF001
