"""Carries mutations out without Strawberry's execution: the same resolvers, refusals and answers, a shorter way."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg
from graphql import FieldNode, GraphQLError

from shop_graphql.api.compiled import DECLARED
from shop_graphql.api.completing import Result, complete
from shop_graphql.api.context import Context
from shop_graphql.api.encoding import encode
from shop_graphql.api.errors import HANDLERS
from shop_graphql.api.failures import execution_error, is_unavailable
from shop_graphql.compiler.compiler import Compiler
from shop_graphql.compiler.documents import Document
from shop_graphql.compiler.gaps import ImpossibleError
from shop_graphql.compiler.json import IMPOSSIBLE
from shop_graphql.compiler.payloads import Place
from shop_graphql.compiler.selection import Field, NotCompiledError
from shop_graphql.deferred import Given
from shop_graphql.errors import BadArgument
from shop_graphql.statements.visibility import VIEWER
from shop_graphql.tracing import current

logger = logging.getLogger("shop_graphql")

Fetch = Callable[[str, Sequence[Any]], Coroutine[Any, Any, str]]


class CallInfo:
    """What resolvers of mutations and the refusals ask of Strawberry's info."""

    def __init__(self, context: Context, field_nodes: list[FieldNode], variables: Mapping[str, Any]) -> None:
        self.context = context
        self.field_nodes = field_nodes
        self.variable_values = variables
        self._raw_info = self


@dataclass(frozen=True)
class Request:
    """A mutation under way."""

    document: Document
    variables: Mapping[str, Any]
    given: Given
    context: Context


class Carrier:
    """Answers mutations, or leaves them to Strawberry before anything is carried out."""

    def __init__(self, compiler: Compiler, fetch: Fetch) -> None:
        self._compiler = compiler
        self._fetch = fetch

    async def answer(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None, context: Context
    ) -> bytes | None:
        """Return the body of a response and end the context, or return None when nothing was carried out."""
        values = variables or {}
        try:
            mutation, given = await self._compiler.mutation(query, operation_name, values, context.viewer.role)
            calls = [(root, mutation.arguments(root, given)) for root in mutation.roots]
        except (NotCompiledError, BadArgument, GraphQLError):
            return None
        if any(getattr(value, "dry_run", False) for _, arguments in calls for value in arguments.values()):
            return None  # what it shows is seen by its own transaction only
        try:
            return await self._carry_out(Request(mutation.document, values, given, context), calls)
        finally:
            await context.end()

    async def _carry_out(self, request: Request, calls: Sequence[tuple[Field, dict[str, Any]]]) -> bytes:
        """Carry out one field after the other, until one is null that must not be, as the specification says."""
        members: list[bytes] = []
        errors: list[GraphQLError] = []
        for root, arguments in calls:
            member, found = await self._member(request, root, arguments)
            errors += found
            if member is None:
                members = []
                break
            members.append(member_of(root, member))
        return body_of(members, errors)

    async def _member(
        self, request: Request, root: Field, arguments: dict[str, Any]
    ) -> tuple[bytes | None, Sequence[GraphQLError]]:
        return await self.show(request, root, await _called(root, request, arguments))

    async def show(self, request: Request, root: Field, result: Result) -> tuple[bytes | None, Sequence[GraphQLError]]:
        """Return the JSON of what a root field gave, None when it leaves no answer at all, and the errors in it."""
        json = await self._written(request, root, result)
        if json is not None:
            return json, []
        completed = await complete(request.document, root, result, request.variables, request.context)
        data = completed.data
        return None if data is None else encode(data[root.key]), completed.errors or []

    async def _written(self, request: Request, root: Field, result: Result) -> bytes | None:
        """Return the JSON of what was returned, or None for what graphql-core has to complete."""
        try:
            value = result()
        except Exception:
            return None
        try:
            return await self._payload(request, root, value)
        except (NotCompiledError, ImpossibleError):
            return None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if is_unavailable(error):
                request.context.give_up(error)
                return None
            logger.exception("Bug in a payload's statement, which the resolvers cover up")
        except Exception:
            logger.exception("Bug in a payload, which the resolvers cover up")
        return None

    async def _payload(self, request: Request, root: Field, value: Any) -> bytes:
        viewer = request.context.viewer
        given = Given({VIEWER: viewer.user_id})
        given.update(request.given)
        place = Place(root.key, DECLARED.type_name(value))
        payload = await self._compiler.payload(request.document, place, viewer.role, given)
        answer = payload.answer(value)
        if not answer.is_complete:
            answer.fill(await self._read(*answer.statement(given)))
        return answer.json()

    async def _read(self, sql: str, parameters: Sequence[Any]) -> str:
        started = perf_counter()
        text = await self._fetch(sql, parameters)
        if (trace := current.get()) is not None:
            trace.add(perf_counter() - started)
        if IMPOSSIBLE in text:
            raise ImpossibleError
        return text


def member_of(root: Field, json: bytes) -> bytes:
    """Return a member of `data`."""
    return b'"%b":%b' % (root.key.encode(), json)


def body_of(members: Sequence[bytes], errors: Sequence[GraphQLError]) -> bytes:
    """Return the body of a response; without members there is no data."""
    data = b"{%b}" % b",".join(members) if members else b"null"
    failed = b',"errors":%b' % encode([execution_error(error) for error in errors]) if errors else b""
    return b'{"data":%b%b}' % (data, failed)


async def _called(root: Field, request: Request, arguments: dict[str, Any]) -> Result:
    """Return what a root field's resolver returns, the refusal that it raises, or what else it raises."""
    info: Any = CallInfo(request.context, [details.node for details in root.nodes], request.given)
    try:
        value = await DECLARED.resolver(root)(None, info=info, **arguments)
    except Exception as error:
        return _refused(root, info, error)
    return lambda: value


def _refused(root: Field, info: Any, error: Exception) -> Result:
    def failed() -> Any:
        raise error

    possible = root.possible_types()
    for handler in HANDLERS:
        if isinstance(error, handler.exception_type) and DECLARED.name(handler.error_type) in possible:
            refusal = handler.handle(error, field=DECLARED.field(root), info=info)
            return lambda: refusal
    return failed
