"""The chart of the results: for each workload the requests per second of every server, beside the fastest peer."""

from benchmarks.compare.catalogue import SERVERS, WORKLOADS, Kind, Server
from benchmarks.compare.svg import document, line, rect, text
from benchmarks.compare.verdict import Median, Medians, best_peer

LABELS = 190.0
PANEL = 150.0
GAP = 14.0
ROW = 26.0
TOP = 84.0
BOTTOM = 44.0
ROOM = 64.0
"""Kept free beside the longest bar, for its number."""

OWN = ("own", "own2", "own3")
SHORT = {"W1": "one by id", "W2": "page of 50", "W3": "user's orders", "W4": "20 × 20 nested", "W5": "place an order"}
TITLE = "Requests per second"


def chart(found: Medians) -> str:
    """Return the chart as SVG."""
    servers = [server for server in SERVERS if any(name == server.name for _, name in found)]
    workloads = [name for name in WORKLOADS if any(workload == name for workload, _ in found)]
    width = LABELS + len(workloads) * (PANEL + GAP) + GAP
    height = TOP + len(servers) * ROW + BOTTOM
    parts = [text(GAP, 30, TITLE, size=16, bold=True)]
    parts += [_label(server, _y(index)) for index, server in enumerate(servers)]
    for number, workload in enumerate(workloads):
        parts += _panel(found, workload, servers, LABELS + number * (PANEL + GAP))
    legend = "Longer is better; each column has a scale of its own. Dashed: the fastest peer."
    parts.append(text(GAP, height - 16, legend, color="faint", size=11))
    return document(width, height, f"{TITLE} of shop_graphql and its peers", parts)


def short(rate: float) -> str:
    """Return a number in as few characters as tell it apart."""
    return f"{rate / 1000:.1f}k" if rate >= 999.5 else f"{rate:.0f}"


def _y(index: int) -> float:
    return TOP + index * ROW


def _label(server: Server, y: float) -> str:
    is_own = server.kind is Kind.SHOP
    return text(LABELS - 12, y + 16, server.title, anchor="end", bold=is_own, color="text" if is_own else "faint")


def _panel(found: Medians, workload: str, servers: list[Server], left: float) -> list[str]:
    measured = {name: median for (found_workload, name), median in found.items() if found_workload == workload}
    scale = (PANEL - ROOM) / max((median.rate for median in measured.values()), default=1.0)
    peer = best_peer(found, workload)
    best = measured[peer].rate if peer else None
    bottom = _y(len(servers)) - 2
    heading = [
        text(left, 56, workload, size=13, bold=True),
        text(left, 72, SHORT[workload], size=11, color="faint"),
        line([(left, TOP - 4), (left, bottom)], color="line"),
    ]
    bars, words = [], []
    for index, server in enumerate(servers):
        median = measured.get(server.name)
        if median is None:
            continue
        y, length, is_own = _y(index), max(median.rate * scale, 1.5), server.kind is Kind.SHOP
        hollow = server.kind is Kind.LIMIT
        bars.append(rect(left, y + 4, length, ROW - 10, color=_color(server, servers), hollow=hollow))
        words.append(text(left + length + 5, y + 16, _words(median, best if is_own else None), size=11, bold=is_own))
    x = left + (best or 0) * scale
    marks = [line([(x, TOP - 4), (x, bottom)], color="best", dashed=True)] if best else []
    return heading + bars + marks + words


def _words(median: Median, best: float | None) -> str:
    if median.failures:
        return "failed"
    ratio = f" · {median.rate / best:.2g}×" if best else ""
    return short(median.rate) + ratio


def _color(server: Server, servers: list[Server]) -> str:
    if server.kind is Kind.SHOP:
        own = [other for other in servers if other.kind is Kind.SHOP]
        return OWN[own.index(server) % len(OWN)]
    return str(server.kind.value)
