"""Plans: a statement, and how a request's values become its parameters."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from graphql import GraphQLSchema
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, dialect

from shop_graphql.access import Role
from shop_graphql.compiler.documents import Document, deferred
from shop_graphql.compiler.json import Json, joined, members
from shop_graphql.compiler.selection import Declarations, NotCompiledError, Operation
from shop_graphql.deferred import Decisions, Deferred, Given
from shop_graphql.errors import BadArgument
from shop_graphql.pace import Pace, is_slow

Reader = Callable[[Given], Any]

PER_PLAN = 2048
PER_READER = 512
"""Bytes that a plan takes beside its statement, and each of its parameters, about."""


class _Compiler(PGCompiler_asyncpg):
    """SQLAlchemy's compiler, which meets every part of a statement and notices what is marked as slow."""

    is_slow = False

    def visit_select(self, select_stmt: Select[Any], *arguments: Any, **options: Any) -> str:
        self.is_slow = self.is_slow or is_slow(select_stmt)
        return super().visit_select(select_stmt, *arguments, **options)  # type: ignore[no-any-return, no-untyped-call]


_DIALECT = dialect()  # type: ignore[no-untyped-call]
_DIALECT.statement_compiler = _Compiler


@dataclass(frozen=True)
class Plan:
    """A statement that returns a whole answer, `{"data": …}`, as one text."""

    sql: str
    readers: tuple[Reader, ...]
    checks: tuple[Reader, ...]
    varying: tuple[int, ...]
    """Which of the parameters, counted from 0, are not the same for all requests."""
    key: int | None
    """Which of them alone comes from the request, and not from who sends it; None when none or several do."""
    pace: Pace = field(default_factory=Pace, compare=False)
    """How long its statements take."""

    def parameters(self, given: Given) -> list[Any]:
        """Return the statement's parameters for a request. Raises NotCompiledError where the client is to be told."""
        try:
            for check in self.checks:
                check(given)
            return [read(given) for read in self.readers]
        except BadArgument:
            raise NotCompiledError("a bad argument") from None

    @cached_property
    def for_keys(self) -> str:
        """The statement that selects the texts for an array in place of the parameter `key`, one for each, in order."""
        assert self.key is not None  # noqa: S101
        place = f"${self.key + 1}"
        types = set(re.findall(rf"{re.escape(place)}::([A-Z]+(?:\([0-9, ]+\))?)", self.sql))
        one = re.sub(rf"{re.escape(place)}(?![0-9])(::[A-Z]+(\([0-9, ]+\))?)?", "keys.key", self.sql)
        # In a sub-select, or the planner would look at how many there are, and plan each statement anew.
        keys = f"unnest((SELECT {place}::{types.pop()}[])) WITH ORDINALITY AS keys (key, number)"
        return f"SELECT ({one}) FROM {keys} ORDER BY keys.number"  # noqa: S608

    @property
    def size(self) -> int:
        """The bytes that it takes, about."""
        return PER_PLAN + 2 * len(self.sql) + PER_READER * len(self.readers)


@dataclass(frozen=True)
class Unplanned:
    """An operation that resolvers answer."""

    reason: str

    @property
    def size(self) -> int:
        """The bytes that it takes, about."""
        return PER_PLAN


class Leaf(Protocol):
    """What is made once for requests of one kind."""

    @property
    def size(self) -> int:
        """The bytes that it takes, about."""


class Choice:
    """Plans of one operation that differ by the answer to a question about the request's values."""

    def __init__(self, question: Deferred) -> None:
        self.question = question
        self.plans: dict[Any, Tree] = {}

    @property
    def size(self) -> int:
        """The bytes that all of its plans take, about."""
        return sum(plan.size for plan in self.plans.values())


Tree = Choice | Leaf


def find(tree: Tree | None, given: Given) -> Leaf | None:
    """Return the plan for what a request brings, or None when there is none yet. Raises BadArgument."""
    while isinstance(tree, Choice):
        tree = tree.plans.get(tree.question.read(given))
    return tree


def grown(tree: Tree | None, answers: Iterable[tuple[Deferred, Any]], plan: Leaf) -> Tree:
    """Return `tree` with another plan, for requests that give these answers."""
    decision = next(answers := iter(answers), None)
    if decision is None:
        return plan
    question, answer = decision
    choice = tree if isinstance(tree, Choice) else Choice(question)
    choice.plans[answer] = grown(choice.plans.get(answer), answers, plan)
    return choice


def make(
    document: Document, role: Role | None, decisions: Decisions, schema: GraphQLSchema, declarations: Declarations
) -> Plan | Unplanned:
    """Return the plan for a request and all others of which the same can be decided. Raises BadArgument."""
    ast, definition, fragments = document.syntax
    if not declarations.permits(ast, document.operation_name, decisions.given, role):
        return Unplanned("not permitted")
    variables = deferred(decisions.given, decisions)
    operation = Operation(schema, definition, fragments, variables, declarations, role)
    try:
        data = members({field.key: field.value(None) for field in operation.fields()})
        if all(isinstance(piece, str) for piece in data):
            return Unplanned("nothing is asked of the database")
        return statement(['{"data":', *data, "}"], decisions)
    except NotCompiledError as reason:
        return Unplanned(str(reason))
    except RecursionError:
        return Unplanned("too deep")


def statement(json: Json, decisions: Decisions) -> Plan:
    """Return the plan of the statement that selects `json`."""
    selected = select(joined(json))
    compiled = selected.compile(dialect=_DIALECT)
    assert isinstance(compiled, _Compiler)  # noqa: S101
    names = compiled.positiontup or ()
    readers = tuple(_reader(compiled, name) for name in names)
    brought = [number for number, name in enumerate(names) if isinstance(compiled.binds[name].value, Deferred)]
    varying = tuple(number for number, name in enumerate(names) if number in brought or compiled.binds[name].required)
    checks = tuple(check.read for check in decisions.checks)
    key = brought[0] if len(brought) == 1 else None
    return Plan(str(compiled), readers, checks, varying, key, Pace(is_slow=compiled.is_slow))


def _reader(compiled: _Compiler, name: str) -> Reader:
    if compiled.binds[name].required:
        return lambda given: given.shared[name]
    value = compiled.binds[name].value
    process = compiled._bind_processors.get(name)
    if not isinstance(value, Deferred):
        constant = process(value) if callable(process) else value
        return lambda given: constant  # noqa: ARG005
    return value.read if process is None else lambda given: process(value.read(given))  # type: ignore[operator]
