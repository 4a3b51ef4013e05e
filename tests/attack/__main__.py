"""`python -m tests.attack`: attack a server beside good people; exit code 1 when it gave way in anything."""

import argparse
import sys

from shop_graphql.settings import Settings
from tests.attack.kinds import KINDS, NAMED
from tests.attack.report import summary
from tests.attack.squad import Order
from tests.attack.stage import Part, attack, shop
from tests.conftest import UNBOUNDED

REQUESTS = 100_000
RATE = 250.0
COMPANY = 20.0

MOST_TOLD = 40
"""Violations that are printed; where there are so many, they are the same."""

DEFAULTS = {name: str(Settings.model_fields[name.removeprefix("SHOP_").lower()].default) for name in UNBOUNDED}
"""What the harness switches off otherwise."""

TOGETHER = {"named": 12, "crowds": 1}
"""How many attacks with names are under way at the same time."""

NAMED_RATE = 20.0

LIMITED = 0.1
"""The share that meets a server whose buckets are on too: most of it is refused before it comes to anything."""


def parts(only: str, seed: int, requests: int, rate: float) -> list[Part]:
    """Return what is to be done: all kinds, or one, against a server without buckets and one with all limits."""
    kinds = {name: kind.share for name, kind in KINDS.items() if only in ("", name) and kind.share}
    whole = sum(kinds.values())

    def orders(share: float, seed: int) -> list[Order]:
        return [
            Order(name, seed, round(requests * share * kind / whole), rate * kind / whole)
            for name, kind in kinds.items()
        ]

    found = [
        Part(name, {}, [Order(name, seed, len(attacks), NAMED_RATE, TOGETHER[name])], COMPANY)
        for name, attacks in NAMED.items()
        if only in ("", name)
    ]
    if kinds:
        found.append(Part("without buckets", {}, orders(1 - LIMITED, seed), COMPANY))
        found.append(Part("all limits", DEFAULTS, orders(LIMITED, seed + 1), COMPANY))
    return found


def main() -> None:
    """Read the options, attack, say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides about all that is sent (default: 1)")
    parser.add_argument("--only", default="", choices=["", *KINDS], help="one kind of attacks only")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"how many are sent (default: {REQUESTS:,})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"how many a second, at most (default: {RATE:g})")
    options = parser.parse_args()
    with shop() as url:
        plan = parts(options.only, options.seed, options.requests, options.rate)
        results = [attack(url, part, say) for part in plan]
    say(summary(results))
    wrong = [f"VIOLATION {result.title}: {each}" for result in results for each in result.violations()]
    for violation in wrong[:MOST_TOLD]:
        say(violation)
    if len(wrong) > MOST_TOLD:
        say(f"and {len(wrong) - MOST_TOLD} more")
    sys.exit(bool(wrong))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
