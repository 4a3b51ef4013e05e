"""Finds the plan for a request, or makes it; each is made once."""

import logging
from collections.abc import Hashable, Mapping
from typing import Any

from graphql import GraphQLSchema

from shop_graphql.access import Role
from shop_graphql.compiler.cache import Cache, Stats
from shop_graphql.compiler.documents import Check, Document, shape
from shop_graphql.compiler.mutations import Mutation, Payloads
from shop_graphql.compiler.plans import Plan, Tree, Unplanned, find, grown, make
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.deferred import Decisions, Given
from shop_graphql.errors import BadArgument

MAX_BYTES = 64 * 2**20
PER_CHARACTER = 120
"""Bytes that a character of a document takes once it is parsed, about."""


logger = logging.getLogger("shop_graphql")

Key = tuple[Document, Role | None, Hashable]


class Compiler:
    """The plans of a schema: one for each document, role of the viewer and shape of the variables' values."""

    def __init__(self, schema: GraphQLSchema, check: Check, declarations: Payloads, limit: int = MAX_BYTES) -> None:
        self._schema = schema
        self._check = check
        self._declarations = declarations
        self._documents: Cache[tuple[str, str | None], Document | Unplanned] = Cache(limit // 2)
        self._plans: Cache[Key, Tree] = Cache(limit // 4)
        self._mutations: Cache[Key, Mutation | Unplanned] = Cache(limit // 4)

    @property
    def stats(self) -> Stats:
        """How the cache of plans does."""
        return self._plans.stats

    def plan(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
        role: Role | None,
        shared: Mapping[str, Any],
    ) -> tuple[Plan, list[Any]]:
        """Return the plan for the request of a viewer of this role, and its parameters, the `shared` ones among them.

        Raises NotCompiledError.
        """
        document = self._document(query, operation_name, is_query=True)
        given = document.coerced(variables, shared)
        key = (document, role, tuple((name, shape(value)) for name, value in given.items()))
        try:
            tree = self._plans.get(key)
            plan = find(tree, given) or self._make(key, tree, given)
        except BadArgument:
            raise NotCompiledError("a bad argument") from None
        if isinstance(plan, Unplanned):
            raise NotCompiledError(plan.reason)
        return plan, plan.parameters(given)

    def mutation(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, Any],
        role: Role | None,
        shared: Mapping[str, Any],
    ) -> tuple[Mutation, Given]:
        """Return the mutation that a viewer of this role requests, and what the request brings.

        Raises NotCompiledError.
        """
        document = self._document(query, operation_name, is_query=False)
        given = document.coerced(variables, shared)
        key = (document, role, tuple((name, shape(value)) for name, value in given.items()))
        found = self._mutations.get(key)
        if found is None:
            try:
                found = Mutation.of(document, role, given, self._declarations, self._schema)
            except (NotCompiledError, BadArgument) as reason:
                found = Unplanned(str(reason))
            self._mutations.put(key, found, len(query) * PER_CHARACTER)
        if isinstance(found, Unplanned):
            raise NotCompiledError(found.reason)
        return found, given

    def _document(self, query: str, operation_name: str | None, *, is_query: bool) -> Document:
        document = self._documents.get((query, operation_name)) or self._read(query, operation_name)
        if isinstance(document, Unplanned):
            raise NotCompiledError(document.reason)
        if document.is_query is not is_query:
            raise NotCompiledError("another kind of operation")
        return document

    def _read(self, query: str, operation_name: str | None) -> Document | Unplanned:
        try:
            document: Document | Unplanned = Document(self._schema, self._check, query, operation_name)
        except NotCompiledError as reason:
            document = Unplanned(str(reason))
        self._documents.put((query, operation_name), document, len(query) * PER_CHARACTER)
        return document

    def _make(self, key: Key, tree: Tree | None, given: Given) -> Plan | Unplanned:
        decisions = Decisions(given)
        plan: Plan | Unplanned
        try:
            plan = make(key[0], key[1], decisions, self._schema, self._declarations)
        except BadArgument:
            raise
        except Exception:
            logger.exception("Bug in the compiler, which the resolvers cover up")
            plan = Unplanned("a bug")
        tree = grown(tree, decisions.made.items(), plan)
        self._plans.put(key, tree, tree.size)
        return plan
