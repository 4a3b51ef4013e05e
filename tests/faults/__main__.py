"""`python -m tests.faults`: let one fault after another happen to a shop; exit code 1 when anything was wrong."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.faults import FAULTS
from tests.faults.run import Outcome, run

PAGE = Path(__file__).parent.parent.parent / "docs" / "faults.md"
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->"
HEAD = """| fault | well again after | longest read | reads | of them failed | orders | requests sent again | wrong |
|---|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Read the options, run, print a table, and write it into the documentation when asked to."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one round for each (default: 1 2 3)")
    parser.add_argument("--only", default="", help="only faults whose name has this text in it")
    parser.add_argument("--write", action="store_true", help="write the table into docs/faults.md")
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if options.only in fault.name]
    outcomes: list[Outcome] = []
    for seed in options.seeds:
        found, log = run(faults, seed)
        for outcome in found:
            sys.stdout.write(f"seed {seed}: {line([outcome])}\n")
            sys.stdout.writelines(f"  VIOLATION {complaint}\n" for complaint in outcome.complaints)
        sys.stdout.flush()
        if any(outcome.complaints for outcome in found):
            sys.stderr.writelines(line for line in log.splitlines(keepends=True) if "HTTP/1.1" not in line)
        outcomes += found
    rows = [line([outcome for outcome in outcomes if outcome.fault is fault]) for fault in faults]
    table = HEAD + "\n".join(rows) + "\n"
    sys.stdout.write("\n" + table)
    if options.write:
        text = PAGE.read_text()
        PAGE.write_text(text[: text.index(BEGIN) + len(BEGIN)] + table + text[text.index(END) :])
    sys.exit(any(outcome.complaints for outcome in outcomes))


def line(outcomes: Sequence[Outcome]) -> str:
    """Return the row of a fault: the worst of all rounds, and sums."""
    fault, skipped = outcomes[0].fault, outcomes[0].skipped
    if skipped:
        return f"| {fault.name} | not tried: {skipped} | | | | | | |"
    failed = sum(sum(outcome.failed_reads.values()) for outcome in outcomes)
    cells = [
        fault.name,
        f"{max(outcome.recovery for outcome in outcomes):.1f} s",
        f"{max(outcome.longest_read for outcome in outcomes):.1f} s",
        str(sum(outcome.reads for outcome in outcomes) + failed),
        f"{failed}{' (none may)' if fault.reads_survive else ''}",
        str(sum(outcome.orders for outcome in outcomes)),
        str(sum(outcome.sent_again for outcome in outcomes)),
        str(sum(len(outcome.complaints) for outcome in outcomes)),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
