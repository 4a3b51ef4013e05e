"""How many fields validation would compare with each other, which grows with the square of how many are alike."""

from collections.abc import Mapping, Sequence

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

MAX_VISITED = 100_000


def equal_pairs(roots: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode], limit: int) -> int:
    """Return how many pairs of fields of one name stand in one place, or any number above `limit` that it came to.

    As many must be compared when it is checked that fields can be merged. Walks each field as often as it is spread,
    which another limit bounds; where that is switched off, too many fields are taken for too many pairs.
    """
    pairs = visited = 0
    todo = [[root] for root in roots]
    while todo and pairs <= limit:
        for nodes in _by_key(todo.pop(), fragments).values():
            pairs += len(nodes) * (len(nodes) - 1) // 2
            visited += len(nodes)
            inner = [node.selection_set for node in nodes if node.selection_set is not None]
            if inner:
                todo.append(inner)
        if visited > MAX_VISITED:
            return limit + 1
    return pairs


def _by_key(
    selections: list[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> dict[str, list[FieldNode]]:
    found: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    todo = list(selections)
    while todo:
        for selection in todo.pop().selections:
            if isinstance(selection, FieldNode):
                found.setdefault((selection.alias or selection.name).value, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                todo.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                name = selection.name.value
                spread.add(name)
                todo += [fragments[name].selection_set] if name in fragments else []
    return found
