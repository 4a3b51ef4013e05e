from typing import Any
from xml.etree import ElementTree

from benchmarks.compare import growth_report
from benchmarks.compare.catalogue import SERVERS, WORKLOADS
from benchmarks.compare.chart import chart, short
from benchmarks.compare.growth import cases
from benchmarks.compare.verdict import medians
from tests.benchmarks.test_verdict import run

SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_the_chart_names_every_server_and_how_the_shop_compares() -> None:
    found = words(chart(medians([run("shop", 2500.0), run("mercurius", 1000.0), run("limit", 3000.0)])))
    assert {"shop_graphql", "Mercurius, postgres", "Hand-written SQL to JSON", "W1"} <= set(found)
    assert {"2.5k · 2.5×", "1.0k", "3.0k"} <= set(found)  # noqa: RUF001


def test_no_bar_leaves_the_chart() -> None:
    root = ElementTree.fromstring(chart(medians([run(server.name, 10.0 * n) for n, server in enumerate(SERVERS, 1)])))
    width = float(root.attrib["width"])
    assert all(float(bar.get("x", 0)) + float(bar.attrib["width"]) <= width for bar in root.iter(f"{SVG}rect"))


def test_a_server_that_failed_has_no_number() -> None:
    assert "failed" in words(chart(medians([run("shop", 1.0, failures=3)])))


def test_rates_are_written_short() -> None:
    assert [short(rate) for rate in (34.4, 999.4, 999.6, 24_445.0)] == ["34", "999", "1.0k", "24.4k"]


def test_growth_has_a_curve_for_each_workload() -> None:
    runs: list[dict[str, Any]] = [
        {"dimension": case.dimension, "value": case.value, "workload": case.load.workload, "server": "shop"}
        | {"rate": 1000.0 / case.value, "failures": 0}
        | dict.fromkeys(growth_report.VALUES, 1.0)
        for case in cases(1)
    ]
    found = growth_report.points(runs)
    assert list(found["page", "W2", "shop"]) == [1, 2, 5, 10, 20, 50, 100]
    assert {"1", "100k", "1M", "W5", "levels of objects"} <= set(words(growth_report.chart(found)))


def test_every_server_has_every_query() -> None:
    assert [server.query(name) for server in SERVERS for name in WORKLOADS if not server.query(name).exists()] == []
    assert [case for case in cases(1) if not case.load.query.exists()] == []
