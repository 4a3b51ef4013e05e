"""GraphQL over HTTP: reads requests, runs them, writes responses."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from shop_graphql.access import ANONYMOUS
from shop_graphql.accounts import Accounts
from shop_graphql.api.carrying import Carrier
from shop_graphql.api.context import Context, Who
from shop_graphql.api.encoding import encode
from shop_graphql.api.failures import (
    BAD_REQUEST,
    FORBIDDEN,
    OPERATION_UNKNOWN,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    document_error,
    execution_error,
    is_unavailable,
    request_error,
)
from shop_graphql.api.graphiql import page
from shop_graphql.api.schema import schema
from shop_graphql.api.short import ShortWay
from shop_graphql.auth import ProviderUnavailable
from shop_graphql.database import Database, FailedReads
from shop_graphql.errors import InvalidToken
from shop_graphql.settings import Settings
from shop_graphql.tracing import Trace, current

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
_ALLOWED = {
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_STATUSES = {UNAUTHENTICATED: 401, FORBIDDEN: 403}
"""The status of a request error under GraphQL's own media type, where it is not 400."""


class BadRequest(Exception):
    """A request that is not GraphQL over HTTP."""

    def __init__(self, message: str, status: int = 400, code: str = BAD_REQUEST, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


@dataclass(frozen=True)
class Operation:
    """What a request asks for."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


class GraphQLEndpoint:
    """The ASGI application at /graphql: POST for operations, GET for queries, GraphiQL for browsers."""

    def __init__(self, database: Database, accounts: Accounts, settings: Settings) -> None:
        self._database = database
        self._accounts = accounts
        self._graphiql = page(settings.graphiql_headers) if settings.graphiql else None
        self._limit = settings.response_limit
        self._debug = settings.debug
        self.short_way = ShortWay(database.direct, batching=settings.batching) if settings.compiler else None
        self.carrier = Carrier(self.short_way.compiler, database.direct_writes.fetch) if self.short_way else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        is_browser = self._graphiql is not None and request.method == "GET" and _is_browser(request.headers)
        response = HTMLResponse(self._graphiql) if is_browser else await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        media_type = JSON
        try:
            media_type = _accepted(request.headers)
            operation = await read(request)
            if self._debug:
                current.set(Trace())
            return await self._run(request, operation, media_type)
        except BadRequest as refusal:
            content = {"errors": [request_error(str(refusal), refusal.code)]}
            status = 200 if refusal.code == OPERATION_UNKNOWN and media_type == JSON else refusal.status
            return _json(content, media_type, status, refusal.headers)

    async def _run(self, request: Request, operation: Operation, media_type: str) -> Response:
        """Answer by one statement, or else through the resolvers, who also say what a failure of that one means."""
        who, reads = await self.who(request), None
        if self.short_way is not None and who.bad_token is None:
            try:
                text = await self.short_way.answer(operation.query, operation.name, operation.variables, who.viewer)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                text, reads = None, FailedReads(error)
            if text is not None:
                return self._send(text.encode(), media_type)
        context = Context(self._database, self._accounts, who, reads)
        if request.method == "POST" and self.carrier is not None and who.bad_token is None and reads is None:
            body = await self.carrier.answer(operation.query, operation.name, operation.variables, context)
            if body is not None:
                return self._send(body, media_type, is_final=context.has_written)
        content = _content(await self._resolve(request.method, operation, context))
        status = 200
        if "data" not in content and media_type == GRAPHQL_JSON:
            status = _STATUSES.get(content["errors"][0]["extensions"]["code"], 400)
        return self._send(encode(content), media_type, status, is_final=context.has_written)

    def _send(self, body: bytes, media_type: str, status: int = 200, *, is_final: bool = False) -> Response:
        """Return a response; too long a one is refused, unless it is `is_final`: it tells what was done."""
        if len(body) > self._limit and not is_final:
            message = f"The answer has more than {self._limit:,} bytes; ask for less at once."
            content = {"errors": [request_error(message, TOO_LARGE)]}
            return _json(content, media_type, 400 if media_type == GRAPHQL_JSON else 200)
        if self._debug and (trace := current.get()) is not None:
            body = b'%b,"extensions":%b}' % (body[:-1], encode(trace.extensions()))
        headers = {"www-authenticate": "Bearer"} if status == 401 else None
        return Response(body, status, headers, media_type=f"{media_type}; charset=utf-8")

    async def _resolve(self, method: str, operation: Operation, context: Context) -> ExecutionResult:
        try:
            return await schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.name,
                context_value=context,
                allowed_operation_types=_ALLOWED[method],
            )
        except CannotGetOperationTypeError as error:
            raise BadRequest(_unknown_operation(operation.name), code=OPERATION_UNKNOWN) from error
        except InvalidOperationTypeError as error:
            raise _other_way(method) from error
        finally:
            await context.end()

    async def who(self, request: Request) -> Who:
        """Return who asks. A token that proves nothing is told when the operation needs to know who asks."""
        address = request.client.host if request.client else ""
        authorizations = request.headers.getlist("authorization")
        try:
            if len(authorizations) > 1:
                raise InvalidToken("There must be one Authorization header.")
            viewer = await self._accounts.viewer(authorizations[0] if authorizations else None)
        except InvalidToken as error:
            return Who(ANONYMOUS, address, str(error))
        except Exception as error:
            if isinstance(error, ProviderUnavailable) or is_unavailable(error):
                raise BadRequest("Who you are cannot be told at the moment; try again.", 503, UNAVAILABLE) from error
            raise
        return Who(viewer, address)


def _is_browser(headers: Headers) -> bool:
    known = [name for name in _accepted_ranges(_accept(headers)) if name in (HTML, JSON, GRAPHQL_JSON)]
    return known[:1] == [HTML]


def _accept(headers: Headers) -> str:
    return headers.get("accept", GRAPHQL_JSON)


@lru_cache
def _accepted_ranges(accept: str) -> list[str]:
    """Return the media ranges that the client takes, the preferred ones first."""
    qualities: dict[str, float] = {}
    for accepted in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in accepted.split(";"))
        weight = next((match[1] for text in parameters if (match := _WEIGHT.fullmatch(text))), "1")
        qualities[media_range] = float(weight)
    return sorted(filter(qualities.__getitem__, qualities), key=qualities.__getitem__, reverse=True)


def _accepted(headers: Headers) -> str:
    """Return the media type to answer in. Raises BadRequest when the client takes none of ours."""
    accepted = _accepted_ranges(_accept(headers))
    for media_type in accepted:
        if media_type in (GRAPHQL_JSON, JSON):
            return media_type
    if not {"*/*", "application/*"} & set(accepted):
        raise BadRequest(f"This server answers in {GRAPHQL_JSON} or {JSON}.", 406)
    return JSON


async def read(request: Request) -> Operation:
    """Return what a request asks for. Raises BadRequest."""
    if request.method == "GET":
        return read_operation(dict(request.query_params), encoded=True)
    if request.method != "POST":
        raise BadRequest("GraphQL is asked by GET or POST.", 405, allow="GET, POST")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise BadRequest(f"The body must be {JSON}.", 415)
    parameters = _parse(await request.body(), "The body")
    if not isinstance(parameters, dict):
        raise BadRequest("The body must be one JSON object.")
    return read_operation(parameters)


def read_operation(parameters: dict[str, Any], *, encoded: bool = False) -> Operation:
    """Return what the parameters of a request ask for; of a URL those that are JSON are text. Raises BadRequest."""
    query, name, variables = (parameters.get(key) for key in ("query", "operationName", "variables"))
    if encoded and variables is not None:
        variables = _parse(variables, "variables")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("query must be a GraphQL document.")
    if not isinstance(name, str | None):
        raise BadRequest("operationName must be a string.")
    if not isinstance(variables, dict | None):
        raise BadRequest("variables must be an object.")
    if not isinstance(parameters.get("extensions"), dict | None) and not encoded:
        raise BadRequest("extensions must be an object.")
    return Operation(query, variables, name or None)


def _parse(text: str | bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise BadRequest(f"{what} must be JSON in UTF-8.") from None


def _other_way(method: str) -> BadRequest:
    if method == "POST":
        return BadRequest("Subscriptions are answered over a WebSocket, or as text/event-stream if that is accepted.")
    return BadRequest("By GET only queries are answered; use POST.", 405, allow="POST")


def _unknown_operation(name: str | None) -> str:
    if name is None:
        return "Without operationName the document must have exactly one operation."
    return "The document has no operation of the name given as operationName."


def _content(result: ExecutionResult) -> dict[str, Any]:
    """Return what is sent of a result. A request error has no `data`."""
    errors = result.errors or []
    if isinstance(result, PreExecutionError):
        return {"errors": [document_error(error) for error in errors]}
    if result.data is None and all(error.path is None for error in errors):
        return {"errors": [execution_error(error) for error in errors]}
    failed = {"errors": [execution_error(error) for error in errors]} if errors else {}
    return {"data": result.data, **failed}


def _json(content: Any, media_type: str, status: int, headers: dict[str, str] | None = None) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(encode(content), status, {**(headers or {}), "content-type": content_type})
