"""Connections that stay open: who is at the other end, for how long, and how many may be from where."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Scope

from shop_graphql.access import Viewer
from shop_graphql.api.bad_request import TOO_MANY_CONNECTIONS, BadRequest
from shop_graphql.api.encoding import encode
from shop_graphql.api.failures import UNAVAILABLE
from shop_graphql.api.media_types import JSON
from shop_graphql.auth import LEEWAY, address_key, peek_expiry
from shop_graphql.settings import Settings

RETRY_AFTER = "10"
"""Seconds after which whoever was refused may try again."""


class Crowded(BadRequest):
    """As many connections are open as there may be."""

    def __init__(self) -> None:
        text = "Too many connections are open."
        super().__init__(text, 429, TOO_MANY_CONNECTIONS, **{"retry-after": RETRY_AFTER})


class Ending(BadRequest):
    """What is begun now would soon have to be begun again: another worker may be found at once."""

    def __init__(self) -> None:
        super().__init__("This server is about to end; ask again.", 503, UNAVAILABLE, **{"retry-after": "1"})


class Listeners:
    """Counts the connections that stay open, and tells all of them when the server stops."""

    def __init__(self, settings: Settings, is_ending: Callable[[], bool] = lambda: False) -> None:
        self._is_ending = is_ending
        self._per_address = settings.connections_per_address
        self._per_user = settings.connections_per_user
        self._open: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    def __len__(self) -> int:
        return self._open.total()

    def admit(self) -> None:
        """Raise Ending when no more connections are taken that stay open; those that are go on to the end."""
        if self._is_ending() or self.stopping.is_set():
            raise Ending

    @contextmanager
    def from_address(self, scope: Scope) -> Iterator[str]:
        """Count a connection while the block lasts, and give its address. Raises Crowded."""
        address: str = scope["client"][0] if scope.get("client") else ""
        with self._counted(address_key(address), self._per_address):
            yield address

    @contextmanager
    def of_viewer(self, viewer: Viewer) -> Iterator[None]:
        """Count a connection of somebody who has signed in. Raises Crowded."""
        if viewer.user_id is None:
            yield
            return
        with self._counted(f"user:{viewer.user_id}", self._per_user):
            yield

    @contextmanager
    def _counted(self, key: str, most: int) -> Iterator[None]:
        if self._open[key] >= most:
            raise Crowded
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def refused(refusal: BadRequest) -> Response:
    """Return the response, to a request or to a handshake, that says why no connection stays open."""
    body = encode({"errors": [refusal.error()]})
    return Response(body, refusal.status, refusal.headers, media_type=JSON)


def authorization_of(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the Authorization header; of several, a value that no token is."""
    value = headers.get(b"authorization")
    return None if value is None else value.decode("latin-1")


def seconds_left(authorization: str | None) -> float | None:
    """Return how long the token of an Authorization header, which was verified, is valid; None without one."""
    if authorization is None:
        return None
    return max(0.0, peek_expiry(authorization.partition(" ")[2]) + LEEWAY - time.time())
