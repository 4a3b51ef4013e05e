"""What a request carries from resolver to resolver."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql.access import Viewer
from shop_graphql.accounts import Accounts, SignedIn
from shop_graphql.compiler.texts import Text
from shop_graphql.database import Database, Within
from shop_graphql.loaders.batching import Loaders
from shop_graphql.reading import FailedReads, Reads
from shop_graphql.services import Outcome, once
from shop_graphql.statements.visibility import VIEWER

P = ParamSpec("P")
T = TypeVar("T")

Sent = Callable[..., Coroutine[Any, Any, Outcome]]
"""A service that takes Statements, the actor and keywords."""

Service = Callable[Concatenate[AsyncSession, P], Coroutine[Any, Any, T]]


@dataclass(frozen=True)
class Who:
    """Who sends a request, from which address, and what is wrong with the token, if anything is."""

    viewer: Viewer
    address: str
    bad_token: str | None = None


class Context:
    """The reads, the loaders and the transactions of one viewer's request. End it when the response is complete."""

    def __init__(
        self, database: Database, accounts: Accounts, who: Who, reads: Reads | None = None, text: Text | None = None
    ) -> None:
        self._database = database
        self.text = text
        """The document, when it was read before it is executed."""
        self.accounts = accounts
        self.viewer = who.viewer
        self.address = who.address
        self.bad_token = who.bad_token
        self.has_written = False
        """Whether anything may have been changed, so that the client must be told."""
        self._read_through(reads or database.reads(self._shared))

    async def write(self, service: Service[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a service in a transaction and commit it; what is read afterwards sees what was written.

        Reads give their connection back first, since a request that waits for a second connection while it holds one is
        how a pool deadlocks.
        """
        await self.close()
        self.has_written = True
        try:
            return await self._database.write(partial(_call, service, args, kwargs), self.viewer.actor)
        finally:
            self._read_through(self._database.reads(self._shared, fresh=True))

    async def write_once(self, key: str, service: Service[..., Any], **arguments: Any) -> Outcome:
        """Do the same under an idempotency key: a second time the stored answer is returned."""
        await self.close()
        self.has_written = True
        try:
            work = partial(once, key=key, work=service, arguments=arguments)
            return await self._database.write(work, self.viewer.actor, repeatable=True)
        finally:
            self._read_through(self._database.reads(self._shared, fresh=True))

    async def send(self, service: Sent, *, only_try: bool, **arguments: Any) -> Outcome:
        """Do the same with a service that is one statement, repeated safely by its key; or `only_try`, as `preview`."""
        if only_try:
            return await self.preview(_within, service, actor=self.viewer.actor, **arguments)
        await self.close()
        self.has_written = True
        try:
            return await self._database.send(partial(service, actor=self.viewer.actor, **arguments))
        finally:
            self._read_through(self._database.reads(self._shared, fresh=True))

    async def preview(self, service: Service[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a service whose transaction is never committed; until then the request's reads see its work."""
        await self.close()
        session, reads = self._database.preview(self._shared, self.viewer.actor)
        self._read_through(reads)
        try:
            return await service(session, *args, **kwargs)
        except BaseException:
            await self.close()
            raise

    async def sign_in(self, attempt: Coroutine[Any, Any, SignedIn]) -> SignedIn:
        """Let the rest of the request be of whoever `attempt` signs in."""
        await self.close()
        self.has_written = True
        signed = await attempt
        self.viewer = signed.viewer
        self._read_through(self._database.reads(self._shared, fresh=True))
        return signed

    async def renew(self) -> None:
        """Let what is read from now on see all that is committed by now."""
        await self.close()
        self._read_through(self._database.reads(self._shared, fresh=True))

    def give_up(self, error: Exception) -> None:
        """Let every further read fail by `error`, which says that the database is away."""
        self._read_through(FailedReads(error))

    async def close(self) -> None:
        """Give the read connection back."""
        await self.reads.close()

    async def end(self) -> None:
        """Give it back for good: the request is answered."""
        await self.reads.end()

    @property
    def _shared(self) -> dict[str, Any]:
        return {VIEWER: self.viewer.user_id}

    def _read_through(self, reads: Reads) -> None:
        self.reads = reads
        self.loaders = Loaders(reads, self.viewer.role)


async def _within(session: AsyncSession, /, service: Sent, **arguments: Any) -> Outcome:
    return await service(Within(session), **arguments)


async def _call(service: Service[..., T], args: Any, kwargs: Any, session: AsyncSession) -> T:
    return await service(session, *args, **kwargs)


Info = strawberry.Info[Context, None]
