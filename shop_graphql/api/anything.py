"""Whatever an id names, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, case, column, func
from sqlalchemy.sql.selectable import FromClause

from shop_graphql.api.nodes import Node, parse_id
from shop_graphql.api.sources import matching
from shop_graphql.compiler import json
from shop_graphql.compiler.json import Json
from shop_graphql.compiler.selection import Field, Source
from shop_graphql.deferred import checked, later
from shop_graphql.errors import BadArgument
from shop_graphql.statements.filters import bind


def checked_ids(most: int, ids: Sequence[str]) -> Sequence[str]:
    """Return `ids`. Raises BadArgument when there are more than `most`."""
    if len(ids) > most:
        raise BadArgument(f"At most {most} ids can be asked for at once; these are {len(ids)}.")
    return ids


@dataclass(frozen=True)
class AnyNode(Source):
    """What the argument `id` names, or null."""

    def json(self, field: Field, at: None) -> Json:
        named = later(_split, [field.arguments["id"]])
        prefix, row_id = (later(itemgetter(0), later(itemgetter(i), named)) for i in (0, 1))
        return _node(field, bind(prefix, Text()), bind(row_id, BigInteger()), at)


@dataclass(frozen=True)
class AnyNodes(Source):
    """What the argument `ids` names, of which there are `most` at the most; null for an id that names nothing."""

    most: int

    def json(self, field: Field, at: None) -> Json:  # noqa: ARG002
        named = later(_split, checked(partial(checked_ids, self.most), field.arguments["ids"]))
        prefixes, row_ids = (later(itemgetter(i), named) for i in (0, 1))
        ids = (
            func.unnest(bind(prefixes, ARRAY(Text())), bind(row_ids, ARRAY(BigInteger())))
            .table_valued(column("prefix", Text()), column("row_id", BigInteger()), with_ordinality="number")
            .render_derived()
        )
        return json.many(_node(field, ids.c.prefix, ids.c.row_id, ids), ids, [ids.c.number])


def _split(ids: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the prefixes and the row ids of `ids`; no prefix for one that names nothing."""
    parsed = [parse_id(text) for text in ids]
    return [node.prefix if node else "" for node, _ in parsed], [row_id for _, row_id in parsed]


def _node(field: Field, prefix: ColumnElement[str], row_id: ColumnElement[int], at: FromClause | None) -> Json:
    found: dict[Any, ColumnElement[Any]] = {}
    for name, type_ in field.possible_types().items():
        node = Node.by_name[name]
        source = matching(field, node.model, node.model.__table__.c.id == row_id, type_).correlate(at).subquery()
        found[json.text(node.prefix)] = json.joined(json.one(field.object(source, type_), source, or_null=True))
    return [case(found, value=prefix, else_=json.text("null"))]
