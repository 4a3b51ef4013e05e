"""Runs subscriptions, whatever they are sent over: the events of one operation as JSON, one after the other."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from shop_graphql.accounts import Accounts
from shop_graphql.api.bad_request import BAD_REQUEST
from shop_graphql.api.carrying import CallInfo, Carrier, Fetch, Request, body_of, member_of
from shop_graphql.api.compiled import DECLARED
from shop_graphql.api.context import Who
from shop_graphql.api.encoding import encode
from shop_graphql.api.exposure import exposure, without_suggestions
from shop_graphql.api.failures import (
    OPERATION_UNKNOWN,
    TOO_LARGE,
    document_error,
    execution_error,
    is_unavailable,
    request_error,
    unknown_operation,
)
from shop_graphql.api.gate import Admitted, RefusedDocument
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.api.requests import Operation
from shop_graphql.api.schema import schema
from shop_graphql.api.subscriptions import Subscriber
from shop_graphql.compiler.selection import Field, NotCompiledError
from shop_graphql.compiler.texts import Text
from shop_graphql.database import Database
from shop_graphql.errors import BadArgument
from shop_graphql.settings import Settings
from shop_graphql.watches import PAUSE, Watches

MAX_REMEMBERED = 100
"""Objects whose last event is remembered, so that the same is not sent again."""

Errors = Sequence[Mapping[str, Any]]


class Refused(Exception):
    """A subscription that cannot begin, or go on: `errors` are for the client."""

    def __init__(self, errors: Errors) -> None:
        super().__init__()
        self.errors = errors


class Subscriptions:
    """Answers subscriptions: each event by a compiled statement, or else by the resolvers."""

    def __init__(
        self, database: Database, accounts: Accounts, watches: Watches, endpoint: GraphQLEndpoint, settings: Settings
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._watches = watches
        self._gate = endpoint.gate
        self._suggests = exposure(settings).suggestions
        self._limit = settings.response_limit
        self._compiler = endpoint.short_way.compiler if endpoint.short_way else None
        shared = Shared(database.direct_writes.fetch, watches)
        self._carrier = Carrier(self._compiler, shared.fetch) if self._compiler else None

    async def begin(self, operation: Operation, who: Who) -> AsyncGenerator[bytes, None]:
        """Return the bodies of responses, one for each event; they raise Refused.

        Raises Refused for a document that is not carried out, and BadRequest for who has asked for too much.
        """
        try:
            admitted = await self._gate.admit(operation, who)
        except RefusedDocument as refusal:
            raise self._refused([document_error(error) for error in refusal.errors]) from None
        return self._events(operation, who, admitted)

    async def _events(self, operation: Operation, who: Who, admitted: Admitted) -> AsyncGenerator[bytes, None]:
        context = Subscriber(self._database, self._accounts, who, self._watches, admitted.text)
        source = await self._shortly(operation, context) or self._resolved(operation, context, admitted.text)
        has_begun = False
        try:
            async with aclosing(source):
                async for body in source:
                    has_begun = True
                    self._check(body)
                    yield body
        except Exception as error:
            if not has_begun:
                await self._gate.give_back(admitted)
            raise self._refused(_errors(error, operation)) from error
        finally:
            await context.end()

    def _check(self, body: bytes) -> None:
        if len(body) > self._limit:
            message = f"The event has more than {self._limit:,} bytes; ask for less at once."
            raise Refused([request_error(message, TOO_LARGE)])

    def _refused(self, errors: Errors) -> Refused:
        return Refused(errors if self._suggests else [without_suggestions(error) for error in errors])

    async def _shortly(self, operation: Operation, context: Subscriber) -> AsyncGenerator[bytes, None] | None:
        """Return the events of what can be compiled, or None."""
        if self._compiler is None or context.bad_token is not None:
            return None
        values = operation.variables or {}
        try:
            found, given = await self._compiler.mutation(
                operation.query, operation.name, values, context.viewer.role, OperationType.SUBSCRIPTION
            )
            root = found.roots[0]
            arguments = found.arguments(root, given)
        except (NotCompiledError, BadArgument, GraphQLError, IndexError):  # without roots all was skipped
            return None
        return self._shown(Request(found.document, values, given, context), root, arguments)

    async def _shown(self, request: Request, root: Field, arguments: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        info: Any = CallInfo(request.context, [details.node for details in root.nodes], request.given)
        changes = await DECLARED.resolver(root)(None, info=info, **arguments)
        last: dict[int, int] = {}
        async with aclosing(changes):
            async for change in changes:
                body = await self._body(request, root, change)
                if last.get(change.row_id) != (digest := hash(body)):
                    yield body
                if len(last) >= MAX_REMEMBERED:
                    last.clear()
                last[change.row_id] = digest

    async def _body(self, request: Request, root: Field, change: Any) -> bytes:
        """Return the body that shows a change, once the database answers."""
        assert self._carrier is not None  # noqa: S101
        while True:
            member, errors = await self._carrier.show(request, root, lambda: change)
            if not any(is_unavailable(error.original_error) for error in errors):
                return body_of([] if member is None else [member_of(root, member)], errors)
            await asyncio.sleep(PAUSE)
            assert isinstance(request.context, Subscriber)  # noqa: S101
            await request.context.renew()

    async def _resolved(self, operation: Operation, context: Subscriber, text: Text) -> AsyncGenerator[bytes, None]:
        results: Any = await schema.subscribe(
            operation.query,
            variable_values=operation.variables,
            operation_name=operation.name,
            context_value=context,
        )
        async with aclosing(results):
            async for result in results:
                yield _written(result, operation, text)


class Shared:
    """Lets statements that are the same, and are asked for at the same moment, be sent once."""

    def __init__(self, fetch: Fetch, watches: Watches) -> None:
        self._fetch = fetch
        self._watches = watches
        self._running: dict[Any, asyncio.Task[str]] = {}

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> str:
        """Return what a statement selects that began after the last change was told, and raise what it raises."""
        # What began before the last look at the outbox may not have seen what that look has told of.
        key = self._watches.looks, sql, repr(parameters)
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._fetch(sql, parameters))
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def _finished(self, key: Any, task: "asyncio.Task[str]") -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # all who asked may be gone, and asyncio would log it as never retrieved


def _written(result: ExecutionResult, operation: Operation, text: Text) -> bytes:
    """Return what is sent of a result. Raises Refused for what is no event."""
    errors = result.errors or []
    # Strawberry says so of wrong variables as well, which are no fault of the document.
    if isinstance(result, PreExecutionError) and (any(map(_is_of_document, errors)) or text.invalid):
        raise Refused([_document_error(error, operation) for error in errors])
    shown = [execution_error(error) for error in errors]
    if result.data is None and all(error.path is None for error in errors):
        raise Refused(shown)
    return encode({"data": result.data, **({"errors": shown} if shown else {})})


def _errors(error: Exception, operation: Operation) -> Errors:
    """Return what a client is told of a subscription that ends by this."""
    if isinstance(error, Refused):
        return error.errors
    if isinstance(error, GraphQLError):
        return [_document_error(error, operation)]
    return [execution_error(GraphQLError(str(error), original_error=error))]


def _is_of_document(error: GraphQLError) -> bool:
    return bool(error.extensions) or isinstance(
        error.original_error, InvalidOperationTypeError | CannotGetOperationTypeError
    )


def _document_error(error: GraphQLError, operation: Operation) -> Mapping[str, Any]:
    if isinstance(error.original_error, InvalidOperationTypeError):
        message = "Only subscriptions are answered here; queries and mutations are sent by POST."
        return request_error(message, BAD_REQUEST)
    if isinstance(error.original_error, CannotGetOperationTypeError):
        return request_error(unknown_operation(operation.name), OPERATION_UNKNOWN)
    return document_error(error)
