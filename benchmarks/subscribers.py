"""What subscribers cost and how soon they are told, while orders are placed at a steady pace.

Run by `make bench-subscribers`. The server is one process of its own. First nobody subscribes; then everybody watches
their own orders and the twenty products of a page; then all orders, as staff does.
"""

import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from websockets.asyncio.client import connect

from shop_graphql import embedded, migration, serving
from shop_graphql.access import Role
from shop_graphql.auth import Tokens
from shop_graphql.database import Database
from shop_graphql.settings import Settings

SUBSCRIBERS = 200
ORDERS_PER_SECOND = 50
SECONDS = 20.0
PRODUCTS = 1000
PAGE = 20
CART = 3
SECRET = "of this benchmark and of nothing else: 4kQz"  # noqa: S105
ORDER = "mutation ($i: CreateOrderInput!) { createOrder(input: $i) { ... on CreateOrderSuccess { order { id } } } }"
ORDERS = "subscription { orderChanged { orderId order { status totalAmount items { quantity product { name } } } } }"
STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId product { stockQuantity price } } }"


@dataclass
class Round:
    """What was seen of one round."""

    name: str
    subscribers: int
    events: int = 0
    placed: dict[str, float] = field(default_factory=dict)
    """When each order was answered."""
    told: list[tuple[str, float]] = field(default_factory=list)
    """Which order was told, and when."""
    server: float = 0.0
    """The share of a processor that the server took."""

    def delays(self) -> list[float]:
        """Return the milliseconds between the answer to an order and each event of it."""
        return [1000 * (when - self.placed[id]) for id, when in self.told if id in self.placed]


def token(user_id: int, role: Role) -> str:
    """Return the header's value for a user."""
    return f"Bearer {Tokens([SECRET]).issue(user_id, role)}"


async def subscriber(address: str, number: int, round: Round, *, is_staff: bool) -> None:
    """Listen until cancelled."""
    chance = random.Random(number)  # noqa: S311
    role = Role.STAFF if is_staff else Role.CUSTOMER
    page = [f"prod_{id}" for id in chance.sample(range(1, PRODUCTS + 1), PAGE)]
    documents = [(ORDERS, {})] if is_staff else [(ORDERS, {}), (STOCK, {"ids": page})]
    async with connect(f"ws://{address}/graphql", subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": token(number, role)}}))
        await socket.recv()
        for id, (query, variables) in enumerate(documents):
            payload = {"query": query, "variables": variables}
            await socket.send(json.dumps({"id": str(id), "type": "subscribe", "payload": payload}))
        async for message in socket:
            round.events += 1
            found = json.loads(message)["payload"]["data"]
            if "orderChanged" in found:
                round.told.append((found["orderChanged"]["orderId"], time.perf_counter()))


async def place_orders(address: str, round: Round) -> None:
    """Place orders of the subscribers at the pace."""
    chance, start = random.Random(1), time.perf_counter()  # noqa: S311
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=20) as http:

        async def place() -> None:
            user = chance.randrange(1, SUBSCRIBERS + 1)
            cart = [{"productId": f"prod_{id}", "quantity": 1} for id in chance.sample(range(1, PRODUCTS + 1), CART)]
            input = {"idempotencyKey": uuid4().hex, "items": cart}
            headers = {"authorization": token(user, Role.CUSTOMER)}
            answer = await http.post("/graphql", json={"query": ORDER, "variables": {"i": input}}, headers=headers)
            round.placed[answer.json()["data"]["createOrder"]["order"]["id"]] = time.perf_counter()

        async with asyncio.TaskGroup() as group:
            for number in range(int(SECONDS * ORDERS_PER_SECOND)):
                await asyncio.sleep(max(0.0, start + number / ORDERS_PER_SECOND - time.perf_counter()))
                group.create_task(place())


