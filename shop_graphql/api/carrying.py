"""Carries mutations out without Strawberry's execution: the same resolvers, refusals and answers, a shorter way."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any

import orjson
from graphql import FieldNode, GraphQLError, located_error

from shop_graphql.api.compiled import DECLARED
from shop_graphql.api.context import Context
from shop_graphql.api.errors import HANDLERS
from shop_graphql.api.failures import execution_error
from shop_graphql.compiler.compiler import Compiler
from shop_graphql.compiler.json import IMPOSSIBLE
from shop_graphql.compiler.mutations import Mutation
from shop_graphql.compiler.selection import Field, NotCompiledError
from shop_graphql.deferred import Given
from shop_graphql.statements.visibility import VIEWER
from shop_graphql.tracing import current

Fetch = Callable[[str, Sequence[Any]], Coroutine[Any, Any, str]]


class CallInfo:
    """What resolvers of mutations and the refusals ask of Strawberry's info."""

    def __init__(self, context: Context, field_nodes: list[FieldNode], variables: Mapping[str, Any]) -> None:
        self.context = context
        self.field_nodes = field_nodes
        self.variable_values = variables
        self._raw_info = self


class Carrier:
    """Answers mutations, or leaves them to Strawberry before anything is carried out."""

    def __init__(self, compiler: Compiler, fetch: Fetch) -> None:
        self._compiler = compiler
        self._fetch = fetch

    async def answer(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None, context: Context
    ) -> bytes | None:
        """Return the body of a response; None when nothing was carried out."""
        viewer = context.viewer
        try:
            mutation, given = self._compiler.mutation(
                query, operation_name, variables or {}, viewer.role, {VIEWER: viewer.user_id}
            )
            calls = [(root, mutation.arguments(root, given)) for root in mutation.roots]
        except (NotCompiledError, GraphQLError):
            return None
        if any(getattr(value, "dry_run", False) for _, arguments in calls for value in arguments.values()):
            return None
        return await self._carry_out(mutation, given, calls, context)

    async def _carry_out(
        self, mutation: Mutation, given: Given, calls: list[tuple[Field, dict[str, Any]]], context: Context
    ) -> bytes:
        members = []
        for root, arguments in calls:
            nodes = [details.node for details in root.nodes]
            try:
                value = await _called(root, CallInfo(context, nodes, given), arguments)
                given.shared = {VIEWER: context.viewer.user_id}
                json = await mutation.written(root, value, given, context.viewer.role, self._payload)
            except Exception as error:
                failure = located_error(error, nodes, [root.key])
                return orjson.dumps({"data": None, "errors": [execution_error(failure)]})
            members.append(f'"{root.key}":{json}')
        return f'{{"data":{{{",".join(members)}}}}}'.encode()

    async def _payload(self, sql: str, parameters: Sequence[Any]) -> str:
        started = perf_counter()
        text = await self._fetch(sql, parameters)
        if (trace := current.get()) is not None:
            trace.add(perf_counter() - started)
        if IMPOSSIBLE in text:
            raise RuntimeError("there is nothing where the schema allows no null")
        return text


async def _called(root: Field, info: Any, arguments: dict[str, Any]) -> Any:
    """Return what a root field's resolver returns, or the refusal that it raises."""
    try:
        return await DECLARED.resolver(root)(None, info=info, **arguments)
    except Exception as error:
        possible = root.possible_types()
        for handler in HANDLERS:
            if isinstance(error, handler.exception_type) and DECLARED.name(handler.error_type) in possible:
                return handler.handle(error, field=DECLARED.field(root), info=info)
        raise
