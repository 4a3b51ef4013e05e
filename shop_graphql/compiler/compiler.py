"""Finds the plan for a request, or makes it; each is made once, in a thread beside the event loop."""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, cast

from graphql import OperationType

from shop_graphql.access import Role
from shop_graphql.compiler.cache import Cache, Stats
from shop_graphql.compiler.documents import Document
from shop_graphql.compiler.gaps import Payload
from shop_graphql.compiler.mutations import Mutation, make_mutation
from shop_graphql.compiler.payloads import Payloads, Place, make_payload
from shop_graphql.compiler.plans import Leaf, Plan, Tree, Unplanned, find, grown, make
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.compiler.texts import Texts
from shop_graphql.deferred import Decisions, Given
from shop_graphql.errors import BadArgument

MAX_BYTES = 12 * 2**20
"""What documents and plans take together at the most; documents a third of it."""

PER_DOCUMENT = 2000

_THREAD = ThreadPoolExecutor(1, "compiler")
"""The process's and not a compiler's: threads that end together can hang a program that is traced."""

logger = logging.getLogger("shop_graphql")

Key = tuple[str, str | None, Role | None, Hashable]
"""What names a document, and not the document, which a plan can do without."""

L = TypeVar("L", bound=Leaf)
Make = Callable[..., L | Unplanned]


class Compiler:
    """The plans of a schema: one for each document, role of the viewer and shape of the variables' values.

    To make one can take a third of a second, so that is done in a thread, for one request at a time.
    """

    def __init__(self, texts: Texts, declarations: Payloads, limit: int = MAX_BYTES) -> None:
        self._schema = texts.schema
        self._texts = texts
        self._declarations = declarations
        self._documents: Cache[tuple[str, str | None], Document | Unplanned] = Cache(limit // 3)
        self._plans: Cache[Key, Tree] = Cache(limit * 2 // 3)
        self._turn = asyncio.Lock()

    @property
    def stats(self) -> Stats:
        """How the cache of plans does."""
        return self._plans.stats

    async def plan(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
        role: Role | None,
        shared: Mapping[str, Any],
    ) -> tuple[Plan, list[Any]]:
        """Return the plan for the query of a viewer of this role, and its parameters, the `shared` ones among them.

        Raises NotCompiledError.
        """
        document = self._document(query, operation_name, OperationType.QUERY)
        given = document.coerced(variables, shared)
        plan: Plan = await self._found(
            (*document.key, role, document.shape(given)), given, partial(make, document, role)
        )
        return plan, plan.parameters(given)

    async def mutation(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
        role: Role | None,
        kind: OperationType = OperationType.MUTATION,
    ) -> tuple[Mutation, Given]:
        """Return the mutation, or subscription, that a viewer of this role requests, and what the request brings.

        Raises NotCompiledError.
        """
        document = self._document(query, operation_name, kind)
        given = document.coerced(variables, {})
        key = (*document.key, role, document.shape(given))
        return await self._found(key, given, partial(make_mutation, document, role)), given

    async def payload(self, document: Document, place: Place, role: Role | None, given: Given) -> Payload:
        """Return how what a mutation returned is written for a viewer of this role. Raises NotCompiledError."""
        key = (*document.key, role, (place, document.shape(given)))
        payload: Payload = await self._found(key, given, partial(make_payload, document, place, role))
        return payload

    def _document(self, query: str, operation_name: str | None, kind: OperationType) -> Document:
        document = self._documents.get((query, operation_name)) or self._read(query, operation_name)
        if isinstance(document, Unplanned):
            raise NotCompiledError(document.reason)
        if document.kind is not kind:
            raise NotCompiledError("another kind of operation")
        return document

    def _read(self, query: str, operation_name: str | None) -> Document | Unplanned:
        try:
            document: Document | Unplanned = Document(self._schema, self._texts.read(query), operation_name)
        except NotCompiledError as reason:
            document = Unplanned(str(reason))
        self._documents.put((query, operation_name), document, PER_DOCUMENT + 4 * len(query))
        return document

    async def _found(self, key: Key, given: Given, make: Make[L]) -> L:
        """Return what `make` makes for requests such as this one, now or earlier."""
        try:
            found = find(self._plans.get(key), given) or await self._made(key, given, make)
        except BadArgument:
            raise NotCompiledError("a bad argument") from None
        if isinstance(found, Unplanned):
            raise NotCompiledError(found.reason)
        return cast(L, found)

    async def _made(self, key: Key, given: Given, make: Make[L]) -> Leaf:
        async with self._turn:
            if (found := find(self._plans.held(key), given)) is not None:
                return found  # somebody else has wanted the same
            made = partial(self._make, given, make)
            leaf, decisions = await asyncio.get_running_loop().run_in_executor(_THREAD, made)
            tree = grown(self._plans.held(key), decisions.made.items(), leaf)
            self._plans.put(key, tree, tree.size)
        return leaf

    def _make(self, given: Given, make: Make[L]) -> tuple[Leaf, Decisions]:
        decisions = Decisions(given)
        made: Leaf
        try:
            made = make(decisions, self._schema, self._declarations)
        except BadArgument:
            raise
        except Exception:
            logger.exception("Bug in the compiler, which the resolvers cover up")
            made = Unplanned("a bug")
        finally:
            decisions.forget()
        return made, decisions
