"""Requests of GraphQL over HTTP: what is asked for, out of a body or a URL."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from shop_graphql.api.bad_request import (
    BATCHING_UNSUPPORTED,
    DUPLICATE_KEY,
    ENCODING_UNSUPPORTED,
    INVALID_UTF8,
    MEDIA_TYPE_UNSUPPORTED,
    METHOD_NOT_ALLOWED,
    BadRequest,
)
from shop_graphql.api.body import BodyLimits, parse, receive_body
from shop_graphql.api.cross_origin import check_get
from shop_graphql.api.media_types import JSON
from shop_graphql.api.trusted import NamedDocuments

_MAX_PARAMETERS = 50
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)


class Operation(NamedTuple):
    """What a request asks for."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Return the headers by their names; those that came several times are one list, as HTTP says."""
    pairs = scope["headers"]
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) < len(pairs):
        values: dict[bytes, list[bytes]] = {name: [] for name in headers}
        for name, value in pairs:
            values[name].append(value)
        headers = {name: b", ".join(several) for name, several in values.items()}
    return headers


def check_head(scope: Scope, headers: Mapping[bytes, bytes], origins: Collection[str]) -> None:
    """Raise BadRequest for what can be told from the head of a request."""
    if scope["method"] == "GET":
        return check_get(headers, origins)
    if scope["method"] != "POST":
        raise BadRequest("GraphQL is asked by GET or POST.", 405, METHOD_NOT_ALLOWED, allow="GET, POST")
    if not _is_json(headers.get(b"content-type", b"")):
        raise BadRequest(f"The body must be {JSON}, in UTF-8.", 415, MEDIA_TYPE_UNSUPPORTED)
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise BadRequest("The body must not be compressed.", 415, ENCODING_UNSUPPORTED)
    return None


async def read(
    scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, limits: BodyLimits, documents: NamedDocuments
) -> Operation:
    """Return what a request asks for whose head was checked. Raises BadRequest."""
    if scope["method"] == "GET":
        return read_operation(_parameters(scope["query_string"], limits), documents)
    content = parse(await receive_body(headers, receive, limits), "The body", limits.depth)
    if type(content) is dict:
        return read_operation(content, documents)
    if type(content) is list:
        raise BadRequest("The body must be one JSON object: one operation a request.", code=BATCHING_UNSUPPORTED)
    raise BadRequest("The body must be one JSON object.")


@lru_cache
def _is_json(content_type: bytes) -> bool:
    media_type, _, parameters = content_type.decode("latin-1").partition(";")
    charset = _CHARSET.search(parameters)
    return media_type.strip(" \t").lower() == JSON and (charset is None or charset[1].lower() in ("utf-8", "utf8"))


def _parameters(query_string: bytes, limits: BodyLimits) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except UnicodeDecodeError:
        raise BadRequest("The URL must be UTF-8.", code=INVALID_UTF8) from None
    except ValueError:
        raise BadRequest("The URL has too many parameters.") from None
    parameters: dict[str, Any] = dict(pairs)
    if len(parameters) < len(pairs):
        raise BadRequest("The URL has a parameter twice.", code=DUPLICATE_KEY)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = parse(parameters[name].encode(), name, limits.depth)
    return parameters


def read_operation(parameters: dict[str, Any], documents: NamedDocuments) -> Operation:
    """Return what the parameters of a request ask for. Raises BadRequest."""
    get = parameters.get
    name, variables, extensions = get("operationName"), get("variables"), get("extensions")
    query = documents.find(parameters)
    if type(query) is not str or not query or query.isspace():
        raise BadRequest("query must be a GraphQL document.")
    if name is not None and type(name) is not str:
        raise BadRequest("operationName must be a string.")
    if variables is not None and type(variables) is not dict:
        raise BadRequest("variables must be an object.")
    if extensions is not None and type(extensions) is not dict:
        raise BadRequest("extensions must be an object.")
    return Operation(query, variables, name or None)
