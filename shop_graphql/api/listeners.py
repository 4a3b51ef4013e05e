"""Connections that stay open: who is at the other end, for how long, and how many may be from where."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from shop_graphql.access import Viewer
from shop_graphql.auth import LEEWAY, address_key, peek_expiry
from shop_graphql.settings import Settings


class Crowded(Exception):
    """As many connections are open as there may be."""


class Listeners:
    """Counts the connections that stay open, and tells all of them when the server stops."""

    def __init__(self, settings: Settings) -> None:
        self._per_address = settings.connections_per_address
        self._per_user = settings.connections_per_user
        self._origins = frozenset(settings.origins)
        self._open: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    def __len__(self) -> int:
        return self._open.total()

    def may_connect(self, headers: Headers) -> bool:
        """Tell whether the page that connects, if it is a page, is the shop's own or allowed to.

        Browsers let any page open a WebSocket, and say in `Origin` which one it is.
        """
        origin = headers.get("origin")
        return origin is None or origin in self._origins or _host(origin) == headers.get("host")

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


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # a bracket that is not closed, for example
        return ""


def seconds_left(authorization: str | None) -> float | None:
    """Return how long the token of an Authorization header, which was verified, is valid; None without one."""
    if authorization is None:
        return None
    return max(0.0, peek_expiry(authorization.partition(" ")[2]) + LEEWAY - time.time())


def only_one(values: Collection[str]) -> str | None:
    """Return the one value of a header, or None; with several, a value that no token is."""
    return ",".join(values) if values else None
