"""The short way to an answer: a compiled statement, whose bytes are passed on."""

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import asyncpg

from shop_graphql.access import Viewer
from shop_graphql.api.batching import Batches
from shop_graphql.api.compiled import compiler
from shop_graphql.api.failures import is_unavailable
from shop_graphql.compiler.json import IMPOSSIBLE
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.compiler.texts import Texts
from shop_graphql.direct import Reader
from shop_graphql.statements.visibility import VIEWER
from shop_graphql.tracing import current

logger = logging.getLogger("shop_graphql")


class ShortWay:
    """Answers whatever can be answered by one statement, or leaves it to the resolvers."""

    def __init__(self, direct: Reader, texts: Texts, *, batching: bool) -> None:
        self.compiler = compiler(texts)
        self.batches = Batches(direct)
        self._send = self.batches.fetch if batching else self.batches.send

    async def answer(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None, viewer: Viewer
    ) -> str | None:
        """Return the body of a response without errors, or None.

        Raises OSError and asyncpg's errors when the database is away or took too long: it need not be asked again.
        """
        shared = {VIEWER: viewer.user_id}
        try:
            plan, parameters = await self.compiler.plan(query, operation_name, variables or {}, viewer.role, shared)
        except NotCompiledError:
            return None
        started = perf_counter()
        try:
            text = await self._send(plan, parameters)
        except asyncpg.PostgresError as error:
            if is_unavailable(error):
                raise
            logger.exception("Bug in a compiled statement, which the resolvers cover up: %s", plan.sql)
            return None
        if (trace := current.get()) is not None:
            trace.add(perf_counter() - started)
        return None if IMPOSSIBLE in text else text
