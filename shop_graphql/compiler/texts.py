"""Texts of documents: each is weighed and checked once, refused ones included.

What is kept of a text for long is little. ASTs are hundreds of objects each, which the garbage collector looks at again
and again while everybody waits: some thousand of them are half a second. So only those that were used last are kept,
and others are parsed again for whoever needs one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    OperationType,
    Token,
    TokenKind,
    parse,
)

from shop_graphql.compiler.cache import Cache, SharedCache
from shop_graphql.compiler.limits import Limits, exceeded, over
from shop_graphql.compiler.pairs import equal_pairs
from shop_graphql.compiler.sizes import length
from shop_graphql.compiler.weighing import Figures, Weigher, is_introspection

Check = Callable[[DocumentNode], Sequence[GraphQLError]]
Asts = SharedCache[str, DocumentNode]
Fragments = dict[str, FragmentDefinitionNode]

PER_CHARACTER = 120
"""Bytes that a character of a document takes once it is parsed, about."""

PER_TEXT = 2500
MAX_BYTES = 6 * 2**20
"""What texts and ASTs take together at the most; ASTs a third of it."""

MAX_ERRORS = 5
MAX_COSTS = 100
"""How many costs are remembered of an operation whose cost depends on variables."""

_NO_TOKEN = Token(TokenKind.SOF, 0, 0, 0, 0)


class TooCostly(Exception):
    """An operation that is too much with these values of its variables."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


class Text:
    """What is known of a document's text. One beyond the limits is neither validated nor executed."""

    def __init__(self, query: str, schema: GraphQLSchema, check: Check, limits: Limits, asts: Asts) -> None:
        self.query = query
        self._schema = schema
        self._check = check
        self._limits = limits
        self._asts = asts
        self._sizes: tuple[str, ...] = ()
        self._costs: dict[Any, int | list[GraphQLError]] = {}
        self.errors: Sequence[GraphQLError] = ()
        """Why the document is refused before it is validated, if it is."""
        try:
            self.errors = list(map(_freed, self._weigh(self._parsed())))
        except GraphQLError as error:
            self.errors = [_freed(error)]

    @property
    def ast(self) -> DocumentNode | None:
        """The document, as far as it may be looked at."""
        return None if self.errors else self._asts.get(self.query) or self._parsed()

    @cached_property
    def invalid(self) -> Sequence[GraphQLError]:
        """What is wrong with the document."""
        ast = self.ast
        return self.errors if ast is None else list(map(_freed, self._check(ast)))

    @property
    def size(self) -> int:
        """The bytes that the AST takes, about."""
        return len(self.query) * PER_CHARACTER

    def is_introspection(self, name: str | None) -> bool:
        """Tell whether an operation asks for the schema, and for nothing else."""
        named = self._named(name)
        return len(named) == 1 and is_introspection(named[0])

    def cost(self, name: str | None, variables: Mapping[str, Any] | None) -> int:
        """Return the points that an operation costs. Raises TooCostly when they, or its objects, are too many."""
        key: Any = name
        if self._sizes and variables:
            key = (name, *[length(variables.get(size)) for size in self._sizes])
        found = self._costs.get(key)
        if found is None:
            found = self._costs[key] = self._cost(name, variables or {})
            if len(self._costs) > MAX_COSTS:
                del self._costs[next(iter(self._costs))]
        if isinstance(found, int):
            return found
        raise TooCostly(found)

    def _weigh(self, document: DocumentNode) -> Sequence[GraphQLError]:
        """Return which limits the document exceeds, whatever the values of its variables."""
        operations, fragments = _operations(document), _fragments(document)
        weigher, total = Weigher(self._schema, fragments, {}), Figures()
        errors: list[GraphQLError] = []
        try:
            for node in operations:
                found = weigher.operation(node)
                errors += self._tops(node, found)
                total.add(found)
            unused = list(weigher.unused(total))
        except RecursionError:
            return [self._too_deep()]
        self._sizes = tuple(weigher.variables)
        errors += weigher.wrong or exceeded(
            self._limits,
            depth=total.depth,
            introspection_depth=total.introspection_depth,
            fields=total.fields,
            aliases=total.aliases,
            directives=total.directives,
        )
        return errors[:MAX_ERRORS] or self._pairs([*operations, *unused], fragments)

    def _tops(self, node: OperationDefinitionNode, found: Figures) -> Iterator[GraphQLError]:
        name = "mutation_fields" if node.operation is OperationType.MUTATION else "root_fields"
        return exceeded(self._limits, introspections=found.introspections, **{name: found.top})

    def _pairs(
        self, nodes: Sequence[OperationDefinitionNode | FragmentDefinitionNode], fragments: Fragments
    ) -> Sequence[GraphQLError]:
        limit = self._limits.pairs
        pairs = equal_pairs([node.selection_set for node in nodes], fragments, limit) if limit else 0
        return [over("pairs", limit, pairs, is_exact=False)] if pairs > limit else []

    def _too_deep(self) -> GraphQLError:
        return over("depth", self._limits.depth, 1 + self._limits.depth, is_exact=False)

    def _parsed(self) -> DocumentNode:
        document = parsed(self.query, self._limits)
        self._asts.put(self.query, document, self.size)
        return document

    def _named(self, name: str | None) -> list[OperationDefinitionNode]:
        operations = [] if self.ast is None else _operations(self.ast)
        return [node for node in operations if name is None or (node.name and node.name.value == name)]

    def _cost(self, name: str | None, variables: Mapping[str, Any]) -> int | list[GraphQLError]:
        named, document = self._named(name), self.ast
        if document is None or len(named) != 1:
            return 1  # nothing is carried out
        values = {**_defaults(named[0]), **variables}
        try:
            found = Weigher(self._schema, _fragments(document), values).operation(named[0])
        except RecursionError:
            return [self._too_deep()]
        return list(exceeded(self._limits, nodes=found.nodes, cost=found.points)) or found.points


