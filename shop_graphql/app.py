"""The ASGI application: what is served where, and what lives as long as the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shop_graphql import housekeeping
from shop_graphql.accounts import Accounts
from shop_graphql.api.events import EventEndpoint, wants_events
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.api.listeners import Listeners
from shop_graphql.api.subscribing import Subscriptions
from shop_graphql.api.websocket import WebSocketEndpoint
from shop_graphql.database import Database
from shop_graphql.errors import StartupError
from shop_graphql.migration import check
from shop_graphql.settings import NO_SECRETS, Settings, read_settings
from shop_graphql.sockets import STOP
from shop_graphql.watches import Watches

PATH = "/graphql"


class Shop(Starlette):
    """The server. Requests for the endpoint take no part in routing, which takes as long as some answers do."""

    def __init__(self, endpoint: ASGIApp, events: ASGIApp, websocket: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint
        self._events = events
        self._websocket = websocket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await (self._events if wants_events(scope) else self._endpoint)(scope, receive, send)
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

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:  # noqa: ARG001
        try:
            await check(database.engine)
            async with housekeeping.running(database):
                yield {STOP: listeners.stopping.set}
        finally:
            await accounts.close()
            await database.close()

    async def ready(request: Request) -> Response:  # noqa: ARG001
        return await _readiness(database)

    endpoint = GraphQLEndpoint(database, accounts, settings)
    watches, listeners = Watches(database.direct_writes), Listeners(settings)
    compiler = endpoint.short_way.compiler if endpoint.short_way else None
    subscriptions = Subscriptions(database, accounts, watches, compiler, settings.response_limit)
    events = EventEndpoint(subscriptions, endpoint, listeners, settings.keep_alive)
    websocket = WebSocketEndpoint(subscriptions, accounts, listeners, settings)
    routes = [
        Route("/", RedirectResponse(PATH)),
        Route(PATH, endpoint),
        Route("/health", _health),
        Route("/ready", ready),
    ]
    app = Shop(endpoint, events, websocket, routes=routes, lifespan=lifespan)
    app.state.database = database
    app.state.endpoint = endpoint
    app.state.accounts = accounts
    app.state.subscriptions = subscriptions
    app.state.watches = watches
    app.state.listeners = listeners
    return app


async def _health(request: Request) -> Response:  # noqa: ARG001
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


async def _readiness(database: Database) -> Response:
    """Tell whether the database answers."""
    try:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ok"})
