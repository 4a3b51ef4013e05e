"""The ASGI application: what is served where, and what lives as long as the process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from multiprocessing import parent_process
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shop_graphql import housekeeping, storefront
from shop_graphql.accounts import Accounts
from shop_graphql.api import graphiql
from shop_graphql.api.admission import Admission
from shop_graphql.api.arriving import Arriving
from shop_graphql.api.cross_origin import readable
from shop_graphql.api.events import EventEndpoint, with_events
from shop_graphql.api.exposure import exposure
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.api.listeners import Listeners
from shop_graphql.api.subscribing import Subscriptions
from shop_graphql.api.websocket import WebSocketEndpoint
from shop_graphql.database import Database
from shop_graphql.draining import DRAINING
from shop_graphql.errors import StartupError
from shop_graphql.migration import check
from shop_graphql.pulse import MIB, Pulse
from shop_graphql.session_settings import check_role
from shop_graphql.settings import NO_SECRETS, Settings, read_settings
from shop_graphql.sockets import STOP
from shop_graphql.watches import Watches

PATH = "/graphql"

READY_TIMEOUT = 2.5
"""Seconds after which a database that has not answered counts as away."""


class Shop(Starlette):
    """The server. Requests for the endpoint take no part in routing, which takes as long as some answers do."""

    def __init__(self, endpoint: ASGIApp, websocket: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint
        self._websocket = websocket
        # It would lead to whatever host the request names.
        self.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._endpoint(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == PATH:
            await self._websocket(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the server. Raises StartupError when the environment names no database or no secret."""
    settings = settings or read_settings()
    if settings.database_url is None:
        raise StartupError("DATABASE_URL is not set; `shop-graphql serve` brings a database of its own.")
    if settings.secrets is None:
        raise StartupError(NO_SECRETS)
    database = Database(settings, settings.database_url.get_secret_value())
    accounts = Accounts(database, settings)
    page = graphiql.page(settings.graphiql_headers, cdn=settings.graphiql_cdn) if exposure(settings).graphiql else None
    endpoint = GraphQLEndpoint(database, accounts, settings, graphiql=page)
    pulse = Pulse(settings.memory_limit)

    def is_ending() -> bool:
        return DRAINING.has_begun or pulse.is_bloated

    watches, listeners = Watches(database.direct_writes), Listeners(settings, is_ending)
    subscriptions = Subscriptions(database, accounts, watches, endpoint, settings)
    events = EventEndpoint(subscriptions, endpoint, listeners, settings.heartbeat)
    guarded = Admission(with_events(endpoint, events), settings.max_requests, settings.request_timeout)
    websocket = WebSocketEndpoint(subscriptions, endpoint, accounts, listeners, settings)
    DRAINING.delay = settings.drain_delay

    def figures() -> Mapping[str, float]:
        load = guarded.load
        return {
            "requests": load.requests,
            "refused": load.refused,
            "late": load.late,
            "streams": len(watches),
            "sockets": len(websocket),
            "connections": database.connections,
            "loopLagSeconds": round(pulse.lag, 4),
            "memoryBytes": pulse.memory,
        }

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG001
        try:
            if pulse.is_bloated:
                raise StartupError(f"SHOP_MEMORY_LIMIT: a worker takes {pulse.memory // MIB} MiB from its start.")
            await check(database.engine)
            if settings.pgbouncer:
                await check_role(settings, database.engine)
            async with housekeeping.running(database, settings.events_kept), pulse.beating(_be_replaced):
                yield {STOP: listeners.stopping.set}
        finally:
            await endpoint.gate.close()
            await accounts.close()
            await database.close()

    routes = [
        *(Route(path, RedirectResponse(PATH)) for path in ("/", f"{PATH}/")),
        Route(PATH, endpoint),
        *_watched(figures, database, is_ending),
        *(graphiql.files() if page else []),
        *(storefront.routes(settings.storefront_dir) if settings.storefront_dir else []),
    ]
    arriving = Arriving(guarded, endpoint.body_limits)
    app = Shop(readable(arriving, settings.origins), websocket, routes=routes, lifespan=lifespan)
    app.state.database = database
    app.state.endpoint = endpoint
    app.state.accounts = accounts
    app.state.subscriptions = subscriptions
    app.state.watches = watches
    app.state.listeners = listeners
    return app


def _watched(
    figures: Callable[[], Mapping[str, float]], database: Database, is_ending: Callable[[], bool]
) -> list[Route]:
    """Return what others watch a worker by."""

    async def health(request: Request) -> Response:  # noqa: ARG001
        return JSONResponse({"status": "ok", **figures()})

    async def ready(request: Request) -> Response:  # noqa: ARG001
        return JSONResponse({"status": "ending"}, 503) if is_ending() else await _readiness(database)

    return [Route("/health", health), Route("/ready", ready)]


def _be_replaced() -> None:
    """Ask to be ended in order, if there is somebody who starts another worker then."""
    if parent_process() is not None:
        os.kill(os.getpid(), signal.SIGTERM)


async def _readiness(database: Database) -> Response:
    """Tell whether the database answers."""
    try:
        async with asyncio.timeout(READY_TIMEOUT), database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ok"})
