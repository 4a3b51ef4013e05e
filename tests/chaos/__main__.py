"""`python -m tests.chaos`: break a shop for a while and say what came of it; exit code 1 when anything was lost."""

import argparse
import random
import sys

from tests.chaos.run import run


def main() -> None:
    """Read the options, run, print the figures and what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long things are broken (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="what is tried when (default: another every time)")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    report = run(options.seconds, seed)
    setbacks = ", ".join(f"{count} {name}" for name, count in report.setbacks.most_common())
    sys.stdout.write(f"{report.summary()}\nretried after: {setbacks or 'nothing'}\n")
    sys.stdout.writelines(f"VIOLATION {complaint}\n" for complaint in report.complaints)
    if report.complaints:
        sys.stderr.write(report.log)
    sys.exit(bool(report.complaints))


if __name__ == "__main__":
    main()
