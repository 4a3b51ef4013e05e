import json
import re
from pathlib import Path

import pytest

from benchmarks.compare import report
from benchmarks.compare.__main__ import _chosen
from benchmarks.compare.catalogue import FOLDER, WORKLOADS
from benchmarks.compare.report import END, begin_of, included
from benchmarks.compare.usage import parse_stat
from shop_graphql.errors import StartupError


def test_results_replace_what_stands_between_the_marks() -> None:
    one, other = begin_of("one"), begin_of("other")
    page = f"Before.\n{one}\nold\n{END}\n{other}\nold\n{END}\n"
    assert included(page, "one", "new\n") == f"Before.\n{one}\n\nnew\n\n{END}\n{other}\nold\n{END}\n"
    assert included(page, "other", "new\n") == f"Before.\n{one}\nold\n{END}\n{other}\n\nnew\n\n{END}\n"


def test_the_page_of_the_docs_has_a_place_for_each_command() -> None:
    page = report.PAGE.read_text()
    one, other = page.index(begin_of("make bench")), page.index(begin_of("make bench ARGS=--growth"))
    assert one < page.index(END) < other < page.rindex(END)


def test_without_results_nothing_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    with pytest.raises(StartupError, match=r"no results/latest\.json"):
        report.render("latest")


def test_names_are_checked() -> None:
    assert _chosen(" W3,W1, W3 ", WORKLOADS, "workload") == ["W3", "W1"]
    with pytest.raises(StartupError, match="no workload W9"):
        _chosen("W9", WORKLOADS, "workload")


def test_processor_time_includes_children_that_have_ended() -> None:
    numbers = ["S", "7", *["0"] * 9, "100", "20", "3", "4", *["0"] * 6, "512", *["0"] * 28]
    process = parse_stat(f"42 (a (strange) name) {' '.join(numbers)}")
    assert (process.parent, round(process.seconds, 2)) == (7, 1.27)
    assert process.memory > 0


def test_what_is_pinned_names_no_address_of_a_registry() -> None:
    packages = json.loads((FOLDER / "peers" / "package-lock.json").read_text())["packages"]
    assert all("resolved" not in package and (not name or "integrity" in package) for name, package in packages.items())
    lock = (FOLDER / "peers" / "requirements.lock").read_text()
    assert "://" not in lock
    wanted = re.findall(r"^([a-z-]+)", (FOLDER / "peers" / "requirements.in").read_text(), re.MULTILINE)
    assert {name for name in wanted if f"\n{name}==" not in f"\n{lock}"} == set()
