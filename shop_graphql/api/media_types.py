"""Media types: which one a client prefers to be answered in."""

import re
from functools import lru_cache

from shop_graphql.api.bad_request import NOT_ACCEPTABLE, BadRequest

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"

_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


@lru_cache
def prefers_html(accept: str) -> bool:
    """Tell whether somebody with a browser asks."""
    known = [name for name in _ranges(accept) if name in (HTML, JSON, GRAPHQL_JSON)]
    return known[:1] == [HTML]


@lru_cache
def answered_in(accept: str) -> str | None:
    """Return the media type to answer in, or None when the client takes none of ours."""
    accepted = _ranges(accept)
    for media_type in accepted:
        if media_type in (GRAPHQL_JSON, JSON):
            return media_type
    return JSON if {"*/*", "application/*"} & set(accepted) else None


def accepted(accept: str) -> str:
    """Return the media type to answer in. Raises BadRequest when the client takes none of ours."""
    media_type = answered_in(accept)
    if media_type is None:
        raise BadRequest(f"This server answers in {GRAPHQL_JSON} or {JSON}.", 406, NOT_ACCEPTABLE)
    return media_type


def _ranges(accept: str) -> list[str]:
    """Return the media ranges that the client takes, the preferred ones first."""
    qualities: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (text.strip() for text in part.split(";"))
        weight = next((match[1] for text in parameters if (match := _WEIGHT.fullmatch(text))), "1")
        qualities[media_range] = float(weight)
    return sorted(filter(qualities.__getitem__, qualities), key=qualities.__getitem__, reverse=True)
