"""Payloads under way: JSON with gaps, and the statement that fills them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, bindparam, column, func, select

from shop_graphql.compiler.json import BETWEEN, joined, separator
from shop_graphql.compiler.plans import Plan
from shop_graphql.compiler.selection import Field
from shop_graphql.deferred import Given


class ImpossibleError(Exception):
    """There is nothing where the schema allows no null."""


class Gap:
    """A place in a payload for JSON that is yet to be read."""

    __slots__ = ("text",)
    text: str


Asked = list[list[tuple[Gap, Any]]]
"""For each edge its gaps, each with the row from which it leads on."""
Write = Callable[[Any, Asked], Any]


@dataclass(frozen=True)
class Edge:
    """A field of a payload that is read from the database; `keys` names the parameters of the columns it needs."""

    field: Field
    keys: Mapping[str, str]

    def parameters(self, gaps: list[tuple[Gap, Any]]) -> dict[str, list[int | None]]:
        """Return the columns of all gaps' rows."""
        return {key: [getattr(row, name) for _, row in gaps] for name, key in self.keys.items()}

    def texts(self) -> ColumnElement[str]:
        """Select the JSON for each gap, in their order, as one text."""
        # In a sub-select, or the planner would look at how many there are, and make a new plan for each payload.
        arrays = [select(bindparam(key, type_=ARRAY(BigInteger))).scalar_subquery() for key in self.keys.values()]
        columns = [column(name, BigInteger) for name in self.keys]
        rows = func.unnest(*arrays).table_valued(*columns, with_ordinality="number").render_derived()
        texts = func.string_agg(joined(self.field.value(rows)), separator(), type_=Text())
        return select(texts.aggregate_order_by(rows.c.number)).select_from(rows).scalar_subquery()


@dataclass
class Answer:
    """The JSON of one payload under way. `json` is for when it is complete."""

    payload: "Payload"
    content: Any
    asked: Asked

    @property
    def is_complete(self) -> bool:
        """Whether nothing has to be read from the database."""
        return not any(self.asked)

    def statement(self, given: Given) -> tuple[str, list[Any]]:
        """Return what fills the gaps, and its parameters. Raises NotCompiledError where the client is to be told."""
        assert self.payload.plan is not None  # noqa: S101
        for edge, gaps in zip(self.payload.edges, self.asked, strict=True):
            given.shared = {**given.shared, **edge.parameters(gaps)}
        return self.payload.plan.sql, self.payload.plan.parameters(given)

    def fill(self, text: str) -> None:
        """Put in what the statement selected."""
        nobody = Gap(), None  # an edge that no object has selects an empty text
        gaps = [gap for asked in self.asked for gap, _ in asked or [nobody]]
        for gap, json in zip(gaps, text.split(BETWEEN), strict=True):
            gap.text = json

    def json(self) -> bytes:
        """Return the payload. Raises orjson.JSONEncodeError for what a response cannot hold."""
        return orjson.dumps(self.content, default=lambda gap: orjson.Fragment(gap.text))


@dataclass(frozen=True)
class Payload:
    """How objects of one type become JSON."""

    write: Write
    edges: list[Edge]
    plan: Plan | None
    size: int

    def answer(self, value: Any) -> Answer:
        """Return what `value` becomes. Raises ImpossibleError, and whatever its resolvers would."""
        asked: Asked = [[] for _ in self.edges]
        return Answer(self, self.write(value, asked), asked)
