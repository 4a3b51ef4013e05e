"""What the server tells of itself: much while somebody develops, and nothing that helps strangers in production."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ASTValidationRule, FieldNode, GraphQLError

from shop_graphql.settings import Settings

INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"

MEANINGS = {INTROSPECTION_DISABLED: "The server does not tell its schema."}
"""The code, and what it tells a client."""

_SUGGESTION = re.compile(r"\s*Did you mean .*\?", re.DOTALL)


@dataclass(frozen=True)
class Exposure:
    """What is shown."""

    graphiql: bool = True
    introspection: bool = True
    suggestions: bool = True
    """Whether errors say which names come near to a misspelt one, from which a schema can be learnt."""


def exposure(settings: Settings) -> Exposure:
    """Return what is shown with these settings."""
    if settings.env == "production":
        return Exposure(graphiql=False, introspection=False, suggestions=False)
    return Exposure(graphiql=settings.graphiql)


class NoIntrospection(ASTValidationRule):
    """Refuses the fields that lead into the schema; `__typename` does not."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Report them."""
        if node.name.value in ("__schema", "__type"):
            message = "This server does not tell its schema."
            self.report_error(GraphQLError(message, node, extensions={"code": INTROSPECTION_DISABLED}))


def without_suggestions(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return an error as it is sent, without names that come near to what was sent."""
    return {**error, "message": _SUGGESTION.sub("", error["message"])}
