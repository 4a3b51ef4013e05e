"""How long the statements of one kind take, and whether they are of a kind that is kept apart."""

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, Executable, Select
from sqlalchemy.sql.visitors import iterate

UNKNOWN = 0.0

_MARK = "is_slow"
_looked_through: WeakKeyDictionary[Executable, bool] = WeakKeyDictionary()


def slow(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Mark what looks at many rows: a statement that has it in it may take a part of the connections only."""
    return statement.execution_options(**{_MARK: True})


def is_slow(statement: Executable) -> bool:
    """Tell whether anything in a statement is marked. One that is run again and again is looked through once."""
    known = _looked_through.get(statement)
    if known is None:
        elements = iterate(statement) if isinstance(statement, ClauseElement) else ()
        known = any(_MARK in getattr(element, "_execution_options", ()) for element in elements)
        _looked_through[statement] = known
    return known


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
