"""Writes docs/error-codes.md from the code: python -m tests.error_codes"""

import sys
from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLInterfaceType, GraphQLObjectType

from shop_graphql.api import bad_request, exposure, failures, subscriptions
from shop_graphql.api.errors import UserError
from shop_graphql.api.schema import schema
from shop_graphql.compiler import limits

MEANINGS = bad_request.MEANINGS | limits.MEANINGS | exposure.MEANINGS | failures.MEANINGS | subscriptions.MEANINGS

HEAD = """\
# Error codes

Written by `make error-codes` from the code. How to deal with errors: [using-the-api.md](using-the-api.md#errors).

## Refusals

Expected failures of mutations are members of the result's union, and types of the interface `UserError`, with `code`,
`message` and `otherErrors`. Nothing was changed.

| `code` | type | its facts | meaning |
|---|---|---|---|
"""
BETWEEN = """
## Top-level errors

Each has `extensions.code`. A mutation with `UNAVAILABLE`, `DEADLINE_EXCEEDED` or `INTERNAL_SERVER_ERROR` may have been
carried out nevertheless: send it again with the same key.

| `extensions.code` | meaning |
|---|---|
"""


def page() -> str:
    """Return the page."""
    return (
        HEAD + "".join(_refusals()) + BETWEEN + "".join(f"| `{code}` | {told} |\n" for code, told in MEANINGS.items())
    )


def _refusals() -> Iterator[str]:
    types = schema._schema.type_map
    codes, common = types["ErrorCode"], types["UserError"]
    assert isinstance(codes, GraphQLEnumType)
    assert isinstance(common, GraphQLInterfaceType)
    names = {error.error_code.name: error.__name__ for error in UserError.by_exception.values()}
    for code, value in sorted(codes.values.items()):
        refusal = types[names[code]]
        assert isinstance(refusal, GraphQLObjectType)
        facts = ", ".join(f"`{name}`" for name in refusal.fields if name not in common.fields)
        yield f"| `{code}` | `{refusal.name}` | {facts} | {value.description} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
