"""What can go wrong, as exceptions: expected refusals with their facts, and reasons not to start."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Path = tuple[str | int, ...]
"""Where in a service's arguments a problem lies, for example `("items", 0, "quantity")`."""


class StartupError(Exception):
    """The server, or a command, cannot start; the message is one clear sentence for the person who tried."""


class ConnectionsBusy(TimeoutError):
    """All connections to the database stayed in use for as long as a request may wait for one."""


class ShopError(Exception):
    """An expected refusal. Nothing was changed; `others` are further problems found in the same request."""

    others: Sequence["ShopError"] = ()


@dataclass(frozen=True)
class Issue:
    """One value that breaks a rule."""

    path: Path
    message: str


class ValidationFailed(ShopError):
    """Some values break their rules."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues


class NotFound(ShopError):
    """The id at `path` names nothing."""

    def __init__(self, noun: str, path: Path) -> None:
        super().__init__(f"There is no such {noun}.")
        self.path = path


class AlreadyExists(ShopError):
    """The value at `path` must be unique and is taken."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class InUse(ShopError):
    """Something that others depend on cannot be deleted."""

    def __init__(self, message: str, *, order_count: int | None = None, product_count: int | None = None) -> None:
        super().__init__(message)
        self.order_count = order_count
        self.product_count = product_count


@dataclass(frozen=True)
class Shortage:
    """A product of which more is wanted than there is."""

    path: Path
    product_id: int
    requested: int
    available: int


class OutOfStock(ShopError):
    """Stock does not suffice."""

    def __init__(self, *shortages: Shortage) -> None:
        noun = "product is" if len(shortages) == 1 else "products are"
        super().__init__(f"{len(shortages)} {noun} out of stock or short of it.")
        self.shortages = shortages


class InvalidCredentials(ShopError):
    """What was shown does not prove who somebody is. Why not is nobody's business."""

    def __init__(self, message: str = "E-mail address and password do not fit.") -> None:
        super().__init__(message)


class IdempotencyConflict(ShopError):
    """The key at `path` belongs to another request."""

    def __init__(self, path: Path) -> None:
        super().__init__("This key was used for another request; use a new one.")
        self.path = path


class PriceChanged(ShopError):
    """What is asked for costs something else than the buyer expected."""

    def __init__(self, expected: Decimal, actual: Decimal) -> None:
        super().__init__(f"The total is {actual}, not {expected}.")
        self.expected = expected
        self.actual = actual


class InvalidTransition(ShopError):
    """An order cannot go from one status to the other; statuses are given by name."""

    def __init__(self, source: str, target: str, allowed: Sequence[str]) -> None:
        super().__init__(f"An order that is {source.lower()} cannot become {target.lower()}.")
        self.source = source
        self.target = target
        self.allowed = allowed


class VersionConflict(ShopError):
    """Somebody else has changed it since; `current` is its version now."""

    def __init__(self, current: int) -> None:
        super().__init__(f"It was changed in the meantime; its version is {current} now.")
        self.current = current


class TooManyAttempts(ShopError):
    """Too much was tried; after `retry_after` seconds the next attempt is looked at again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts; try again in {retry_after} second{'' if retry_after == 1 else 's'}.")
        self.retry_after = retry_after


def refuse(problems: Sequence[ShopError]) -> None:
    """Raise the first of `problems`, carrying the others; return when there is none."""
    if problems:
        first, *others = problems
        first.others = others
        raise first


class InvalidToken(Exception):
    """A token that proves nothing; the message is a sentence for whoever sent it."""


class BadArgument(Exception):
    """An argument of a query that no answer can be given to; the message says what is allowed."""

    code = "BAD_USER_INPUT"


class InvalidCursor(BadArgument):
    """A cursor that was not made for this order and filter, or not by this server at all."""

    code = "INVALID_CURSOR"
