"""The hand-written limit: no GraphQL engine; a known document is one statement whose finished JSON is passed through.

BATCH=1: lookups (W1, W3) of requests that wait at the same time share one statement, on two connections of their own.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson

QUERIES = Path(os.environ["QUERIES"])
URL = os.environ["DATABASE_URL"]
LANES = 2 if os.environ.get("BATCH") else 0
POOL = int(os.environ["POOL"]) - LANES

PRODUCT = """(SELECT row_to_json(x) FROM (
  SELECT p.id, p.name, p.price::text AS price, p.stock_quantity AS "stockQuantity") x)"""
USER = """(SELECT row_to_json(x) FROM (SELECT u.id, u.email, u.full_name AS "fullName",
  (SELECT coalesce(json_agg(o), '[]') FROM (
    SELECT o.id, o.status, o.total_amount::text AS "totalAmount", o.created_at AS "createdAt",
      (SELECT coalesce(json_agg(i), '[]') FROM (SELECT i.quantity, i.unit_price::text AS "unitPrice",
        (SELECT row_to_json(p) FROM (SELECT p.id, p.name, p.price::text AS price,
          (SELECT row_to_json(c) FROM (SELECT c.name FROM categories c WHERE c.id = p.category_id) c) AS category
          FROM products p WHERE p.id = i.product_id) p) AS product
        FROM order_items i WHERE i.order_id = o.id ORDER BY i.id) i) AS items
    FROM orders o WHERE o.user_id = u.id ORDER BY o.created_at DESC LIMIT 20) o) AS orders) x)"""

STATEMENTS = {
    "W1": f"SELECT coalesce((SELECT {PRODUCT} FROM products p WHERE p.id = $1)::text, 'null')",
    "W2": """SELECT coalesce(json_agg(x), '[]')::text FROM (
      SELECT p.id, p.name, p.price::text AS price, p.stock_quantity AS "stockQuantity", p.created_at AS "createdAt",
        (SELECT row_to_json(y) FROM (SELECT c.id, c.name) y) AS category
      FROM (SELECT * FROM products ORDER BY created_at DESC LIMIT $1) p JOIN categories c ON c.id = p.category_id
      ORDER BY p.created_at DESC) x""",
    "W3": f"SELECT coalesce((SELECT {USER} FROM users u WHERE u.id = $1)::text, 'null')",
    "W4": """SELECT coalesce(json_agg(x), '[]')::text FROM (SELECT c.id, c.name,
        (SELECT coalesce(json_agg(p), '[]') FROM (
          SELECT id, name, price::text AS price FROM products WHERE category_id = c.id ORDER BY id LIMIT $2) p
        ) AS products
      FROM categories c ORDER BY c.id LIMIT $1) x""",
    # One statement is one round trip and its own transaction. `locked` takes the locks in the order of the ids, and
    # `fine` reads all of it, so nothing is written before every lock is held, and without its row nothing at all.
    "W5": """
    WITH wanted AS MATERIALIZED (
      SELECT id, sum(n)::int AS n, bool_and(n > 0) AS positive FROM unnest($2::int[], $3::int[]) u(id, n) GROUP BY id),
    locked AS MATERIALIZED (
      SELECT p.id, p.price, p.name, p.stock_quantity, wanted.n
      FROM wanted JOIN products p ON p.id = wanted.id ORDER BY p.id FOR UPDATE OF p),
    fine AS MATERIALIZED (
      SELECT sum(price * n) AS total FROM locked HAVING count(*) = (SELECT count(*) FROM wanted)
        AND bool_and(stock_quantity >= n) AND (SELECT bool_and(positive) FROM wanted)),
    placed AS (
      INSERT INTO orders (user_id, total_amount) SELECT $1, total FROM fine RETURNING id, total_amount),
    taken AS (
      UPDATE products p SET stock_quantity = p.stock_quantity - locked.n FROM locked, placed WHERE p.id = locked.id),
    bought AS (
      INSERT INTO order_items (order_id, product_id, quantity, unit_price)
      SELECT placed.id, u.id, u.n, locked.price
      FROM placed, unnest($2::int[], $3::int[]) WITH ORDINALITY u(id, n, place) JOIN locked ON locked.id = u.id
      ORDER BY u.place RETURNING id, product_id, quantity, unit_price)
    SELECT row_to_json(x)::text FROM (SELECT placed.id, placed.total_amount::text AS "totalAmount",
      (SELECT json_agg(y) FROM (SELECT b.quantity, b.unit_price::text AS "unitPrice",
        (SELECT row_to_json(z) FROM (SELECT locked.id, locked.name) z) AS product
        FROM bought b JOIN locked ON locked.id = b.product_id ORDER BY b.id) y) AS items FROM placed) x""",
}
ARGUMENTS: dict[str, tuple[str, Callable[[dict[str, Any]], list[Any]]]] = {
    "W1": ("product", lambda given: [given["id"]]),
    "W2": ("products", lambda given: [given["first"]]),
    "W3": ("user", lambda given: [given["id"]]),
    "W4": ("categories", lambda given: [given["first"], given["n"]]),
    "W5": (
        "createOrder",
        lambda given: [
            given["userId"],
            [item["productId"] for item in given["items"]],
            [item["quantity"] for item in given["items"]],
        ],
    ),
}
"""The field that each workload answers, and what its statement takes of the variables."""

MANY = {
    "W1": f"SELECT p.id, {PRODUCT}::text FROM products p WHERE p.id = ANY($1::int[])",
    "W3": f"SELECT u.id, {USER}::text FROM users u WHERE u.id = ANY($1::int[])",
}
"""The lookups, of many keys at once: each row is a key and its finished JSON."""


class Batch:
    """Gathers keys while its lane is busy, and sends them as one statement."""

    def __init__(self, lane: "Lane", statement: str) -> None:
        self.lane = lane
        self.statement = statement
        self.waiting: dict[int, asyncio.Future[str]] = {}

    def load(self, key: int) -> asyncio.Future[str]:
        """Return the JSON of `key`, later."""
        future = self.waiting.get(key)
        if future is None:
            future = self.waiting[key] = asyncio.get_running_loop().create_future()
            self.lane.wake()
        return future

    async def send(self) -> None:
        """Ask for every key that waits."""
        sent, self.waiting = self.waiting, {}
        try:
            rows = dict(await self.lane.connection.fetch(self.statement, list(sent)))
        except asyncpg.PostgresError as error:
            for future in sent.values():
                if not future.done():
                    future.set_exception(error)
            return
        for key, future in sent.items():
            if not future.done():
                future.set_result(rows.get(key, "null"))


class Lane:
    """One connection and its batches, sent one after the other."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.batches = {name: Batch(self, statement) for name, statement in MANY.items()}
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """See to it that what waits is sent."""
        if self.task is None:
            self.task = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        await asyncio.sleep(0)  # what arrived in this turn of the loop goes along
        while waiting := [batch for batch in self.batches.values() if batch.waiting]:
            for batch in waiting:
                await batch.send()
        self.task = None