class Texts:
    """Reads texts, and keeps what was read last within `size` bytes."""

    def __init__(self, schema: GraphQLSchema, check: Check, limits: Limits, size: int = MAX_BYTES) -> None:
        self.schema = schema
        self._check = check
        self._limits = limits
        self._texts: Cache[str, Text] = Cache(size * 2 // 3)
        self._asts: Asts = SharedCache(size // 3)

    def known(self, query: str) -> Text | None:
        """Return a text that was read before."""
        return self._texts.get(query)

    def read(self, query: str) -> Text:
        """Return a text."""
        text = self._texts.get(query)
        if text is None:
            text = Text(query, self.schema, self._check, self._limits, self._asts)
            self._texts.put(query, text, PER_TEXT + 4 * len(query))
        return text


def parsed(query: str, limits: Limits) -> DocumentNode:
    """Return the AST of a text. Raises GraphQLError for a text that is no document, or too large a one."""
    if limits.length and len(query) > limits.length:
        raise over("length", limits.length, len(query))
    try:
        document = parse(query, max_lexical_tokens=limits.tokens or None, max_comments=limits.comments or None)
    except GraphQLSyntaxError as error:
        for name in ("tokens", "comments"):
            limit = getattr(limits, name)
            if error.message.endswith(f"more than {limit} {name}. Parsing aborted."):
                raise over(name, limit, limit + 1, is_exact=False) from None
        raise
    _forget_tokens(document)
    return document


def _forget_tokens(document: DocumentNode) -> None:
    """Let the nodes of a document know where they stand, and no more.

    The tokens are a third of all objects, and know each other in a ring that only a collection of garbage undoes.
    """
    token = document.loc.start_token if document.loc else None
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following
    nodes: list[Any] = [document]
    while nodes:
        node = nodes.pop()
        if node.loc is not None:
            node.loc.start_token = node.loc.end_token = _NO_TOKEN
        for key in node.keys:
            value = getattr(node, key, None)
            if isinstance(value, Node):
                nodes.append(value)
            elif isinstance(value, tuple | list):
                nodes += value


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def _fragments(document: DocumentNode) -> Fragments:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _freed(error: GraphQLError) -> GraphQLError:
    """Return an error that holds on to no node and no parser, each of which holds on to all the rest."""
    error.nodes = None
    error.__traceback__ = error.__context__ = None
    if error.locations and error.original_error is not None:
        error.original_error.__traceback__ = error.original_error.__context__ = None
    return error


def _defaults(node: OperationDefinitionNode) -> dict[str, Any]:
    """Return the default values of variables, as far as they can say how long a list is."""
    return {
        variable.variable.name.value: variable.default_value
        for variable in node.variable_definitions or ()
        if variable.default_value is not None
    }
