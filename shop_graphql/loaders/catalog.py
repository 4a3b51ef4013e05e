"""Loaders of the catalogue's figures."""

from collections.abc import Sequence
from typing import Any

from shop_graphql.loaders.batching import Loader
from shop_graphql.statements import catalog


class CategoryStatsById(Loader[int, Any]):
    """The figures of the category with this id."""

    async def batch(self, keys: Sequence[int]) -> Sequence[Any]:
        """Load the figures of all categories at once."""
        found = {
            row.category_id: row for row in await self.reads.execute(catalog.category_stats_by_id(), {"ids": keys})
        }
        return [found[key] for key in keys]
