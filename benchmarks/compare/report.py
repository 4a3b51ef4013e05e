"""The files that a run leaves: everything measured as JSON, the tables as Markdown, the chart, the page of the docs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.compare import tables
from benchmarks.compare.catalogue import FOLDER, ROOT, WORKLOADS
from benchmarks.compare.chart import chart
from benchmarks.compare.measuring import Run
from benchmarks.compare.verdict import medians, verdict
from shop_graphql.errors import StartupError

RESULTS = FOLDER / "results"
PAGE = ROOT / "docs" / "benchmark.md"
CHART = ROOT / "docs" / "benchmark.svg"
END = "<!-- end of what was measured -->"


def write_json(name: str, content: dict[str, Any]) -> Path:
    """Write results/NAME.json, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return unfinished.replace(path)


def read_runs(name: str) -> dict[str, Any]:
    """Return what results/NAME.json holds. Raises StartupError when there is none."""
    try:
        content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    except OSError:
        raise StartupError(f"There is no results/{name}.json yet; run the benchmark first.") from None
    return content


def render(name: str) -> str:
    """Write tables and chart out of results/NAME.json, for "latest" into the docs too. Return the Markdown."""
    content = read_runs(name)
    found = medians(Run(**run) for run in content["runs"])
    workloads = [workload for workload in WORKLOADS if any(workload == measured for measured, _ in found)]
    bars = tables.judgement(verdict(found, workloads))
    about = conditions(content)
    markdown = f"{about}\n\n## Verdict\n\n{bars}\n## Results\n\n{tables.results(found)}"
    (RESULTS / f"{name}.md").write_text(markdown)
    picture = chart(found)
    if name == "latest":
        CHART.write_text(picture)
        include("make bench", f"![Requests per second of shop_graphql and its peers]({CHART.name})\n\n{markdown}")
    else:
        (RESULTS / f"{name}.svg").write_text(picture)
    return markdown


def conditions(content: dict[str, Any]) -> str:
    """Return one sentence on where and how it was measured."""
    machine, how = content["machine"], content["how"]
    where = f"{machine['date'][:10]}, {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB"
    loads = f"{how['rounds']} rounds of {how['seconds']:g} s each, {how['connections']} connections"
    return f"Measured on {where}, Linux {machine['kernel']}, PostgreSQL {content['versions']['postgresql']}: {loads}."


def include(command: str, markdown: str) -> None:
    """Put what a command has measured into the page of the docs."""
    PAGE.write_text(included(PAGE.read_text(), command, markdown))


def included(page: str, command: str, markdown: str) -> str:
    """Return the page with what stands between the command's mark and the next end mark replaced."""
    before, begin, rest = page.partition(begin_of(command))
    _, _, after = rest.partition(END)
    return f"{before}{begin}\n\n{markdown}\n{END}{after}"


def begin_of(command: str) -> str:
    """Return the mark after which stands what a command has measured."""
    return f"<!-- written by {command} -->"


def record(run: Run) -> dict[str, Any]:
    """Return a run as JSON, with as many digits as mean something."""
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(run).items()}
