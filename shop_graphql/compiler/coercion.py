"""Values of variables, coerced as graphql-core's `coerce_input_value` does, with each type looked at only once."""

from collections.abc import Callable
from functools import cache
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_input_field,
)
from graphql.pyutils import is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value

Coerce = Callable[[Any], Any]


class InvalidValueError(Exception):
    """A value that its type does not allow."""


@cache
def coercion(type_: GraphQLInputType) -> Coerce:
    """Return what coerces JSON values, and raises InvalidValueError."""
    if isinstance(type_, GraphQLNonNull):
        return _present(coercion(type_.of_type))
    if isinstance(type_, GraphQLList):
        return _list(coercion(type_.of_type))
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_)
    assert isinstance(type_, GraphQLLeafType)  # noqa: S101
    return _leaf(type_.coerce_input_value)


def _present(coerce: Coerce) -> Coerce:
    def present(value: Any) -> Any:
        if value is None:
            raise InvalidValueError
        return coerce(value)

    return present


def _list(item: Coerce) -> Coerce:
    def several(value: Any) -> list[Any] | None:
        if value is None:
            return None
        return [item(each) for each in value] if is_iterable(value) else [item(value)]

    return several


def _leaf(coerce: Coerce) -> Coerce:
    def leaf(value: Any) -> Any:
        if value is None:
            return None
        try:
            coerced = coerce(value)
        except Exception:
            raise InvalidValueError from None
        if coerced is Undefined:
            raise InvalidValueError
        return coerced

    return leaf


def _object(type_: GraphQLInputObjectType) -> Coerce:
    @cache
    def members() -> list[tuple[str, str, GraphQLInputField, Coerce]]:  # later, since an input can contain itself
        return [(name, field.out_name or name, field, coercion(field.type)) for name, field in type_.fields.items()]

    def fields(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InvalidValueError
        coerced, known = {}, 0
        for name, out_name, field, coerce in members():
            if name in value:
                known += 1
                coerced[out_name] = coerce(value[name])
            elif is_required_input_field(field):
                raise InvalidValueError
            elif (default := coerce_default_value(field)) is not Undefined:
                coerced[out_name] = default
        if known != len(value) or (type_.is_one_of and (len(coerced) != 1 or None in coerced.values())):
            raise InvalidValueError
        return type_.out_type(coerced)

    return fields
