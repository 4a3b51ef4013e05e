"""The growth of the shop's cost as tables and as a chart of curves."""

import math
import statistics
from typing import Any

from benchmarks.compare import tables
from benchmarks.compare.catalogue import BY_NAME, ROOT
from benchmarks.compare.chart import short
from benchmarks.compare.growth import TITLES
from benchmarks.compare.report import RESULTS, conditions, include, read_runs
from benchmarks.compare.svg import document, dot, line, text

CHART = ROOT / "docs" / "benchmark-growth.svg"
PANEL, HEIGHT, LEFT, TOP = 190.0, 190.0, 46.0, 84.0
COLORS = ("own", "best", "limit", "peer")
HEADINGS = ("workload", "server", "at", "requests/s", "p50 ms", "p99 ms", "server µs", "PostgreSQL µs", "memory MB")
VALUES = ("p50_ms", "p99_ms", "server_us", "postgres_us", "memory_mb")

Points = dict[tuple[str, str, str], dict[int, dict[str, float]]]
"""By dimension, workload and server: the medians at each value."""


def render() -> str:
    """Write tables and chart out of results/growth.json, and return the tables."""
    content = read_runs("growth")
    found = points(content["runs"])
    markdown = f"{conditions(content)}\n\n" + "\n".join(
        f"### {title}\n\n{_table(found, name)}" for name, title in TITLES.items()
    )
    (RESULTS / "growth.md").write_text(markdown)
    CHART.write_text(chart(found))
    include("make bench ARGS=--growth", f"![Growth of shop_graphql]({CHART.name})\n\n{markdown}")
    return markdown


def points(runs: list[dict[str, Any]]) -> Points:
    """Return the medians of all rounds."""
    groups: dict[tuple[str, str, str], dict[int, list[dict[str, Any]]]] = {}
    for run in runs:
        curve = groups.setdefault((run["dimension"], run["workload"], run["server"]), {})
        curve.setdefault(run["value"], []).append(run)
    return {key: {value: _median(group) for value, group in sorted(curve.items())} for key, curve in groups.items()}


def chart(found: Points) -> str:
    """Return a panel for each dimension; both axes are logarithmic, so that doubled is doubled everywhere."""
    names = [name for name in TITLES if any(dimension == name for dimension, _, _ in found)]
    keys = dict.fromkeys((workload, server) for _, workload, server in found)
    workloads = sorted({workload for workload, _ in keys})
    rates = [point["rate"] for curve in found.values() for point in curve.values() if not point["failures"]]
    low, high = math.floor(math.log10(max(min(rates), 1))), math.ceil(math.log10(max(rates) + 1))
    width = LEFT + len(names) * (PANEL + 14) + 14
    height = TOP + HEIGHT + 72
    parts = [text(14, 30, "Requests per second, as the load grows", size=16, bold=True)]
    for power in range(low, high + 1):
        y = _y(10.0**power, low, high)
        parts += [
            line([(LEFT, y), (width - 14, y)], color="line"),
            text(LEFT - 6, y + 4, short(10.0**power), anchor="end", size=11, color="faint"),
        ]
    for number, name in enumerate(names):
        left = LEFT + number * (PANEL + 14)
        parts.append(text(left + 8, 66, TITLES[name], size=12, bold=True))
        curves = {key: curve for key, curve in found.items() if key[0] == name}
        parts += _panel(curves, workloads, left + 16, low, high)
    for number, workload in enumerate(workloads):
        parts += [
            dot(LEFT + number * 60, height - 20, color=COLORS[number % 4]),
            text(LEFT + 8 + number * 60, height - 16, workload, size=11),
        ]
    more = "Solid: shop_graphql; dashed: its other ways of running." if len({server for _, server in keys}) > 1 else ""
    parts.append(text(LEFT + len(workloads) * 60 + 10, height - 16, more, size=11, color="faint"))
    return document(width, height, "Growth of shop_graphql", parts)


def _panel(curves: Points, workloads: list[str], left: float, low: int, high: int) -> list[str]:
    values = sorted({value for curve in curves.values() for value in curve})
    steps = {value: left + index * (PANEL - 40) / max(len(values) - 1, 1) for index, value in enumerate(values)}
    parts = [
        text(x, TOP + HEIGHT + 20, _named(value), anchor="middle", size=11, color="faint") for value, x in steps.items()
    ]
    for (_, workload, server), curve in curves.items():
        color = COLORS[workloads.index(workload) % len(COLORS)]
        line_points = [(steps[v], _y(point["rate"], low, high)) for v, point in curve.items() if not point["failures"]]
        parts.append(line(line_points, color=color, width=2, dashed=server != "shop"))
        parts += [dot(x, y, color=color) for x, y in line_points]
    return parts


def _y(rate: float, low: int, high: int) -> float:
    share = (math.log10(max(rate, 1)) - low) / max(high - low, 1)
    return TOP + HEIGHT * (1 - share)


def _named(value: int) -> str:
    return {1_000_000: "1M"}.get(value, short(value) if value >= 1_000 else str(value)).replace(".0k", "k")


def _median(group: list[dict[str, Any]]) -> dict[str, float]:
    names = ("rate", *VALUES)
    return {name: statistics.median(run[name] for run in group) for name in names} | {
        "failures": sum(run["failures"] for run in group)
    }


def _table(found: Points, dimension: str) -> str:
    rows = []
    for (name, workload, server), curve in found.items():
        if name != dimension:
            continue
        for value, point in curve.items():
            rate = "failed" if point["failures"] else f"{point['rate']:,.0f}"
            times = [f"{point[name]:.2f}" for name in VALUES[:2]]
            costs = [f"{point[name]:,.0f}" for name in VALUES[2:]]
            rows.append([workload, BY_NAME[server].title, f"{value:,}", rate, *times, *costs])
    return tables.table(HEADINGS, rows, texts=2)
