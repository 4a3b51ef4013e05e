"""Queries over the whole schema: every field, argument, filter and order, as literals and as variables."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.language.print_string import print_string
from hypothesis import strategies as st

from shop_graphql.api.schema import schema
from tests.compiler.shop import NOON, TEXTS

SCHEMA = schema._schema

PREFIXES = ["prod", "cat", "user", "ord", "item", "event", "move"]
IDS = st.one_of(
    st.builds("{}_{}".format, st.sampled_from(PREFIXES), st.integers(1, 12)),
    st.builds("{}_{}".format, st.sampled_from(PREFIXES), st.integers(1, 12)),
    st.sampled_from(["prod_0", "prod_999", "prod_9223372036854775808", "x", "", "PROD_1", "prod_1 ", "💥", "prod_01"]),
)
WORDS = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(
        ["lamp", "lmap", "desk -lamp", '"desk lamp"', "or", "lamp or desk", "naive caf", "", " ", "-", "%"]
    ),
    st.sampled_from(
        ["Ada", "ada.1@example.com", "SKU-", "\U0010ffff", "\x00", "a\x07", "'", "\\", "the", "ab or cd -e"]
    ),
    st.text(max_size=4),
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "ID": IDS,
    "String": WORDS,
    "Int": st.one_of(st.integers(0, 3000), st.sampled_from([-1, 0, 2**31 - 1, -(2**31)])),
    "Boolean": st.booleans(),
    "Money": st.sampled_from(["0", "0.01", "9.99", "10", "10.1", "50", "99999999.99", "-1", 10, 0]),
    "DateTime": st.sampled_from(
        [NOON.isoformat(), "2025-03-01T12:00:00.000001Z", "2025-03-02T13:00:00+01:00", "1999-12-31T00:00:00Z"]
    ),
}
"""Values by type."""

LIMITS = st.one_of(*[st.integers(1, 6)] * 12, st.sampled_from([0, -1, 100, 101]))
ASCENDING = st.sampled_from([["10"], ["0.01", "9.99", "10"], [0, 10, "50.50"]])
RANGES = st.sampled_from([{"gte": "2025-02-28T00:00:00Z", "lt": "2025-03-31T12:00:00+02:00"}])
ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "first": LIMITS,
    "last": LIMITS,
    "upTo": st.one_of(st.integers(0, 70), st.integers(0, 70), st.sampled_from([1_000_000, 1_000_001, -1])),
    "timeZone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Europe/Berlin", "Nowhere"]),
    "bounds": st.one_of(*[ASCENDING] * 6, st.lists(SCALARS["Money"], max_size=3)),
    "interval": st.sampled_from(["DAY", "WEEK", "MONTH", "DAY", "HOUR"]),
}
"""Values by the name of the argument, most of them good ones."""

RARE = {"after": 30, "before": 30, "last": 4, "first": 1}
"""How many times an argument that may be missing is, for each time that it is there."""

ABSENT = object()
"""The value of a variable that is declared and not given."""


@dataclass
class Request:
    """A query under construction."""

    draw: st.DrawFn
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    size: int = 0

    def once_in(self, times: int) -> bool:
        return self.draw(st.integers(0, times - 1)) == 0

    def variable(self, type_: Any, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = str(type_), value
        return f"${name}"

    def document(self, selection: str) -> tuple[str, dict[str, Any]]:
        declared = [*(f"${name}: {type_}" for name, (type_, _) in self.variables.items()), *self.declared]
        header = f"query Q({', '.join(declared)})" if declared else "query Q"
        values = {name: value for name, (_, value) in self.variables.items() if value is not ABSENT}
        return f"{header} {{ {selection} }} {' '.join(self.fragments)}", values


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a valid document and its variables; some of their values are refused."""
    request = Request(draw)
    assert SCHEMA.query_type is not None
    names = draw(st.lists(st.sampled_from(list(SCHEMA.query_type.fields)), min_size=1, max_size=3))
    selections = [_field(request, name, SCHEMA.query_type.fields[name], 0) for name in names]
    return request.document(" ".join(selections))


def _field(request: Request, name: str, definition: GraphQLField, depth: int) -> str:
    request.size += 1
    key = f"{name}{request.size}"
    arguments = arguments_of(request, definition, definition.args)
    head = f"{key}: {name}" + (f"({', '.join(arguments)})" if arguments else "") + _directives(request)
    named = get_named_type(definition.type)
    return head if is_leaf_type(named) else f"{head} {_selection(request, named, depth + 1)}"


def _directives(request: Request) -> str:
    if not request.once_in(25):
        return ""
    flag = request.draw(st.booleans())
    value = request.variable("Boolean!", flag) if request.draw(st.booleans()) else str(flag).lower()
    return f" @{request.draw(st.sampled_from(['skip', 'include']))}(if: {value})"


