"""What came of an attack, in figures."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.attack.stage import Result


def summary(results: Sequence[Result]) -> str:
    """Return all figures as lines."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    sight, company = result.sight, result.company
    yield f"{result.title}: {result.tally.sent.total():,} sent in {result.seconds:.0f} s: {_counted(result.tally.sent)}"
    yield f"  answers: {_counted(result.tally.statuses)}"
    yield f"  codes: {_counted(result.tally.codes)}"
    if company is not None:
        slowest = sorted(company.seconds)[int(0.99 * (len(company.seconds) - 1))] * 1000 if company.seconds else 0
        yield f"  good requests: {_counted(company.statuses)}, 99 % within {slowest:.0f} ms"
    yield (
        f"  event loop at most {max(sight.lags, default=0) * 1000:.0f} ms late; /health: half within "
        f"{sight.percentile(0.5) * 1000:.1f} ms, 99 % within {sight.percentile(0.99) * 1000:.1f} ms, "
        f"{len(sight.seconds):,} looks"
    )
    warm, most, after = (size / 2**20 for size in result.memory)
    yield f"  memory: {warm:.0f} MB once warm, {most:.0f} MB at most, {after:.0f} MB afterwards"


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common()) or "none"