def cpu(pid: int) -> float:
    """Return the seconds that a process has run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def listening(address: str, round: Round, count: int, *, is_staff: bool) -> AsyncIterator[None]:
    """Have subscribers listen, once all have been told the present state."""
    tasks = [
        asyncio.create_task(subscriber(address, number, round, is_staff=is_staff)) for number in range(1, count + 1)
    ]
    expected = 0 if is_staff else count * PAGE
    while round.events < expected:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    round.events = 0
    yield
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def measure(address: str, server: int, name: str, count: int, *, is_staff: bool) -> Round:
    """Return what was seen of one round."""
    round = Round(name, count)
    async with listening(address, round, count, is_staff=is_staff):
        before, start = cpu(server), time.perf_counter()
        await place_orders(address, round)
        round.server = (cpu(server) - before) / (time.perf_counter() - start)
    return round


async def fill(url: str) -> None:
    """Make the users and the products."""
    database = Database(Settings(), url)
    async with database.transaction() as session:
        people = "SELECT 'user' || n || '@example.com', 'User' FROM generate_series(1, :count) AS n"
        await session.execute(text(f"INSERT INTO users (email, full_name) {people}"), {"count": SUBSCRIBERS})
        await session.execute(text("INSERT INTO categories (name) VALUES ('All')"))
        things = "SELECT 'Product ' || n, 5, 1000000, 1 FROM generate_series(1, :count) AS n"
        columns = "(name, price, stock_quantity, category_id)"
        await session.execute(text(f"INSERT INTO products {columns} {things}"), {"count": PRODUCTS})
    await database.close()


def serve(url: str, port: int) -> "subprocess.Popen[bytes]":
    """Start the server."""
    settings = {"DATABASE_URL": url, "SHOP_SECRETS": SECRET, "SHOP_CONNECTIONS_PER_ADDRESS": "1000"}
    settings |= {"SHOP_COST_PER_VIEWER": "off", "SHOP_COST_PER_ADDRESS": "off"}  # all load comes from one address
    command = [sys.executable, "-m", "shop_graphql", "serve", "--port", str(port)]
    return subprocess.Popen(command, env={**os.environ, **settings, "SHOP_LOG_LEVEL": "warning"})  # noqa: S603


async def run(address: str, server: int) -> list[Round]:
    """Return all rounds."""
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(200):
            try:
                if (await http.get(f"http://{address}/ready")).is_success:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    return [
        await measure(address, server, "nobody", 0, is_staff=False),
        await measure(address, server, "own orders, a page of products", SUBSCRIBERS, is_staff=False),
        await measure(address, server, "all orders", SUBSCRIBERS // 10, is_staff=True),
        await measure(address, server, "all orders", SUBSCRIBERS, is_staff=True),
    ]


def main() -> None:
    """Measure, and print a table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    with TemporaryDirectory(prefix="shop-") as folder, embedded.server(Path(folder)) as cluster:
        url = cluster.database("postgres")
        migration.upgrade(url)
        asyncio.run(fill(url))
        with serving.listening("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        process = serve(url, port)
        try:
            rounds = asyncio.run(run(f"127.0.0.1:{port}", process.pid))
        finally:
            process.terminate()
            process.wait(30)
    Console().print(_table(rounds))


def _table(rounds: list[Round]) -> Table:
    table = Table("watched", "subscribers", "events/s", "p50 ms", "p99 ms", "server CPU %", "orders told")
    for round in rounds:
        delays: list[Any] = round.delays()
        quantiles = statistics.quantiles(delays, n=100) if len(delays) > 1 else [0.0] * 99
        missing = "all" if {id for id, _ in round.told} == round.placed.keys() else str(len({i for i, _ in round.told}))
        cells = [f"{round.events / SECONDS:.0f}", f"{quantiles[49]:.0f}", f"{quantiles[98]:.0f}"]
        table.add_row(
            round.name, str(round.subscribers), *cells, f"{100 * round.server:.0f}", missing if round.told else ""
        )
    return table


if __name__ == "__main__":
    main()
