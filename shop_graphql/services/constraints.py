"""Turns the violation of a named constraint into the refusal it stands for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from shop_graphql.errors import ShopError


@contextmanager
def refusing(refusals: Mapping[str, ShopError]) -> Iterator[None]:
    """Raise the refusal that stands beside the violated constraint's name; any other violation is a bug and passes."""
    try:
        yield
    except IntegrityError as error:
        refusal = refusals.get(getattr(error.driver_exception, "constraint_name", ""))
        if refusal is None:
            raise
        raise refusal from None
