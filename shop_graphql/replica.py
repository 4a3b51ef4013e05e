"""Reads from a replica, which the primary answers while the replica is away or refuses them."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError

from shop_graphql.direct import Direct
from shop_graphql.errors import ConnectionsBusy
from shop_graphql.pace import Pace
from shop_graphql.retrying import is_lost, sqlstate

T = TypeVar("T")

PAUSE = 5.0
"""Seconds from one look for a replica that is away to the next."""

REFUSALS = (DBAPIError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""All that can come instead of an answer, beside a wait for a connection that took too long."""

TOOK_TOO_LONG = "57014"
AWAY = ("08", "28", "3D", "53300", "57P")
"""SQLSTATEs of a server that lets nobody in: it starts, ends or is full, or knows neither user nor database."""

logger = logging.getLogger("shop_graphql")


class Presence:
    """Whether a replica is there. All who read from it share one."""

    def __init__(self) -> None:
        self._next_look: float | None = None

    def may_be_asked(self) -> bool:
        """Tell whether to ask the replica. While it is away, one read in five seconds may, and finds out for all."""
        if self._next_look is None:
            return True
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + PAUSE
        return True

    def answered(self) -> None:
        """Note that the replica is there."""
        if self._next_look is not None:
            logger.info("The replica is back.")
            self._next_look = None

    def refused(self, error: Exception) -> bool:
        """Note what came instead of an answer; tell whether the primary may give one.

        It may not be asked for what takes too long or waits for others, who would then all come to it.
        """
        state = sqlstate(error) or ""
        if isinstance(error, ConnectionsBusy) or state == TOOK_TOO_LONG:
            return False
        if isinstance(error, TimeoutError) or is_lost(error) or state.startswith(AWAY):
            if self._next_look is None:
                logger.warning("The replica is away, and the primary is read from: %s", type(error).__name__)
            self._next_look = time.monotonic() + PAUSE
        return True


class Detour:
    """Statements go to the replica, and from there to the primary if they must."""

    def __init__(self, replica: Direct, primary: Direct, presence: Presence) -> None:
        self._replica = replica
        self._primary = primary
        self._presence = presence

    async def fetch(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> str:
        """Return what Direct.fetch does; what it raises comes from the primary, or from what must not go there."""
        return await self._ask(lambda direct: direct.fetch(sql, parameters, pace))

    async def lines(self, sql: str, parameters: Sequence[Any], pace: Pace | None = None) -> list[str]:
        """Return the same for Direct.lines."""
        return await self._ask(lambda direct: direct.lines(sql, parameters, pace))

    async def _ask(self, question: Callable[[Direct], Awaitable[T]]) -> T:
        if not self._presence.may_be_asked():
            return await question(self._primary)
        try:
            answer = await question(self._replica)
        except REFUSALS as error:
            if not self._presence.refused(error):
                raise
            return await question(self._primary)
        self._presence.answered()
        return answer
