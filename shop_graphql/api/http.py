"""GraphQL over HTTP: runs what requests ask for, and writes responses."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from shop_graphql.access import ANONYMOUS
from shop_graphql.accounts import Accounts
from shop_graphql.api.admission import RETRY_AFTER
from shop_graphql.api.bad_request import (
    DOCUMENT_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    PERSISTED_QUERY_NOT_FOUND,
    PERSISTED_QUERY_NOT_SUPPORTED,
    SUBSCRIPTION_TRANSPORT,
    BadRequest,
)
from shop_graphql.api.body import BodyLimits
from shop_graphql.api.carrying import Carrier
from shop_graphql.api.context import Context, Who
from shop_graphql.api.encoding import encode
from shop_graphql.api.exposure import exposure, without_suggestions
from shop_graphql.api.failures import (
    FORBIDDEN,
    OPERATION_UNKNOWN,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    document_error,
    execution_error,
    is_unavailable,
    request_error,
    unknown_operation,
)
from shop_graphql.api.gate import Admitted, Gate, RefusedDocument
from shop_graphql.api.media_types import GRAPHQL_JSON, JSON, accepted, prefers_html
from shop_graphql.api.requests import Operation, check_head, headers_of, read
from shop_graphql.api.schema import schema
from shop_graphql.api.short import ShortWay
from shop_graphql.api.trusted import NamedDocuments
from shop_graphql.auth import ProviderUnavailable
from shop_graphql.database import Database
from shop_graphql.errors import InvalidToken
from shop_graphql.reading import FailedReads
from shop_graphql.settings import Settings
from shop_graphql.tracing import Trace, current

logger = logging.getLogger("shop_graphql")

_ALLOWED = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}
_BY_DEFAULT = GRAPHQL_JSON.encode()
_CONTENT_TYPES = {name: (b"content-type", f"{name}; charset=utf-8".encode()) for name in (JSON, GRAPHQL_JSON)}
_WELL_FORMED = {OPERATION_UNKNOWN, DOCUMENT_NOT_FOUND, PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED}
"""Codes of requests that only ask for what is not there, which has the status 200 under application/json."""

_STATUSES = {UNAUTHENTICATED: 401, FORBIDDEN: 403}
"""The status of a request error under GraphQL's own media type, where it is not 400."""


_ASIDE = ThreadPoolExecutor(1, "introspection")
"""One thread, so that the event loop shares Python with one other at the most."""


