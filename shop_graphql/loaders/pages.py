"""The loader of connections: whatever is asked of the same connection at once is one statement."""

from collections.abc import Sequence
from typing import Any

from shop_graphql.access import Role
from shop_graphql.database import Reads
from shop_graphql.loaders.batching import Loader
from shop_graphql.statements import pages
from shop_graphql.statements.pages import Part, Rows, Source, Window

Key = tuple[int, Part | Rows]
"""A parent's id (0 for a connection that has none) and the part that is wanted of its connection."""


class Pages(Loader[Key, Any]):
    """Parts of a connection, for all parents that were asked for it with the same arguments.

    `Rows` is a list of rows, the surplus one included, in the order of the window or, when that runs backwards, the
    reversed one. Every other part is the row, or the list of rows, that it selects.
    """

    def __init__(self, reads: Reads, role: Role | None, source: Source, window: Window) -> None:
        super().__init__(reads, role)
        self._source = source
        self._window = window

    async def batch(self, keys: Sequence[Key]) -> Sequence[Any]:
        """Load all parts of all parents at once."""
        parts = list(dict.fromkeys(part for _, part in keys))
        figures = [part for part in parts if not isinstance(part, Rows)]
        statement = pages.connection(self._source, self._window, parts)
        parents = list(dict.fromkeys(parent for parent, _ in keys))
        parameters = {} if self._source.parent is None else {"parents": parents}
        found: dict[Key, Any] = {(parent, Rows()): [] for parent in parents}
        for row in await self.reads.execute(statement, parameters):
            parent = row[0]
            found.update(
                ((parent, part), part.read(value))
                for part, value in zip(figures, row[1 : len(figures) + 1], strict=True)
            )
            if Rows() in parts and row.id is not None:
                found[parent, Rows()].append(row)
        return [found[key] for key in keys]