class Server:
    """The ASGI application."""

    def __init__(self) -> None:
        documents = {name: (QUERIES / f"{name}.graphql").read_text() for name in STATEMENTS}
        self.names = {" ".join(text.split()): name for name, text in documents.items()}
        self.pool: asyncpg.Pool
        self.lanes: list[Lane] = []
        self.turn = 0

    async def start(self) -> None:
        """Open the connections. Nothing here changes a session, so none is reset when it is given back."""

        async def keep(_connection: object) -> None:
            pass

        self.pool = await asyncpg.create_pool(URL, min_size=POOL, max_size=POOL, reset=keep)
        self.lanes = [Lane(await asyncpg.connect(URL)) for _ in range(LANES)]

    async def answer(self, request: dict[str, Any]) -> tuple[str, str]:
        """Return the name of the field and its JSON. Raises KeyError, ValueError."""
        name = self.names[" ".join(request["query"].split())]
        variables = request.get("variables") or {}
        field, read = ARGUMENTS[name]
        if self.lanes and name in MANY:
            self.turn += 1
            return field, await self.lanes[self.turn % LANES].batches[name].load(variables["id"])
        async with self.pool.acquire() as connection:
            text = await connection.fetchval(STATEMENTS[name], *read(variables))
        if text is None:
            raise ValueError("no items, a quantity below 1, an unknown product or short stock")
        return field, text

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        try:
            field, text = await self.answer(orjson.loads(body))
            content = b'{"data":{"%b":%b}}' % (field.encode(), text.encode())
        except (KeyError, ValueError, asyncpg.PostgresError) as error:
            content = orjson.dumps({"data": None, "errors": [{"message": str(error)}]})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


app = Server()
