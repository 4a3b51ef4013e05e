"""What a document asks for, in figures: its depth, its fields, what its answer can hold and cost.

One walk, in which each fragment is walked once, however often it is spread; it needs no valid document, since it says
which documents are small enough to be validated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from shop_graphql.compiler.sizes import LIST, MAX_PAGE, PAGE, SIZES, Shape, length, shape_of

POINT = 10
"""Costs are added up in tenths of a point."""

OBJECT_COST = 1
ALIAS_COST = 1
"""For a value under another name, since the same one can be asked for again and again."""

QUERY_COST = POINT
MUTATION_COST = 10 * POINT
CONNECTION_COST = POINT
FIELD_COSTS = {"totalCount": POINT, "aggregate": 5 * POINT, "facets": 5 * POINT, "reports": 20 * POINT}
"""What is added for fields behind which many rows are counted."""

INTROSPECTION_COSTS = {"__schema": 5, "__type": 1}
"""For each field below: `__schema` leads to all types at once."""

EMPTY = "GRAPHQL_PARSE_FAILED"
CYCLE = "GRAPHQL_VALIDATION_FAILED"


@dataclass(slots=True)
class Figures:
    """The figures of some selections. Those of a page are for each of its elements."""

    depth: int = 0
    introspection_depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    top: int = 0
    """Fields that stand here, not deeper."""
    introspections: int = 0
    nodes: int = 0
    cost: int = 0
    page_nodes: int = 0
    page_cost: int = 0

    def add(self, other: "Figures") -> None:
        """Let `other` stand beside."""
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.top += other.top
        self.introspections += other.introspections
        self.nodes += other.nodes
        self.cost += other.cost
        self.page_nodes += other.page_nodes
        self.page_cost += other.page_cost

    @property
    def points(self) -> int:
        """The cost in points, at least one."""
        return max(self.cost // POINT, 1)


_NONE = Figures()


class Weigher:
    """Weighs the operations of a document, with the values of variables that say how long lists are."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], values: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._values = values
        self._walked: dict[str, Figures | None] = {}
        self.variables: dict[str, None] = {}
        """The names of variables that say how long a list is, in order."""
        self.wrong: list[GraphQLError] = []
        """What was met on the way and makes every document invalid."""

    def operation(self, node: OperationDefinitionNode) -> Figures:
        """Return the figures of an operation. Raises RecursionError for one that is very deep."""
        root = self._schema.get_root_type(node.operation)
        found = self._selections(node.selection_set, root)
        found.directives += len(node.directives or ())
        is_mutation = root is not None and root is self._schema.mutation_type
        found.cost += found.top * (MUTATION_COST if is_mutation else QUERY_COST)
        return found

    def unused(self, total: Figures) -> Iterator[FragmentDefinitionNode]:
        """Add the figures of the fragments that no operation walked so far spreads, and return these."""
        for name, fragment in self._fragments.items():
            if name not in self._walked:
                total.add(self._fragment(name))
                yield fragment

    def _selections(self, node: SelectionSetNode, type_: GraphQLNamedType | None) -> Figures:
        total = Figures()
        if not node.selections:
            self.wrong.append(GraphQLError("A selection must select something.", node, extensions={"code": EMPTY}))
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                found = self._field(selection, type_)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else type_
                found = self._selections(selection.selection_set, inner)
            else:
                assert isinstance(selection, FragmentSpreadNode)  # noqa: S101
                found = self._fragment(selection.name.value, selection)
            total.add(found)
            total.directives += len(selection.directives or ())
        return total

    def _fragment(self, name: str, spread: FragmentSpreadNode | None = None) -> Figures:
        found = self._walked.get(name, _NONE)
        if found is _NONE:
            fragment = self._fragments.get(name)
            if fragment is None:
                return _NONE
            self._walked[name] = None  # under way: whoever meets it now is inside it
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            found = self._selections(fragment.selection_set, type_)
            found.directives += len(fragment.directives or ())
            self._walked[name] = found
        elif found is None:
            message = f"Cannot spread fragment '{name}' within itself."
            self.wrong.append(GraphQLError(message, spread, extensions={"code": CYCLE}))
            return _NONE
        return found

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Figures:
        name = node.name.value
        shape = shape_of(parent, name)
        if parent is not None and parent is self._schema.subscription_type:
            shape = shape._replace(is_list=True)  # of events
        size = self._size(node, PAGE if shape.is_connection else LIST)
        found = Figures(depth=1, fields=1, aliases=int(node.alias is not None), top=1)
        if node.selection_set is None:
            found.cost = ALIAS_COST * found.aliases
            return found
        if name in INTROSPECTION_COSTS and parent is self._schema.query_type:
            type_ = self._schema.get_type("__Schema" if name == "__schema" else "__Type")
            inner = self._selections(node.selection_set, type_)
            found.introspections, found.introspection_depth = 1, 1 + inner.depth
            found.cost = inner.fields * INTROSPECTION_COSTS[name]
        else:
            inner = self._selections(node.selection_set, shape.type)
            found.depth += inner.depth
            found.introspection_depth = inner.introspection_depth
            found.introspections = inner.introspections
            self._answer(found, inner, shape, size)
            found.cost += FIELD_COSTS.get(name, 0)
        found.fields += inner.fields
        found.aliases += inner.aliases
        found.directives += inner.directives
        return found

    def _answer(self, found: Figures, inner: Figures, shape: Shape, size: int) -> None:
        """Add what the answer holds of a field."""
        if shape.is_connection:
            found.nodes = inner.nodes + size * inner.page_nodes
            found.cost = CONNECTION_COST + inner.cost + size * inner.page_cost
        elif shape.is_page:
            found.page_nodes = 1 + inner.nodes
            found.page_cost = OBJECT_COST + inner.cost
        elif shape.type is None or not shape.type.name.startswith("__"):
            times = size if shape.is_list else 1
            found.nodes = times * (1 + inner.nodes)
            found.cost = times * (OBJECT_COST + inner.cost)

    def _size(self, node: FieldNode, default: int) -> int:
        """Return how many elements are asked for. More than a page are never answered, but refused."""
        for argument in node.arguments or ():
            if argument.name.value in SIZES:
                value: Any = argument.value
                if isinstance(value, VariableNode):
                    self.variables[value.name.value] = None
                    value = self._values.get(value.name.value)
                size = length(value)
                if size is not None:
                    return max(0, min(size, MAX_PAGE))
        return default
