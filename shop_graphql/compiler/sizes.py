"""How long lists can be: what a field leads to, and what the arguments that say so can be worth."""

from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    IntValueNode,
    ListValueNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

PAGE = 20
MAX_PAGE = 100
LIST = 10
"""Assumed length of a list that is not paged, an order's items for example."""

SIZES = {"first", "last", "ids"}
"""The arguments that say how long a list is."""


class Shape(NamedTuple):
    """What a field of the schema leads to."""

    type: GraphQLNamedType | None
    is_list: bool
    is_connection: bool
    is_page: bool
    """Whether its elements are those of the page that its connection was asked for."""


def length(value: Any) -> int | None:
    """Return the length that the value of a size asks for, if it is any."""
    if isinstance(value, IntValueNode):
        return int(value.value[:10])
    if isinstance(value, ListValueNode):
        return len(value.values)
    if type(value) is list:
        return len(value)
    return value if type(value) is int else None


@lru_cache(maxsize=4096)
def shape_of(parent: GraphQLNamedType | None, name: str) -> Shape:
    """Return what a field leads to. What is in no schema is taken for an object."""
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or name not in parent.fields:
        return Shape(None, is_list=False, is_connection=False, is_page=False)
    type_ = parent.fields[name].type
    named = get_named_type(type_)
    is_list = is_list_type(get_nullable_type(type_))
    is_page = is_list and _is_connection(parent)
    return Shape(named, is_list=is_list, is_connection=_is_connection(named), is_page=is_page)


def _is_connection(type_: GraphQLNamedType) -> bool:
    return type_.name.endswith("Connection") and "pageInfo" in getattr(type_, "fields", ())
