"""How large documents may be, and the errors that say which limit one exceeds: what was found, what is allowed."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLError

MAX_FOUND = 10**9
"""The largest number that is told. Fragments that spread others multiply; there are documents of 10^80 fields."""


@dataclass(frozen=True)
class Limits:
    """The most that a document may have; 0 for a limit that is switched off."""

    length: int = 16_384
    tokens: int = 2_000
    comments: int = 100
    depth: int = 10
    introspection_depth: int = 20
    fields: int = 1_000
    aliases: int = 30
    directives: int = 20
    root_fields: int = 20
    mutation_fields: int = 5
    introspections: int = 2
    pairs: int = 2_000
    nodes: int = 10_000
    cost: int = 1_000


UNLIMITED = Limits(*[0] * 14)

_NAMES = {
    "length": ("DOCUMENT_TOO_LONG", "characters"),
    "tokens": ("TOO_MANY_TOKENS", "tokens"),
    "comments": ("TOO_MANY_COMMENTS", "comments"),
    "depth": ("QUERY_TOO_DEEP", "levels of fields"),
    "introspection_depth": ("INTROSPECTION_TOO_DEEP", "levels of introspection"),
    "fields": ("TOO_MANY_FIELDS", "fields, with all fragments spread"),
    "aliases": ("TOO_MANY_ALIASES", "aliases"),
    "directives": ("TOO_MANY_DIRECTIVES", "directives"),
    "root_fields": ("TOO_MANY_ROOT_FIELDS", "root fields"),
    "mutation_fields": ("TOO_MANY_MUTATIONS", "mutations"),
    "introspections": ("TOO_MUCH_INTROSPECTION", "fields __schema and __type"),
    "pairs": ("TOO_MANY_EQUAL_FIELDS", "pairs of fields of one name in one place"),
    "nodes": ("TOO_MANY_NODES", "objects in its answer"),
    "cost": ("QUERY_TOO_COSTLY", "points of cost"),
}

MEANINGS = {
    code: f"The document has, or asks for, more {what} than the server allows; `limit` and `found` say how many."
    for code, what in _NAMES.values()
}
"""Every code, and what it tells a client."""


def exceeded(limits: Limits, **found: int) -> Iterator[GraphQLError]:
    """Return an error for each figure that is larger than its limit."""
    for name, value in found.items():
        limit = getattr(limits, name)
        if limit and value > limit:
            yield over(name, limit, min(value, MAX_FOUND))


def over(name: str, limit: int, found: int, *, is_exact: bool = True) -> GraphQLError:
    """Return the error of a limit that was exceeded; `found` may only be where counting ended."""
    code, what = _NAMES[name]
    known = f"{found:,}" if is_exact and found < MAX_FOUND else f"more than {found - 1:,}"
    message = f"The document has {known} {what}; {limit:,} are allowed."
    return GraphQLError(message, extensions={"code": code, "limit": limit, "found": found})
