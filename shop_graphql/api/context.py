"""What a request carries from resolver to resolver."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import Database
from shop_graphql.loaders.batching import Loaders


class Context:
    """The reads and loaders of one request. Close it when the response is complete."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = database.reads()
        self.loaders = Loaders(self.reads)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open the transaction of a mutation; leaving the block commits, an exception rolls back.

        Reads give their connection back first, since a request that waits for a second connection while it holds one is
        how a pool deadlocks. What is read afterwards sees what was written.
        """
        await self.close()
        try:
            async with self._database.transaction() as session:
                yield session
        finally:
            self.reads = self._database.reads(fresh=True)
            self.loaders = Loaders(self.reads)

    async def close(self) -> None:
        """Give the read connection back."""
        await self.reads.close()


Info = strawberry.Info[Context, None]
