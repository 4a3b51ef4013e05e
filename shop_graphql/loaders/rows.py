"""Loaders of rows: one by its id, and all those that belong to a parent."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select

from shop_graphql.access import Role
from shop_graphql.database import Reads
from shop_graphql.loaders.batching import Loader
from shop_graphql.statements import rows
from shop_graphql.statements.rows import Model
from shop_graphql.text import is_storable


class RowById(Loader[int, Any]):
    """The row of a table with this id, or None."""

    def __init__(self, reads: Reads, role: Role | None, model: Model) -> None:
        super().__init__(reads, role)
        self._statement = rows.by_id(model, role)

    async def batch(self, keys: Sequence[int]) -> Sequence[Any]:
        """Load all ids at once."""
        found = {row.id: row for row in await self.reads.execute(self._statement, {"ids": keys})}
        return [found.get(key) for key in keys]


class RowByText(Loader[str, Any]):
    """The row that a text names, or None. `statement` selects `key` and the row for each text in `:keys`."""

    def __init__(self, reads: Reads, role: Role | None, statement: Callable[[Role | None], Select[Any]]) -> None:
        super().__init__(reads, role)
        self._statement = statement(role)

    async def batch(self, keys: Sequence[str]) -> Sequence[Any]:
        """Look up all texts at once; one that cannot be stored names nothing."""
        storable = [key for key in keys if is_storable(key)]
        found = {row.key: row for row in await self.reads.execute(self._statement, {"keys": storable})}
        return [found.get(key) for key in keys]


class RowsByParent(Loader[int, list[Any]]):
    """All rows whose foreign key names this parent. For lists that are bounded by nature."""

    def __init__(self, reads: Reads, role: Role | None, model: Model, foreign_key: str) -> None:
        super().__init__(reads, role)
        self._statement = rows.by_parent(model, foreign_key, role)
        self._foreign_key = foreign_key

    async def batch(self, keys: Sequence[int]) -> Sequence[list[Any]]:
        """Load the rows of all parents at once."""
        found: defaultdict[int, list[Any]] = defaultdict(list)
        for row in await self.reads.execute(self._statement, {"ids": keys}):
            found[getattr(row, self._foreign_key)].append(row)
        return [found[key] for key in keys]
