"""Values that are not known yet when a statement is built, only when it runs."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from operator import itemgetter
from typing import Any


class Given(dict[str, Any]):
    """The variables of a request, the parameters that it `shared` with all of its statements, and what came of them."""

    def __init__(self, shared: Mapping[str, Any]) -> None:
        super().__init__()
        self.shared = shared
        self.computed: dict[Deferred, Any] = {}


class Decisions:
    """What a statement takes for granted of values: answers to questions, and that checks raise nothing."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.made: dict[Deferred, Any] = {}
        self.checks: list[Deferred] = []

    def answer(self, question: "Deferred") -> Any:
        """Return today's answer, and remember that the statement depends on it."""
        if question not in self.made:
            self.made[question] = question.read(self.given)
        return self.made[question]

    def forget(self) -> None:
        """Let go of the values: what was made of them is kept for other requests, and they can be secrets."""
        self.given = Given({})


class Deferred:
    """A value that a request will bring. Two are equal when they are the same one."""

    __slots__ = ("_compute", "decisions")

    def __init__(self, compute: Callable[[Given], Any], decisions: Decisions) -> None:
        self._compute = compute
        self.decisions = decisions

    def read(self, given: Given) -> Any:
        """Return the value for what a request brings; computed once a request."""
        if self not in given.computed:
            given.computed[self] = self._compute(given)
        return given.computed[self]

    def map(self, function: Callable[[Any], Any]) -> "Deferred":
        """Return what `function` will make of the value."""
        return Deferred(lambda given: function(self.read(given)), self.decisions)

    def answer(self) -> Any:
        """Return the value of the request at hand; the statement is for requests of the same one."""
        return self.decisions.answer(self)


class Items(Deferred):
    """The items of a list, all of its length: it stands in a list in place of them."""

    __slots__ = ()


def later(function: Callable[[Any], Any], value: Any) -> Any:
    """Return `function(value)`, or what it will be when anything inside `value` is deferred."""
    if isinstance(value, Deferred) and not isinstance(value, Items):
        return value.map(function)
    inside = next(_inside(value), None)
    if inside is None:
        return function(value)
    return Deferred(lambda given: function(settle(value, given)), inside.decisions)


def checked(check: Callable[[Any], Any], value: Any) -> Any:
    """Return what `later` does. A deferred value is checked even where the statement has no use for it."""
    result = later(check, value)
    if isinstance(result, Deferred):
        result.decisions.checks.append(result)
    return result


def now(function: Callable[[Any], Any], value: Any) -> Any:
    """Return `function(value)` at once. What is built of it serves only values for which it is the same."""
    result = later(function, value)
    return result.answer() if isinstance(result, Deferred) else result


def each(value: Any, is_none: tuple[bool, ...]) -> tuple[Any, ...]:
    """Return the members of a tuple, of which those are None that `is_none` says."""
    return tuple(None if none else later(itemgetter(index), value) for index, none in enumerate(is_none))


def settle(value: Any, given: Given) -> Any:
    """Return `value` with everything deferred inside it replaced by what a request brings."""
    if isinstance(value, Deferred):
        return value.read(given)
    if isinstance(value, list | tuple):
        return type(value)(_settled_items(value, given))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: settle(getattr(value, field.name), given) for field in fields(value)})
    return value


def _settled_items(values: Any, given: Given) -> Any:
    for value in values:
        if isinstance(value, Items):
            yield from value.read(given)
        else:
            yield settle(value, given)


def _inside(value: Any) -> Any:
    if isinstance(value, Deferred):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _inside(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _inside(getattr(value, field.name))