class GraphQLEndpoint:
    """The ASGI application at /graphql: POST for operations, GET for queries, the page `graphiql` for browsers."""

    def __init__(
        self, database: Database, accounts: Accounts, settings: Settings, *, graphiql: Response | None
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._suggests = exposure(settings).suggestions
        self._graphiql = graphiql
        self._limit = settings.response_limit
        self._debug = settings.debug
        self.body_limits = BodyLimits(settings.body_limit, settings.body_timeout, settings.json_depth_limit)
        self.documents = NamedDocuments(settings)
        self.origins = settings.origins
        self._tells_cost = settings.cost_extension
        self.gate = Gate(settings)
        self.short_way = (
            ShortWay(database.direct, self.gate.texts, batching=settings.batching) if settings.compiler else None
        )
        self.carrier = Carrier(self.short_way.compiler, database.direct_writes.fetch) if self.short_way else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        accept = headers.get(b"accept", _BY_DEFAULT).decode("latin-1")
        page = self._graphiql if scope["method"] == "GET" and prefers_html(accept) else None
        response = page or await self._answer(scope, headers, receive, accept)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, accept: str) -> Response:
        media_type = JSON
        try:
            media_type = accepted(accept)
            operation = await self.operation(scope, headers, receive)
            if self._debug:
                current.set(Trace())
            return await self._run(scope, headers, operation, media_type)
        except BadRequest as refusal:
            content = {"errors": [refusal.error()]}
            _log(content["errors"])
            status = 200 if refusal.code in _WELL_FORMED and media_type == JSON else refusal.status
            return _json(content, media_type, status, refusal.headers)

    async def operation(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Operation:
        """Return what a request asks for. Raises BadRequest.

        Content that is refused costs the address a point. What the head gives away does not: a page can make a browser
        send such a request, and would spend what its visitors have.
        """
        check_head(scope, headers, self.origins)
        try:
            return await read(scope, headers, receive, self.body_limits, self.documents)
        except BadRequest:
            await self.gate.refuse(address_of(scope))
            raise

    async def _run(
        self, scope: Scope, headers: Mapping[bytes, bytes], operation: Operation, media_type: str
    ) -> Response:
        """Answer by one statement, or else through the resolvers, who also say what a failure of that one means."""
        who, reads, method = await self.who(scope, headers), None, scope["method"]
        try:
            admitted = await self.gate.admit(operation, who)
        except RefusedDocument as refusal:
            return self._respond({"errors": [document_error(error) for error in refusal.errors]}, media_type)
        if self.short_way is not None and who.bad_token is None:
            try:
                text = await self.short_way.answer(operation.query, operation.name, operation.variables, who.viewer)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                text, reads = None, FailedReads(error)
            if text is not None:
                return self._send(text.encode(), media_type, admitted)
        context = Context(self._database, self._accounts, who, reads, admitted.text)
        if method == "POST" and self.carrier is not None and who.bad_token is None and reads is None:
            body = await self.carrier.answer(operation.query, operation.name, operation.variables, context)
            if body is not None:
                if body.startswith(b'{"data":null') and _is_unavailable(content := orjson.loads(body)):
                    return _busy(content, media_type)
                return self._send(body, media_type, admitted, is_final=context.has_written)
        try:
            content = _content(await self._resolve(method, operation, context))
        except BadRequest:
            await self.gate.give_back(admitted)
            raise
        if content.get("data") is None and not context.has_written:
            admitted = await self.gate.give_back(admitted)
        return self._respond(content, media_type, admitted, is_final=context.has_written)

    def _respond(
        self, content: dict[str, Any], media_type: str, admitted: Admitted | None = None, *, is_final: bool = False
    ) -> Response:
        if _is_unavailable(content):
            return _busy(content, media_type)
        status, errors = 200, content.get("errors", [])
        if errors:
            _log(errors)
            if not self._suggests:
                content["errors"] = [without_suggestions(error) for error in errors]
        if "data" not in content and media_type == GRAPHQL_JSON:
            status = _STATUSES.get(errors[0]["extensions"]["code"], 400)
        return self._send(encode(content), media_type, admitted, status, is_final=is_final)

    def _send(
        self,
        body: bytes,
        media_type: str,
        admitted: Admitted | None = None,
        status: int = 200,
        *,
        is_final: bool = False,
    ) -> Response:
        """Return a response; too long a one is refused, unless it is `is_final`: it tells what was done."""
        if len(body) > self._limit and not is_final:
            message = f"The answer has more than {self._limit:,} bytes; ask for less at once."
            content = {"errors": [request_error(message, TOO_LARGE)]}
            return _json(content, media_type, 400 if media_type == GRAPHQL_JSON else 200)
        extensions = [admitted.extension()] if admitted is not None and self._tells_cost else []
        if self._debug and (trace := current.get()) is not None:
            extensions.append(encode(trace.extensions())[1:-1])
        if extensions:
            body = b'%b,"extensions":{%b}}' % (body[:-1], b",".join(extensions))
        return _Answer(body, media_type, status)

    async def _resolve(self, method: str, operation: Operation, context: Context) -> ExecutionResult:
        executing = schema.execute(
            operation.query,
            variable_values=operation.variables,
            operation_name=operation.name,
            context_value=context,
            allowed_operation_types=_ALLOWED[method],
        )
        try:
            if context.text is not None and context.text.is_introspection(operation.name):
                # It can take long, and awaits nothing.
                return await asyncio.get_running_loop().run_in_executor(_ASIDE, asyncio.run, executing)
            return await executing
        except CannotGetOperationTypeError as error:
            raise BadRequest(unknown_operation(operation.name), code=OPERATION_UNKNOWN) from error
        except InvalidOperationTypeError as error:
            raise _another_way(error.operation_type) from error
        finally:
            await context.end()

    async def who(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Who:
        """Return who asks. A token that proves nothing is told when the operation needs to know who asks."""
        address = address_of(scope)
        authorization, sent = headers.get(b"authorization"), scope["headers"]
        if authorization is None:
            return Who(ANONYMOUS, address)
        try:
            if len(headers) < len(sent) and sum(name == b"authorization" for name, _ in sent) > 1:
                raise InvalidToken("There must be one Authorization header.")
            viewer = await self._accounts.viewer(authorization.decode("latin-1"))
        except InvalidToken as error:
            return Who(ANONYMOUS, address, str(error))
        except Exception as error:
            if isinstance(error, ProviderUnavailable) or is_unavailable(error):
                raise BadRequest(
                    "Who you are cannot be told at the moment; try again.",
                    503,
                    UNAVAILABLE,
                    **{"retry-after": RETRY_AFTER},
                ) from error
            raise
        return Who(viewer, address)


class _Answer(Response):
    """A Response whose headers take no time to make."""

    def __init__(self, body: bytes, media_type: str, status: int) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _CONTENT_TYPES[media_type]]
        if status == 401:
            self.raw_headers.append((b"www-authenticate", b"Bearer"))


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    return scope["client"][0] if scope.get("client") else ""


def _log(errors: Sequence[Mapping[str, Any]]) -> None:
    """Say that a client met errors, by their codes alone: messages can have values in them, even passwords."""
    logger.info("Refused: %s", " ".join(sorted({error["extensions"]["code"] for error in errors})))


def _another_way(operation: OperationType) -> BadRequest:
    if operation is OperationType.SUBSCRIPTION:
        message = "Subscriptions are answered over graphql-transport-ws, or as text/event-stream to who accepts that."
        return BadRequest(message, 400, SUBSCRIPTION_TRANSPORT)
    message = "By GET only queries are answered; use POST."
    return BadRequest(message, 405, METHOD_NOT_ALLOWED, allow="POST")


def _content(result: ExecutionResult) -> dict[str, Any]:
    """Return what is sent of a result. A request error has no `data`."""
    errors = result.errors or []
    if isinstance(result, PreExecutionError):
        return {"errors": [document_error(error) for error in errors]}
    if result.data is None and all(error.path is None for error in errors):
        return {"errors": [execution_error(error) for error in errors]}
    failed = {"errors": [execution_error(error) for error in errors]} if errors else {}
    return {"data": result.data, **failed}


def _is_unavailable(content: dict[str, Any]) -> bool:
    """Tell whether nothing at all could be answered, and only because the database was away or busy."""
    codes = {error["extensions"]["code"] for error in content.get("errors", [])}
    return codes == {UNAVAILABLE} and not any((content.get("data") or {}).values())


def _busy(content: dict[str, Any], media_type: str) -> Response:
    return _json(content, media_type, 503, {"retry-after": RETRY_AFTER})


def _json(content: Any, media_type: str, status: int, headers: dict[str, str] | None = None) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(encode(content), status, {**(headers or {}), "content-type": content_type})
