"""Rules that a single value must keep, gathered so that all that are broken are reported at once."""

from decimal import Decimal

from shop_graphql.errors import Issue, Path, ShopError, ValidationFailed
from shop_graphql.models import CENT, MAX_INT, MAX_MONEY
from shop_graphql.text import is_storable

MAX_DESCRIPTION = 20_000
"""Characters of a product's description, which may stand thousands of times in one answer."""


class Rules:
    """Checks values, hands them back trimmed, and remembers what was wrong."""

    def __init__(self) -> None:
        self._issues: list[Issue] = []

    def text(self, value: str, path: Path, max_length: int | None = None) -> str:
        """Require a text that is not blank, has no control characters and at most `max_length` characters."""
        text = value.strip()
        self.require(text != "", path, "This must not be empty.")
        # The whole value: stripping takes some control characters for white space.
        self.require(is_storable(value), path, "This must not contain control characters or broken Unicode.")
        if max_length is not None:
            length = len(text)
            self.require(length <= max_length, path, f"This has {length} characters; {max_length} are allowed.")
        return text

    def optional_text(self, value: str | None, path: Path, max_length: int | None = None) -> str | None:
        """Require the same of a text that may be missing; a blank one counts as missing."""
        if value is None or (value.strip() == "" and is_storable(value)):
            return None
        return self.text(value, path, max_length)

    def price(self, value: Decimal, path: Path) -> Decimal:
        """Require an amount from 0.00 to 99999999.99 in whole cents."""
        # Comparisons with NaN raise, so finiteness comes first.
        sound = value.is_finite() and 0 <= value <= MAX_MONEY and value == value.quantize(CENT)
        self.require(sound, path, f"This must be an amount from 0.00 to {MAX_MONEY} in whole cents.")
        return value

    def integer(self, value: int, path: Path, minimum: int, maximum: int = MAX_INT) -> int:
        """Require a number from `minimum` to `maximum`."""
        self.require(minimum <= value <= maximum, path, f"This must be from {minimum} to {maximum}.")
        return value

    def require(self, kept: bool, path: Path, message: str) -> None:
        """Remember `message` unless the rule is kept."""
        if not kept:
            self._issues.append(Issue(path, message))

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was broken."""
        return tuple(self._issues)

    def problems(self) -> list[ShopError]:
        """Return what was broken as one problem, or nothing."""
        return [ValidationFailed(*self._issues)] if self._issues else []

    def enforce(self) -> None:
        """Raise ValidationFailed when a rule was broken."""
        if self._issues:
            raise ValidationFailed(*self._issues)
