"""How long the statements of one kind take, and whether they are of a kind that is kept apart."""

from typing import Any

from sqlalchemy import Executable, Select

UNKNOWN = 0.0

SLOW = "is_slow"
"""The execution option of statements that look at many rows."""


def slow(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Mark what looks at many rows: it may take a part of the connections only.

    Whoever builds a statement around a marked one marks that too, or notices the mark while it compiles it.
    """
    return statement.execution_options(**{SLOW: True})


def is_slow(statement: Executable) -> bool:
    """Tell whether a statement is marked. One inside it does not count, or each would have to be looked through."""
    return SLOW in statement.get_execution_options()


class Pace:
    """What is known of the time that a kind of statement takes for one value."""

    def __init__(self, *, is_slow: bool = False) -> None:
        self.is_slow = is_slow
        """Whether such statements may take a part of the connections only."""
        self.seconds = UNKNOWN

    def took(self, seconds: float, values: int = 1) -> None:
        """Note a statement. Quick ones are believed at once, slow ones only when others are slow as well.

        What is measured includes the time for which a busy event loop did not look at an answer that was there.
        """
        sample = seconds / values
        self.seconds = min(sample, 1.5 * self.seconds) if self.seconds else sample
