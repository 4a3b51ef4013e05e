"""The command line of `make bench`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.compare import growth_report, install, report
from benchmarks.compare.catalogue import BY_NAME, QUICK, SERVERS, SHOP, WORKLOADS, Kind
from benchmarks.compare.folders import reserved
from benchmarks.compare.growth import measure_growth
from benchmarks.compare.postgres import postgres
from benchmarks.compare.progress import Display
from benchmarks.compare.side_by_side import Plan, measure_all
from shop_graphql import serving
from shop_graphql.errors import StartupError

NAMES = ", ".join(BY_NAME)


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Two peers, short runs: a few minutes.")] = False,
    growth: Annotated[bool, typer.Option("--growth", help="Measure how the shop's own cost grows instead.")] = False,
    render: Annotated[bool, typer.Option("--render", help="Only write tables and charts again.")] = False,
    servers: Annotated[str, typer.Option(help=f"Which, with commas between: {NAMES}.")] = "",
    workloads: Annotated[str, typer.Option(help=f"Which, with commas between: {', '.join(WORKLOADS)}.")] = "",
    rounds: Annotated[int | None, typer.Option(help="How often everything is measured.", min=1)] = None,
    seconds: Annotated[int | None, typer.Option(help="How long each measurement takes.", min=1)] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait, in all, for other programs to be quiet.")] = 240.0,
) -> None:
    """Measure the shop beside its peers: the same rows, the same questions, the same load, in turns.

    A whole run takes half an hour, and writes benchmarks/results/latest.* and docs/benchmark.*; one of some servers or
    workloads, or with --quick, writes benchmarks/results/partial.*.
    """
    if render:
        typer.echo(growth_report.render() if growth else report.render("latest"))
        return
    chosen = _chosen(servers, BY_NAME, "server") or (list(QUICK) if quick else [])
    asked = _chosen(workloads, WORKLOADS, "workload")
    display = Display()
    with serving.signals(), reserved(), display.shown():
        if growth:
            shops = [BY_NAME[name] for name in chosen or [SHOP.name]]
            if any(server.kind is not Kind.SHOP for server in shops):
                raise StartupError("Only the shop's own growth is measured: --servers shop,shop-resolvers.")
            install.require(shops, display.say)
            with postgres() as database:
                measure_growth(shops, database, display, rounds=rounds or 2, seconds=seconds or 4, patience=patience)
        else:
            plan = Plan(
                servers=[BY_NAME[name] for name in chosen] or list(SERVERS),
                workloads=asked or list(WORKLOADS),
                rounds=rounds or (2 if quick else 3),
                seconds=seconds or (3 if quick else 8),
                patience=min(patience, 30) if quick else patience,
                warm_seconds=1 if quick else 3,
            )
            is_whole = not (chosen or asked or quick)
            install.require(plan.servers, display.say)
            with postgres() as database:
                measure_all(plan, database, display, "partial")
            if is_whole:
                Path(report.RESULTS, "partial.json").replace(report.RESULTS / "latest.json")
    typer.echo(growth_report.render() if growth else report.render("latest" if is_whole else "partial"))


def _chosen(text: str, known: Mapping[str, object], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise StartupError(f"There is no {what} {name}; choose among {', '.join(known)}.")
    return list(dict.fromkeys(names))


def main() -> None:
    """Run the command line; what cannot be done is one sentence and exit code 1."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        typer.run(bench)
    except StartupError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
