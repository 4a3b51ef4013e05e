"""Buckets of points that fill up with time, in valkey, where all workers take from the same ones."""

from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.exceptions import ValkeyError

from shop_graphql.auth.buckets import Taken
from shop_graphql.auth.valkey_windows import TIMEOUT
from shop_graphql.auth.windows import WindowsUnavailable
from shop_graphql.values import Rate

PREFIX = "shop-graphql:cost:"

# A key holds a level and the milliseconds at which it was right, by the one clock of the server. Given are the points
# to take, how many the bucket holds, and in how many milliseconds it fills. Returns what is left and the milliseconds
# to wait, as texts.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local points, amount, period = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local level = amount
local known = redis.call('HMGET', KEYS[1], 'level', 'at')
if known[1] then
  level = math.min(amount, known[1] + (now - known[2]) * amount / period)
end
local needed = math.min(points, amount)
if level < needed and points > 0 then
  return {tostring(level), tostring((needed - level) * period / amount)}
end
level = math.min(level - points, amount)
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((amount - level) * period / amount) + 1000)
return {tostring(level), '0'}
"""


class ValkeyBuckets:
    """Keeps buckets in valkey. Raises WindowsUnavailable."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=64, timeout=TIMEOUT, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        self._valkey = Valkey.from_pool(pool)
        self._take = self._valkey.register_script(TAKE)

    async def take(self, key: str, points: float, rate: Rate) -> Taken:
        try:
            left, wait = await self._take([PREFIX + key], [points, rate.amount, rate.seconds * 1000])
        except (ValkeyError, OSError) as error:
            raise WindowsUnavailable(type(error).__name__) from error
        return Taken(float(left), float(wait) / 1000)

    async def close(self) -> None:
        await self._valkey.aclose()
