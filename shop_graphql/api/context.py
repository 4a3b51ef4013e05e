"""What a request carries from resolver to resolver."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.database import Database, Reads
from shop_graphql.loaders.batching import Loaders
from shop_graphql.services import Outcome, once

P = ParamSpec("P")
T = TypeVar("T")

Service = Callable[Concatenate[AsyncSession, P], Coroutine[Any, Any, T]]


class Context:
    """The reads, the loaders and the transactions of one request. End it when the response is complete."""

    def __init__(self, database: Database, reads: Reads | None = None) -> None:
        self._database = database
        self.has_written = False
        self._read_through(reads or database.reads())

    async def write(self, service: Service[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a service in a transaction and commit it; what is read afterwards sees what was written.

        Reads give their connection back first, since a request that waits for a second connection while it holds one is
        how a pool deadlocks.
        """
        await self.close()
        self.has_written = True
        try:
            return await self._database.write(partial(_call, service, args, kwargs))
        finally:
            self._read_through(self._database.reads(fresh=True))

    async def write_once(self, key: str, service: Service[..., Any], **arguments: Any) -> Outcome:
        """Do the same under an idempotency key: a second time the stored answer is returned."""
        await self.close()
        self.has_written = True
        try:
            work = partial(once, key=key, work=service, arguments=arguments)
            return await self._database.write(work, repeatable=True)
        finally:
            self._read_through(self._database.reads(fresh=True))

    async def preview(self, service: Service[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a service whose transaction is never committed; until then the request's reads see its work."""
        await self.close()
        session, reads = self._database.preview()
        self._read_through(reads)
        try:
            return await service(session, *args, **kwargs)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give the read connection back."""
        await self.reads.close()

    async def end(self) -> None:
        """Give it back for good: the request is answered."""
        await self.reads.end()

    def _read_through(self, reads: Reads) -> None:
        self.reads = reads
        self.loaders = Loaders(reads)


async def _call(service: Service[..., T], args: Any, kwargs: Any, session: AsyncSession) -> T:
    return await service(session, *args, **kwargs)


Info = strawberry.Info[Context, None]
