"""The faults: each breaks something, lasts a while and mends it again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx
from sqlalchemy import Connection, text

from shop_graphql import migration
from tests.chaos.client import Client
from tests.chaos.customers import Purchase
from tests.chaos.server import Server, admin
from tests.faults.stage import Stage

NOISE = "INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 20000) AS n"

Deed = Callable[[Stage], Awaitable[None]]


class NotHere(Exception):
    """This fault cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Fault:
    """Something that can happen to a shop."""

    name: str
    do: Deed
    reads_survive: bool = False
    """Whether not one read may fail."""


async def restart(stage: Stage) -> None:
    """Shut PostgreSQL down and start it again two seconds later."""
    await stage.postgres.restart(pause=1.5)


async def kill(stage: Stage) -> None:
    """Kill PostgreSQL with SIGKILL."""
    await stage.postgres.kill()


async def freeze(stage: Stage) -> None:
    """Stop all of PostgreSQL's processes for ten seconds."""
    pids = [stage.postgres.pid, *_children(stage.postgres.pid)]
    _signal(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(10)
    finally:
        _signal(pids, signal.SIGCONT)


async def terminate_backends(stage: Stage) -> None:
    """End all connections from PostgreSQL's side, three times."""
    for _ in range(3):
        await stage.postgres.terminate_backends(share=1.1)
        await asyncio.sleep(0.5)


async def cut(stage: Stage) -> None:
    """Break all connections, three times."""
    for _ in range(3):
        await stage.line.snap()
        await asyncio.sleep(0.5)


async def refuse(stage: Stage) -> None:
    """Break all connections and refuse new ones for two seconds."""
    await stage.line.cut()
    await asyncio.sleep(2)
    await stage.line.mend()


async def silence(stage: Stage) -> None:
    """Let nothing pass for eight seconds, though connections seem to be open; then they are gone."""
    stage.line.silent = True
    await asyncio.sleep(8)
    await stage.line.snap()
    await stage.line.mend()


async def slowness(stage: Stage) -> None:
    """Delay everything by 0.2 seconds, and let 20 kB/s pass."""
    stage.line.latency, stage.line.rate = 0.2, 20_000
    await asyncio.sleep(5)
    await stage.line.mend()


async def drain_pool(stage: Stage) -> None:
    """Lock a table that everybody needs for six seconds, until no connection is free. `/health` must not notice."""
    async with stage.reader() as http:
        connection = await asyncpg.connect(stage.postgres.url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
                for _ in range(12):
                    await asyncio.sleep(0.5)
                    async with asyncio.timeout(1):
                        assert (await http.get("/health")).status_code == 200
        finally:
            await connection.close()


async def hold_rows(stage: Stage) -> None:
    """Hold a lock on every product for four seconds."""
    connection = await asyncpg.connect(stage.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM products FOR UPDATE")
            await asyncio.sleep(4)
    finally:
        await connection.close()


async def fill_disk(stage: Stage) -> None:
    """Leave the database no room for four seconds, and start it again if that has ended it."""
    if stage.disk is None:
        raise NotHere("a small file system can only be mounted by root")
    ballast = stage.disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    noise = asyncio.create_task(_write_much(stage.postgres.url))
    await asyncio.sleep(4)
    ballast.unlink()
    noise.cancel()
    await asyncio.gather(noise, return_exceptions=True)
    await asyncio.sleep(0.5)
    if not stage.postgres.is_running:
        await stage.postgres.restart()


async def migrate(stage: Stage) -> None:
    """Add a column and take it away, while one reader holds the table for three seconds."""
    connection = await asyncpg.connect(stage.postgres.url)
    async with connection.transaction():
        await connection.execute("SELECT count(*) FROM products")
        migrating = asyncio.create_task(asyncio.to_thread(migration.run, stage.postgres.url, _add_column))
        await asyncio.sleep(3)
    await connection.close()
    await migrating
    await asyncio.to_thread(migration.run, stage.postgres.url, _drop_column)


async def leave(stage: Stage) -> None:
    """Send forty orders and go away before the answer; each key is then asked for, and must name one order."""
    document = (
        'mutation ($k: String!) { createOrder(input: {idempotencyKey: $k, userId: "user_1", '
        'items: [{productId: "prod_1", quantity: 1}]}) { __typename } }'
    )
    keys = [f"gone-{stage.random.random()}" for _ in range(40)]
    async with stage.reader() as http:
        for key in keys:
            with suppress(httpx.TransportError):
                body = {"query": document, "variables": {"k": key}}
                await http.post("/graphql", json=body, timeout=stage.random.uniform(0.001, 0.02))
    selection = "order { id totalAmount items { quantity product { id } } } replayed"
    wanted = [{"productId": "prod_1", "quantity": 1}]
    for key in keys:
        answer = await stage.client.mutate("createOrder", selection, idempotencyKey=key, userId="user_1", items=wanted)
        if "order" in answer:
            order = answer["order"]
            items = {item["product"]["id"]: item["quantity"] for item in order["items"]}
            stage.record.purchases.append(Purchase(key, order["id"], "user_1", wanted, order["totalAmount"], items))


async def end_server(stage: Stage) -> None:
    """End the server by SIGTERM, which its readiness must tell before, and start it again."""
    told: set[int] = set()
    restarts = stage.shop.restarts
    async with stage.reader() as http:
        stage.shop.terminate()
        while stage.shop.restarts == restarts:
            with suppress(httpx.TransportError):
                told.add((await http.get("/ready", timeout=1)).status_code)
            await asyncio.sleep(0.02)
    assert 503 in told, f"no readiness was red before the server ended, but {told}"
    await stage.shop.wait()


async def kill_worker(stage: Stage) -> None:
    """Kill a worker with SIGKILL."""
    while not stage.shop.kill_worker():  # noqa: ASYNC110 - no event tells that a worker has started
        await asyncio.sleep(0.05)
    await asyncio.sleep(2)


async def shift_clock(stage: Stage) -> None:
    """Serve beside the others with a clock that is two hours ahead: keys hold, a token of an hour has run out."""
    library = _faketime()
    if library is None:
        raise NotHere("libfaketime is not installed")
    ahead = {"LD_PRELOAD": library, "FAKETIME": "+2h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with TemporaryDirectory() as folder:
        other = Server(stage.line.url, Path(folder, "log"), 1, **ahead)
        client = Client(other.address, stage.random)
        try:
            await other.wait()
            await _buy_again(stage, client)
            async with httpx.AsyncClient(base_url=other.address, headers=admin(hours=1)) as http:
                answer = await http.post("/graphql", json={"query": "{ users { nodes { id } } }"})
                assert "UNAUTHENTICATED" in answer.text, "a token that has run out was taken"
        finally:
            await client.close()
            await asyncio.to_thread(other.stop)


async def _buy_again(stage: Stage, client: Client) -> None:
    for purchase in stage.record.purchases[-10:]:
        input = {"idempotencyKey": purchase.key, "userId": purchase.user, "items": purchase.wanted}
        answer = await client.mutate("createOrder", "replayed order { id }", **input)
        assert (answer.get("replayed"), answer.get("order")) == (True, {"id": purchase.id}), "a key was forgotten"


FAULTS = (
    Fault("PostgreSQL restarted, away for two seconds", restart, reads_survive=True),
    Fault("PostgreSQL killed (SIGKILL)", kill),
    Fault("PostgreSQL stopped for ten seconds (SIGSTOP)", freeze),
    Fault("all backends terminated, three times", terminate_backends, reads_survive=True),
    Fault("connections to PostgreSQL cut, three times", cut, reads_survive=True),
    Fault("connections cut and refused for two seconds", refuse, reads_survive=True),
    Fault("connections half-open for eight seconds", silence),
    Fault("connections slow: 0.2 s late, 20 kB/s", slowness, reads_survive=True),
    Fault("a table locked for six seconds, pool drained", drain_pool),
    Fault("all products locked by another for four seconds", hold_rows, reads_survive=True),
    Fault("disk full for four seconds", fill_disk),
    Fault("migration behind a reader of three seconds", migrate, reads_survive=True),
    Fault("a worker beside the others, its clock two hours ahead", shift_clock, reads_survive=True),
    Fault("clients gone in mid-request", leave, reads_survive=True),
    Fault("a worker killed (SIGKILL)", kill_worker),
    Fault("the server ended (SIGTERM) and started", end_server),
)


def _faketime() -> str | None:
    """Return where libfaketime lies."""
    installed = map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return next((path for path in [os.environ.get("FAKETIME_LIBRARY"), *installed] if path), None)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def _write_much(url: str) -> None:
    """Use up what room there is in files that were begun."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(url)
        while True:
            await connection.execute("CREATE TABLE IF NOT EXISTS noise (text text)")
            with suppress(asyncpg.DiskFullError):
                await connection.execute(NOISE)
            await asyncio.sleep(0.1)


def _add_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE products ADD COLUMN colour text"))


def _drop_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE products DROP COLUMN colour"))
