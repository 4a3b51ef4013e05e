"""The results as Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.compare.catalogue import BY_NAME, WORKLOADS, Kind
from benchmarks.compare.verdict import Bar, Median, Medians, best_peer

HEADINGS = (
    "server",
    "requests/s",
    "slowest–fastest",
    "of best peer",
    "p50 ms",
    "p99 ms",
    "server CPU µs",
    "PostgreSQL CPU µs",
    "memory MB",
)


def results(found: Medians) -> str:
    """Return a table for each workload."""
    workloads = dict.fromkeys(workload for workload, _ in found)
    return "\n".join(f"### {name}: {WORKLOADS[name]}\n\n{_workload(found, name)}" for name in workloads)


def judgement(bars: Iterable[Bar]) -> str:
    """Return the table of what the shop means to reach, with what it missed."""
    rows = [
        (
            bar.workload,
            bar.what,
            bar.other,
            f"{'at most' if bar.at_most else 'at least'} {bar.wanted:g}×",
            "–" if bar.reached is None else f"{bar.reached:.2f}×",
            {True: "reached", False: "**missed**", None: "not measured"}[bar.is_met],
        )
        for bar in bars
    ]
    return table(("workload", "what", "against", "wanted", "measured", "verdict"), rows, texts=3)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """Return a table whose first columns are texts and whose others are numbers."""
    rule = [":--" if index < texts else "--:" for index in range(len(headings))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (headings, rule, *rows))


def _workload(found: Medians, workload: str) -> str:
    peer = best_peer(found, workload)
    best = found[workload, peer].rate if peer else None
    rows = [_row(server, median, best) for (name, server), median in found.items() if name == workload]
    return table(HEADINGS, rows)


def _row(server: str, median: Median, best: float | None) -> list[str]:
    title = BY_NAME[server].title
    title = f"**{title}**" if BY_NAME[server].kind is Kind.SHOP else title
    if median.failures:
        return [title, f"failed {median.failures:,} requests", *[""] * (len(HEADINGS) - 2)]
    return [
        title,
        f"{median.rate:,.0f}",
        f"{median.slowest:,.0f}–{median.fastest:,.0f}",
        f"{median.rate / best:.2f}×" if best else "–",
        f"{median.p50_ms:.2f}",
        f"{median.p99_ms:.2f}",
        f"{median.server_us:,.0f}",
        f"{median.postgres_us:,.0f}",
        f"{median.memory_mb:.0f}",
    ]
