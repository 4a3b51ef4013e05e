"""From the values of a request to what resolvers are called with: as Strawberry does it, with each type looked up once.

Strawberry's `convert_arguments` resolves the types of all fields of an input anew for every value, which takes longer
than most statements do. Input types that build themselves (`from_input`) are not supported; there are none here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from functools import cache
from typing import Any

from strawberry import Some
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.lazy_type import LazyType

from shop_graphql.errors import BadArgument

Convert = Callable[[Any], Any]
Member = tuple[str, str, Convert]
"""The name in the graph, the name in Python, and how the value is converted."""

_NAMES = StrawberryConfig().name_converter


def members_of(arguments: Sequence[StrawberryArgument]) -> list[Member]:
    """Return how the arguments of a field are converted."""
    return [
        (_NAMES.from_argument(argument), argument.python_name, _conversion(argument.type)) for argument in arguments
    ]


def converted(members: Sequence[Member], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that `values` are in Python; what is absent stays so.

    Raises BadArgument for a null that can only be absent: GraphQL's types do not tell these apart.
    """
    return {python: convert(values[name]) for name, python, convert in members if name in values}


def _conversion(type_: Any) -> Convert:
    if isinstance(type_, LazyType):
        return _conversion(type_.resolve_type())
    if isinstance(type_, StrawberryMaybe):
        inner = _conversion(type_.of_type)
        return _wrapped(inner if isinstance(type_.of_type, StrawberryOptional) else _never_null(inner))
    if isinstance(type_, StrawberryOptional):
        return _conversion(type_.of_type)
    if isinstance(type_, StrawberryList):
        return _each(_conversion(type_.of_type))
    definition = get_object_definition(type_)
    return _same if definition is None else _object(type_, definition)


def _same(value: Any) -> Any:
    return value


def _wrapped(convert: Convert) -> Convert:
    return lambda value: Some(convert(value))


def _never_null(convert: Convert) -> Convert:
    def present(value: Any) -> Any:
        if value is None:
            raise BadArgument("This can be absent, and not null.")
        return convert(value)

    return present


def _each(convert: Convert) -> Convert:
    return lambda values: None if values is None else [convert(value) for value in values]


def _object(type_: Any, definition: StrawberryObjectDefinition) -> Convert:
    missing = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    @cache
    def members() -> list[Member]:  # later, since an input can contain itself
        return [
            (_NAMES.from_field(field), field.python_name, _conversion(field.resolve_type(type_definition=definition)))
            for field in definition.fields
        ]

    return lambda value: None if value is None else type_(**{**missing, **converted(members(), value)})
