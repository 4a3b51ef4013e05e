"""Requests from pages of other origins: which are carried out, who may read the answers, and who may open WebSockets.

A page can let a browser send what a form, an image or a link could send, without asking the server first. No such
request is carried out: a POST is JSON, which a browser asks about, and a GET must show that no other page sends it.
"""

from collections.abc import Collection, Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from shop_graphql.api.bad_request import PREFLIGHT_REQUIRED, BadRequest

ASKED_ABOUT = ("graphql-require-preflight", "x-requested-with", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that no browser sends to another origin without asking first. Any value will do."""

_HEADERS = ("authorization", "content-type", *ASKED_ABOUT)
_READABLE = ("retry-after", "www-authenticate")
_PROOFS = frozenset(name.encode() for name in ASKED_ABOUT)
_KNOWN_FOR = 600
"""Seconds for which a browser need not ask again."""


def check_get(headers: Mapping[bytes, bytes], origins: Collection[str]) -> None:
    """Raise BadRequest for a GET that a browser may have sent on behalf of a page of another origin.

    All browsers call themselves Mozilla, and no page can keep one from it; other programs send what they are told to.
    """
    is_browser = headers.get(b"user-agent", b"").startswith(b"Mozilla/")
    origin = headers.get(b"origin")
    if not _PROOFS.isdisjoint(headers) or not (is_browser or origin):
        return
    if origin is None and headers.get(b"sec-fetch-site") in (b"none", b"same-origin"):
        return
    if origin is None or origin.decode("latin-1") not in origins:
        message = "A GET that a browser sends must have the header GraphQL-Require-Preflight, with any value."
        raise BadRequest(message, 403, PREFLIGHT_REQUIRED)


def may_connect(headers: Mapping[bytes, bytes], origins: Collection[str]) -> bool:
    """Tell whether the page that opens a WebSocket, if it is a page, is the server's own or of one of these origins.

    Browsers let any page do so without asking, and say in `Origin` which one it is.
    """
    origin, host = headers.get(b"origin"), headers.get(b"host", b"")
    own = (b"http://" + host, b"https://" + host)
    return origin is None or origin in own or origin.decode("latin-1") in origins


def readable(endpoint: ASGIApp, origins: Collection[str]) -> ASGIApp:
    """Return the endpoint, with its answers readable for pages of these origins."""
    if not origins:
        return endpoint
    return CORSMiddleware(
        endpoint,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=_HEADERS,
        expose_headers=_READABLE,
        max_age=_KNOWN_FOR,
    )
