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
from starlette.types import Receive, Scope, Send

from shop_graphql import housekeeping, storefront
from shop_graphql.accounts import Accounts
from shop_graphql.api import graphiql
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.database import Database
from shop_graphql.errors import StartupError
from shop_graphql.migration import check
from shop_graphql.settings import NO_SECRETS, Settings, read_settings

PATH = "/graphql"


class Shop(Starlette):
    """The server. Requests for the endpoint take no part in routing, which takes as long as some answers do."""

    def __init__(self, endpoint: GraphQLEndpoint, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._endpoint(scope, receive, send)
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
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001
        try:
            await check(database.engine)
            async with housekeeping.running(database):
                yield
        finally:
            await accounts.close()
            await database.close()

    async def ready(request: Request) -> Response:  # noqa: ARG001
        return await _readiness(database)

    page = graphiql.page(settings.graphiql_headers, cdn=settings.graphiql_cdn) if settings.graphiql else None
    endpoint = GraphQLEndpoint(database, accounts, settings, graphiql=page)
    routes = [
        Route("/", RedirectResponse(PATH)),
        Route(PATH, endpoint),
        Route("/health", _health),
        Route("/ready", ready),
        *(graphiql.files() if page else []),
        *(storefront.routes(settings.storefront_dir) if settings.storefront_dir else []),
    ]
    app = Shop(endpoint, routes=routes, lifespan=lifespan)
    app.state.database = database
    app.state.endpoint = endpoint
    app.state.accounts = accounts
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
