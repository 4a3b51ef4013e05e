"""What a person sees while the benchmark runs: one line for each measurement, and how much is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.compare.measuring import Run


class Display:
    """Lines above a bar; without a terminal there is no bar."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(),
        )
        self._task = self._bar.add_task("Preparing", total=None)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar until the block is left."""
        with self._bar:
            yield

    def expect(self, steps: int) -> None:
        """Say how many measurements there will be."""
        self._bar.update(self._task, total=steps, completed=0)

    def say(self, line: str) -> None:
        """Print a line."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def doing(self, what: str) -> None:
        """Name what is going on now."""
        self._bar.update(self._task, description=what)

    def done(self, run: Run, what: str) -> None:
        """Count a measurement and print its figures."""
        self._bar.advance(self._task)
        times = f"p50 {run.p50_ms:7.2f}  p99 {run.p99_ms:8.2f} ms"
        costs = f"server {run.server_us:7.0f}  PostgreSQL {run.postgres_us:6.0f} µs"
        failed = f"  failed {run.failures}" if run.failures else ""
        rest = f"{run.memory_mb:4.0f} MB  others {run.others:4.0%}{failed}"
        self.say(f"{what:32} {run.server:15} {run.rate:8,.0f}/s  {times}  {costs}  {rest}")
