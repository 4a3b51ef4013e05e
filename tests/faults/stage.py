"""A shop under load on a database at the end of a wire, and all that a fault can lay hands on."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from subprocess import run as run_command
from tempfile import TemporaryDirectory

import httpx

from tests.chaos.client import Client, Unanswered
from tests.chaos.customers import PRODUCTS, Customer, Record, furnish
from tests.chaos.judge import Judge
from tests.chaos.postgres import Postgres, postgres
from tests.chaos.server import Server, admin
from tests.faults.proxy import Proxy, proxied

CUSTOMERS = 6
READERS = 4
WORKERS = 2
DISK = "320m"
"""Room for the database's folder, and little more."""

PRODUCT = "query ($id: ID!) { product(id: $id) { name stockQuantity } }"


@dataclass
class Reading:
    """What readers met: answers, and whatever was none."""

    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0


@dataclass
class Stage:
    """All that a fault can lay hands on."""

    postgres: Postgres
    line: Proxy
    shop: Server
    client: Client
    judge: Judge
    record: Record
    random: Random
    disk: Path | None
    """The file system that the database has to itself, if it was possible to make one."""
    customers: list[Customer] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)

    async def trade(self, stop: asyncio.Event) -> list[str]:
        """Let people order and read until `stop`; return what went wrong for them."""
        self.reading = Reading()
        readers = [asyncio.create_task(self._read(stop)) for _ in range(READERS)]
        outcomes = await asyncio.gather(*(self._shop(customer, stop) for customer in self.customers))
        await asyncio.gather(*readers)
        return [complaint for outcome in outcomes for complaint in outcome]

    async def recovery(self) -> float:
        """Return the seconds until an order and a read succeed."""
        began = time.monotonic()
        await self.customers[0].act()
        async with self.reader() as http:
            while await read(http, "prod_1") is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return time.monotonic() - began

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client whose every request is a connection of its own."""
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=self.shop.address, timeout=15, limits=limits, headers=admin()) as http:
            yield http

    async def _read(self, stop: asyncio.Event) -> None:
        reading = self.reading
        async with self.reader() as http:
            while not stop.is_set():
                began = time.monotonic()
                failure = await read(http, f"prod_{self.random.randint(1, PRODUCTS)}")
                reading.longest = max(reading.longest, time.monotonic() - began)
                if failure is None:
                    reading.answers += 1
                else:
                    reading.failures[failure] += 1
                await asyncio.sleep(0.02)

    async def _shop(self, customer: Customer, stop: asyncio.Event) -> list[str]:
        while not stop.is_set():
            try:
                await customer.act()
            except Unanswered as error:
                return [str(error)]
        return []


async def read(http: httpx.AsyncClient, id: str) -> str | None:
    """Read a product; return what came instead of it, if anything did."""
    try:
        response = await http.post("/graphql", json={"query": PRODUCT, "variables": {"id": id}})
    except httpx.TransportError as error:
        return type(error).__name__
    return None if response.status_code == 200 and "errors" not in response.json() else str(response.status_code)


@contextmanager
def own_disk() -> Iterator[Path | None]:
    """Make a small file system, where that is permitted."""
    with TemporaryDirectory(prefix="disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", folder]
        if os.geteuid() != 0 or run_command(mount, capture_output=True).returncode != 0:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            run_command(["umount", "--lazy", folder], check=True)


@contextmanager
def ground() -> Iterator[tuple[Postgres, Path | None]]:
    """Start a database, on a disk of its own where that is permitted. Not for an event loop."""
    with own_disk() as disk, postgres(disk) as database:
        yield database, disk


@asynccontextmanager
async def stage(database: Postgres, disk: Path | None, random: Random, **environment: str) -> AsyncIterator[Stage]:
    """Open a furnished shop on a database."""
    with TemporaryDirectory(prefix="faults-log-") as folder:
        async with proxied(database.url) as line:
            shop = Server(line.url, Path(folder, "log"), WORKERS, **environment)
            client, judge, record = Client(shop.address, Random(random.random())), Judge(database.url), Record()
            customers = [Customer(f"c{n}", client, record, Random(random.random())) for n in range(CUSTOMERS)]
            try:
                await shop.wait()
                await furnish(client)
                yield Stage(database, line, shop, client, judge, record, random, disk, customers)
            finally:
                await client.close()
                await judge.close()
                await asyncio.to_thread(shop.stop)