def _selection(request: Request, type_: Any, depth: int) -> str:
    if isinstance(type_, GraphQLInterfaceType):
        kinds = request.draw(st.lists(st.sampled_from(SCHEMA.get_possible_types(type_)), max_size=3, unique=True))
        inline = [f"... on {kind.name} {_selection(request, kind, depth)}" for kind in kinds]
        return f"{{ {' '.join(['__typename', 'id', *inline])} }}"
    assert isinstance(type_, GraphQLObjectType)
    ends = depth >= 6 or request.size > 40
    names = [name for name, f in type_.fields.items() if not ends or is_leaf_type(get_named_type(f.type))]
    if not names:
        return "{ __typename }"
    chosen = request.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4))
    fields = [_field(request, name, type_.fields[name], depth) for name in chosen]
    fields += [_twice(request, type_)] if request.once_in(10) else []
    return f"{{ {' '.join(fields)} }}"


def _twice(request: Request, type_: GraphQLObjectType) -> str:
    """Return leaves under their own names, here and in a fragment that is merged with it."""
    leaves = [name for name, f in type_.fields.items() if is_leaf_type(get_named_type(f.type)) and not f.args]
    text = " ".join(leaves) or "__typename"
    name = f"F{len(request.fragments)}"
    request.fragments.append(f"fragment {name} on {type_.name} {{ __typename {text} }}")
    return f"{text} ...{name}"


def arguments_of(request: Request, definition: GraphQLField, names: Iterable[str]) -> list[str]:
    """Return some of the arguments `names` of a field, with their values."""
    given: dict[str, str] = {}
    for name in names:
        argument = definition.args[name]
        if name == "last" and "first" in given and not request.once_in(50):
            continue
        if is_required_argument(argument) or request.once_in(1 + RARE.get(name, 1)):
            given[name] = f"{name}: {_argument(request, name, argument)}"
    return list(given.values())


def _argument(request: Request, name: str, argument: GraphQLArgument) -> str:
    value = _value(request, name, argument.type, 0)
    if request.draw(st.booleans()):
        return _literal(request, argument.type, value)
    if not is_required_argument(argument) and request.once_in(8):
        absent = [ABSENT] if isinstance(argument.type, GraphQLNonNull) else [None, ABSENT]
        nullable = argument.type.of_type if isinstance(argument.type, GraphQLNonNull) else argument.type
        return request.variable(nullable, request.draw(st.sampled_from(absent)))
    return request.variable(argument.type, value)


def _value(request: Request, name: str, type_: Any, depth: int) -> Any:
    draw = request.draw
    if isinstance(type_, GraphQLNonNull):
        return _value(request, name, type_.of_type, depth)
    if depth == 0 and name in ARGUMENTS:
        return draw(ARGUMENTS[name])
    if isinstance(type_, GraphQLList):
        most = 3 if depth < 3 else 1
        return [_value(request, name, type_.of_type, depth + 1) for _ in range(draw(st.integers(0, most)))]
    if isinstance(type_, GraphQLEnumType):
        names = [name for name in type_.values if name != "RELEVANCE" or request.once_in(10)]
        return draw(st.sampled_from(names))
    if isinstance(type_, GraphQLInputObjectType):
        return _object(request, type_, depth)
    return draw(SCALARS[type_.name])


def _object(request: Request, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
    draw = request.draw
    if type_.name == "ReportRange" and not request.once_in(6):
        return dict(draw(RANGES))
    names = [name for name in type_.fields if depth < 4 or name not in ("and", "or", "not")]
    if type_.name.endswith("By"):
        name = draw(st.sampled_from(names))
        return {name: _value(request, name, type_.fields[name].type, depth + 1)}
    chosen = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    chosen += [name for name, f in type_.fields.items() if is_required_input_field(f) and name not in chosen]
    return {name: _value(request, name, type_.fields[name].type, depth + 1) for name in chosen}


def _literal(request: Request, type_: Any, value: Any) -> str:
    """Return a value as GraphQL writes it; parts of it become variables."""
    if isinstance(type_, GraphQLNonNull):
        return _literal(request, type_.of_type, value)
    if isinstance(value, list):
        return f"[{', '.join(_part(request, type_.of_type, item) for item in value)}]"
    if isinstance(value, dict):
        wrap = GraphQLNonNull if type_.name.endswith("By") else _as_it_is
        members = (f"{name}: {_part(request, wrap(type_.fields[name].type), item)}" for name, item in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    return print_string(value) if isinstance(value, str) else str(value).lower()


def _as_it_is(type_: Any) -> Any:
    return type_


def _part(request: Request, type_: Any, value: Any) -> str:
    if request.once_in(5):
        return request.variable(type_, value)
    return _literal(request, type_, value)
