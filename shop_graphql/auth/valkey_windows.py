"""Counts of what happened within a moving window of time, in valkey, where all workers see them."""

from typing import Any

from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.exceptions import ValkeyError

from shop_graphql.auth.windows import Count, WindowsUnavailable

PREFIX = "shop-graphql:attempts:"
TIMEOUT = 1
"""Seconds to wait for valkey, each: for a connection, for its answer."""

# Each key holds the milliseconds of what was counted, the newest first, by the one clock of the server. Keys and, for
# each, how many there may be within how many milliseconds. Returns how many milliseconds to wait.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  local oldest = redis.call('LINDEX', key, ARGV[2 * i - 1] - 1)
  if oldest then
    wait = math.max(wait, oldest + ARGV[2 * i] - now)
  end
end
if wait > 0 then
  return wait
end
for i, key in ipairs(KEYS) do
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, ARGV[2 * i - 1] - 1)
  redis.call('PEXPIRE', key, ARGV[2 * i])
end
return 0
"""


class ValkeyWindows:
    """Keeps counts in valkey. Every method but `close` raises WindowsUnavailable."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=16, timeout=TIMEOUT, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        self._valkey = Valkey.from_pool(pool)
        self._take = self._valkey.register_script(TAKE)

    async def take(self, *counts: Count) -> float:
        keys = [PREFIX + count.key for count in counts]
        arguments: list[Any] = [n for count in counts for n in (count.rate.amount, count.rate.seconds * 1000)]
        try:
            return int(await self._take(keys, arguments)) / 1000
        except (ValkeyError, OSError) as error:
            raise WindowsUnavailable(type(error).__name__) from error

    async def forget(self, key: str) -> None:
        try:
            await self._valkey.delete(PREFIX + key)
        except (ValkeyError, OSError) as error:
            raise WindowsUnavailable(type(error).__name__) from error

    async def close(self) -> None:
        await self._valkey.aclose()
