"""People who send requests at their own pace, whether or not the server keeps up: an open load."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import orjson

from tests.chaos.server import admin

PATIENCE = 2.0
"""Seconds after which an answer is of no use any more."""

MOST_CONNECTIONS = 600

PRODUCT = "query ($id: ID!) { product(id: $id) { id name price stockQuantity category { name } } }"
PAGE = """query ($price: Money!) {
  categories(first: 16) {
    nodes { id name products(first: 20, where: {price: {gte: $price}}) { nodes { id name price stockQuantity } } }
  }
}"""
"""Some hundred rows: so much work for the database that to refuse a request costs next to nothing beside it."""

ORDER = """mutation ($key: String!, $user: ID!, $items: [OrderItemInput!]!) {
  createOrder(input: {idempotencyKey: $key, userId: $user, items: $items}) {
    __typename ... on CreateOrderSuccess { order { id totalAmount items { quantity product { name } } } }
  }
}"""
STOCK = """mutation ($key: String!, $id: ID!) {
  adjustStock(input: {idempotencyKey: $key, productId: $id, delta: 100}) { __typename }
}"""


@dataclass
class Served:
    """What came of requests, by status, and how long good answers took."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def good(self) -> int:
        """How many were answered, and soon enough."""
        return sum(seconds <= PATIENCE for seconds in self.seconds)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the good answers came."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] if self.seconds else 0.0


class People:
    """Sends a mixture of lookups, pages and orders to a server with a sample shop."""

    def __init__(self, address: str, random: Random, products: int, users: int, id: int = 10**9) -> None:
        self._host, self._port = address.removeprefix("http://").split(":")
        self._random = random
        self._products, self._users = products, users
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._open = 0
        self._head = (
            f"POST /graphql HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
            f"authorization: {admin(id=id)['authorization']}\r\ncontent-length: "
        ).encode()
        self.served = Served()

    async def closed(self, people: int, seconds: float) -> Served:
        """Let so many people send one request after the other."""
        self.served, end = Served(), time.monotonic() + seconds

        async def person() -> None:
            while time.monotonic() < end:
                await self._send()

        await asyncio.gather(*(person() for _ in range(people)))
        return self.served

    async def open(self, rate: float, seconds: float) -> Served:
        """Send so many requests a second, whatever becomes of them."""
        self.served, begin = Served(), time.monotonic()
        sending: set[asyncio.Task[None]] = set()
        sent = 0
        while (elapsed := time.monotonic() - begin) < seconds:
            while sent < elapsed * rate:
                sent += 1
                task = asyncio.create_task(self._send())
                sending.add(task)
                task.add_done_callback(sending.discard)
            await asyncio.sleep(0.002)
        await asyncio.gather(*sending)
        return self.served

    def close(self) -> None:
        """Close all connections."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _send(self) -> None:
        served, began = self.served, time.monotonic()
        if not self._idle and self._open >= MOST_CONNECTIONS:
            served.statuses["no connection left"] += 1
            return
        self._open += 1
        try:
            async with asyncio.timeout(15):
                status, is_good = await self._exchange()
        except (OSError, asyncio.IncompleteReadError) as error:
            status, is_good = type(error).__name__, False
        finally:
            self._open -= 1
        served.statuses[status] += 1
        if is_good:
            served.seconds.append(time.monotonic() - began)

    async def _exchange(self) -> tuple[str, bool]:
        """Send a request and read its answer; an idle connection may have been closed, then on a new one."""
        body = self._body()
        request = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        while True:
            is_used = bool(self._idle)
            reader, writer = self._idle.pop() if is_used else await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
                )
                answer = await reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                if is_used:
                    continue
                raise
            except BaseException:
                writer.close()
                raise
            if b"connection: close" in head.lower():
                writer.close()
            else:
                self._idle.append((reader, writer))
            status = head[9:12].decode()
            return status, status == "200" and b'"errors"' not in answer

    def _body(self) -> bytes:
        (kind,) = self._random.choices(["product", "page", "order", "stock"], [18, 60, 20, 2])
        id = f"prod_{self._random.randint(1, self._products)}"
        key = f"load-{self._random.getrandbits(96):x}"
        if kind == "product":
            return _json(PRODUCT, id=id)
        if kind == "page":
            return _json(PAGE, price=f"{self._random.randint(1, 5000) / 100:.2f}")
        if kind == "stock":
            return _json(STOCK, key=key, id=id)
        chosen = self._random.sample(range(1, self._products + 1), 3)
        items = [{"productId": f"prod_{number}", "quantity": 1} for number in chosen]
        return _json(ORDER, key=key, user=f"user_{self._random.randint(1, self._users)}", items=items)


def _json(query: str, **variables: object) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})
