"""Top-level errors: what a client is told of a request that failed, and what only the log is told."""

import logging
from typing import Any
from uuid import uuid4

import asyncpg
from graphql import GraphQLError, GraphQLSyntaxError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shop_graphql.errors import BadArgument, InvalidCursor

logger = logging.getLogger("shop_graphql")

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
TOO_LARGE = "RESPONSE_TOO_LARGE"
OPERATION_UNKNOWN = "OPERATION_RESOLUTION_FAILURE"
BAD_USER_INPUT = "BAD_USER_INPUT"
UNAVAILABLE = "UNAVAILABLE"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
INTERNAL = "INTERNAL_SERVER_ERROR"
UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"

MEANINGS = {
    PARSE_FAILED: "The document is not GraphQL.",
    VALIDATION_FAILED: "The document does not fit the schema.",
    OPERATION_UNKNOWN: "The document has no operation of the name given, or several and no name was given.",
    BAD_USER_INPUT: "An argument or a variable has a value that no answer can be given to.",
    InvalidCursor.code: "The cursor was made for another order or filter, or not by this server.",
    TOO_LARGE: "The answer would be larger than the server sends: ask for fewer rows or fields.",
    UNAUTHENTICATED: "A sign-in is needed, or the token is no longer good: refresh it, or sign in.",
    FORBIDDEN: "Whoever is signed in may not do this.",
    DEADLINE_EXCEEDED: "The answer took too long: ask for less; repeat a mutation with the same key.",
    UNAVAILABLE: "The shop cannot answer at the moment: try again, a mutation with the same key.",
    INTERNAL: "A mistake of the server; `extensions.reference` names it in the server's log.",
}
"""Every code of an error that comes of carrying an operation out, and what it tells a client."""

_UNREACHABLE = (OSError, PoolTimeoutError, InterfaceError, OperationalError, asyncpg.InterfaceError)
_PASSING = ("08", "25006", "25P02", "40", "53", "55P03", "57")
"""SQLSTATEs of what may be over soon: lost connections, standbys, deadlocks, a full server, time-outs and what waited
behind."""


def request_error(message: str, code: str) -> dict[str, Any]:
    """Return the error of a request that never came to a document."""
    return {"message": message, "extensions": {"code": code}}


def unknown_operation(name: str | None) -> str:
    """Return what a client is told whose document has no operation of the name that it gives."""
    if name is None:
        return "Without operationName the document must have exactly one operation."
    return "The document has no operation of the name given as operationName."


def document_error(error: GraphQLError) -> dict[str, Any]:
    """Return the error of a document that is not valid GraphQL, not valid against the schema, or not for its viewer."""
    cause = error.original_error
    if error.extensions and "code" in error.extensions:
        return dict(error.formatted)
    if cause is None or isinstance(cause, GraphQLError):
        return _formatted(error, PARSE_FAILED if isinstance(error, GraphQLSyntaxError) else VALIDATION_FAILED)
    if error.locations:  # Python's own words, for example on a literal of more digits than `int` takes
        return _masked(error, "A value here is nothing that its type can hold.", code=VALIDATION_FAILED)
    return _bug(error)


def execution_error(error: GraphQLError) -> dict[str, Any]:
    """Return the error of a field or a variable. Whatever was not raised for the client is masked and logged."""
    cause = error.original_error
    if isinstance(cause, BadArgument):
        return _formatted(error, cause.code)
    if cause is None or isinstance(cause, GraphQLError):
        return _formatted(error, BAD_USER_INPUT)
    if is_unavailable(cause):
        name = type(getattr(cause, "driver_exception", None) or cause).__name__
        logger.warning("The database does not answer: %s", name)
        return _masked(error, "The shop cannot answer at the moment; try again.", code=UNAVAILABLE)
    return _bug(error)


def is_unavailable(error: Exception | None) -> bool:
    """Tell whether the database was away, full or too slow, which may be over soon."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    driver_error = error.driver_exception if isinstance(error, DBAPIError) else error
    state = getattr(driver_error, "sqlstate", None) or ""
    return isinstance(error, _UNREACHABLE) or state.startswith(_PASSING)


def _bug(error: GraphQLError) -> dict[str, Any]:
    reference = uuid4().hex[:12]
    logger.error("Bug %s at %s", reference, error.path, exc_info=error.original_error)
    return _masked(error, "Something went wrong on our side.", code=INTERNAL, reference=reference)


def _formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    return {**formatted, "extensions": {"code": code}}


def _masked(error: GraphQLError, message: str, **extensions: str) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    return {**formatted, "message": message, "extensions": extensions}
