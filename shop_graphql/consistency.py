"""What must hold in every shop at every moment, each as one SQL statement that finds what breaks it.

Orders of the sample shop were loaded, not placed: they took nothing from today's stock, and no event tells of them.
Events that are old are swept from the outbox, and the sweep says from which moment on none is missing. What was done
since then must have its event; what is older is judged without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LIMIT = 20
"""How many offending rows of one check are returned."""


@dataclass(frozen=True)
class Check:
    """An invariant: its name, what it means, and the statement that selects the rows which break it."""

    name: str
    meaning: str
    statement: str


@dataclass(frozen=True)
class Violation:
    """A check that failed, and the first rows that break it."""

    check: Check
    rows: list[Mapping[str, Any]]


_EVENTS = """
    WITH swept AS (
        SELECT coalesce(max((payload->>'before')::timestamptz), '-infinity') AS before
        FROM outbox WHERE kind = 'outbox.swept'
    ),
    events AS (
        SELECT kind, payload, (payload->>'orderId')::bigint AS order_id FROM outbox, swept WHERE created_at >= before
    ),
"""
"""The events of the time of which none is missing."""


def _with_events(rest: str) -> str:
    return _EVENTS + rest


STOCK = Check(
    "stock",
    "No product has less than nothing in stock.",
    "SELECT id AS product_id, stock_quantity FROM products WHERE stock_quantity < 0 ORDER BY id LIMIT :limit",
)
TOTAL = Check(
    "order total",
    "An order's total is the sum of quantity times unit price of its items.",
    """
    SELECT o.id AS order_id, o.total_amount, coalesce(sum(i.quantity * i.unit_price), 0) AS items_amount
    FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
    GROUP BY o.id HAVING o.total_amount <> coalesce(sum(i.quantity * i.unit_price), 0)
    ORDER BY o.id LIMIT :limit
    """,
)
ITEMS = Check(
    "order items",
    "Every order has an item.",
    """
    SELECT o.id AS order_id FROM orders o
    WHERE NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.id) ORDER BY o.id LIMIT :limit
    """,
)
LEDGER = Check(
    "stock ledger",
    "A product's stock is the sum of the changes in its ledger.",
    """
    SELECT p.id AS product_id, p.stock_quantity, coalesce(sum(m.delta), 0) AS ledger
    FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
    GROUP BY p.id HAVING p.stock_quantity <> coalesce(sum(m.delta), 0) ORDER BY p.id LIMIT :limit
    """,
)
BALANCE = Check(
    "ledger balance",
    "Each row of the ledger says what was left: the sum of the product's changes up to it.",
    """
    SELECT id AS movement_id, product_id, balance, running FROM (
        SELECT id, product_id, balance, sum(delta) OVER (PARTITION BY product_id ORDER BY id) AS running
        FROM stock_movements
    ) AS ledger WHERE balance <> running ORDER BY id LIMIT :limit
    """,
)
TAKEN = Check(
    "order movements",
    "An order that was placed took its items from stock exactly once; one that was loaded took nothing.",
    # One whose event may have been swept shows by what it took that it was placed.
    _with_events("""
    placed AS (
        SELECT order_id FROM events WHERE kind = 'order.placed'
        UNION SELECT order_id FROM stock_movements, swept WHERE kind = 'order' AND created_at < before
    ),
    wanted AS (
        SELECT order_id, product_id, sum(quantity) AS quantity FROM order_items
        WHERE order_id IN (SELECT order_id FROM placed) GROUP BY order_id, product_id
    ),
    taken AS (
        SELECT order_id, product_id, -sum(delta) AS quantity FROM stock_movements
        WHERE kind = 'order' AND order_id IS NOT NULL GROUP BY order_id, product_id
    )
    SELECT order_id, product_id, coalesce(wanted.quantity, 0) AS ordered, coalesce(taken.quantity, 0) AS taken
    FROM wanted FULL JOIN taken USING (order_id, product_id)
    WHERE wanted.quantity IS DISTINCT FROM taken.quantity ORDER BY order_id, product_id LIMIT :limit
    """),
)
RETURNED = Check(
    "order returns",
    "Only a cancelled order was returned to stock: once, and whole if that was asked for.",
    _with_events("""
    asked AS (
        SELECT order_id, bool_or((payload->>'restock')::boolean) AS restock
        FROM events WHERE kind = 'order.cancelled' GROUP BY 1
    ),
    wanted AS (
        SELECT o.id AS order_id, i.product_id,
            sum(CASE WHEN o.status = 'cancelled' AND asked.restock IS NOT FALSE THEN i.quantity ELSE 0 END) AS most,
            sum(CASE WHEN o.status = 'cancelled' AND asked.restock THEN i.quantity ELSE 0 END) AS least
        FROM orders o JOIN order_items i ON i.order_id = o.id LEFT JOIN asked ON asked.order_id = o.id
        GROUP BY o.id, i.product_id
    ),
    returned AS (
        SELECT order_id, product_id, sum(delta) AS quantity FROM stock_movements
        WHERE kind = 'return' AND order_id IS NOT NULL GROUP BY order_id, product_id
    )
    SELECT order_id, product_id, coalesce(wanted.least, 0) AS to_return, coalesce(returned.quantity, 0) AS returned
    FROM wanted FULL JOIN returned USING (order_id, product_id)
    WHERE coalesce(returned.quantity, 0) NOT BETWEEN coalesce(wanted.least, 0) AND coalesce(wanted.most, 0)
    ORDER BY order_id, product_id LIMIT :limit
    """),
)
DELETED = Check(
    "deleted orders",
    "Of a product, deleted orders took what they did not return: nothing, but for those cancelled without a return.",
    # The ledger no longer knows which order it was, so all are judged together. A deleted order that had been loaded
    # returns what it never took, and one that was placed before the events begin what it took then; where there is one,
    # only too little can be told.
    _with_events("""
    deleted AS (SELECT order_id FROM events WHERE kind = 'order.deleted'),
    placed AS (SELECT order_id, payload->'items' AS items FROM events WHERE kind = 'order.placed'),
    kept AS (SELECT order_id FROM events WHERE kind = 'order.cancelled' AND NOT (payload->>'restock')::boolean),
    gone AS (
        SELECT (item->>'productId')::bigint AS product_id, sum((item->>'quantity')::bigint) AS quantity
        FROM placed JOIN deleted USING (order_id) JOIN kept USING (order_id), jsonb_array_elements(items) AS item
        GROUP BY 1
    ),
    ledger AS (
        SELECT product_id, sum(delta) AS delta FROM stock_movements, swept
        WHERE kind IN ('order', 'return') AND order_id IS NULL AND created_at >= before GROUP BY product_id
    )
    SELECT p.id AS product_id, -coalesce(gone.quantity, 0) AS expected, coalesce(ledger.delta, 0) AS ledger
    FROM products p LEFT JOIN gone ON gone.product_id = p.id LEFT JOIN ledger ON ledger.product_id = p.id
    WHERE coalesce(ledger.delta, 0) < -coalesce(gone.quantity, 0)
        OR coalesce(ledger.delta, 0) > -coalesce(gone.quantity, 0)
        AND NOT EXISTS (SELECT FROM deleted WHERE order_id NOT IN (SELECT order_id FROM placed))
    ORDER BY p.id LIMIT :limit
    """),
)
KEYS = Check(
    "idempotency keys",
    "A key has an answer; that of createOrder names one order, there or deleted since; no order has two keys.",
    _with_events("""
    answers AS (
        SELECT key, answer, (answer->'row'->>'id')::bigint AS id, created_at >= before AS is_told
        FROM idempotency_keys, swept
    ),
    creations AS (
        SELECT key, id AS order_id, is_told, count(*) OVER (PARTITION BY id) AS keys FROM answers
        WHERE answer->>'table' = 'orders' AND answer->'row'->>'status' = 'pending'
    ),
    deleted AS (SELECT order_id FROM events WHERE kind = 'order.deleted')
    SELECT key, order_id, keys FROM creations
    WHERE keys > 1
        OR is_told AND order_id NOT IN (SELECT id FROM orders) AND order_id NOT IN (SELECT order_id FROM deleted)
    UNION ALL
    SELECT key, NULL, NULL FROM answers WHERE answer IS NULL OR jsonb_typeof(answer) = 'null'
    ORDER BY key LIMIT :limit
    """),
)
PLACED = Check(
    "order.placed events",
    "An order with a key has exactly one order.placed event, and every such event an order, there or deleted since.",
    _with_events("""
    placed AS (SELECT order_id, count(*) AS events FROM events WHERE kind = 'order.placed' GROUP BY 1),
    known AS (
        SELECT (answer->'row'->>'id')::bigint AS order_id FROM idempotency_keys, swept
        WHERE created_at >= before AND answer->>'table' = 'orders' AND answer->'row'->>'status' = 'pending'
    ),
    deleted AS (SELECT order_id FROM events WHERE kind = 'order.deleted')
    SELECT order_id, coalesce(events, 0) AS events FROM placed FULL JOIN (SELECT DISTINCT order_id FROM known) AS known
        USING (order_id)
    WHERE events IS DISTINCT FROM 1
        OR (order_id NOT IN (SELECT id FROM orders) AND order_id NOT IN (SELECT order_id FROM deleted))
    ORDER BY order_id LIMIT :limit
    """),
)
CHECKS = (STOCK, TOTAL, ITEMS, LEDGER, BALANCE, TAKEN, RETURNED, DELETED, KEYS, PLACED)
"""All that must hold, in the order in which it is reported."""


async def violations(connection: AsyncConnection) -> list[Violation]:
    """Return what is wrong, all as of one snapshot. The connection must not have read anything in its transaction."""
    await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    found = [Violation(check, await _offending(connection, check)) for check in CHECKS]
    return [violation for violation in found if violation.rows]


async def _offending(connection: AsyncConnection, check: Check) -> list[Mapping[str, Any]]:
    result = await connection.execute(text(check.statement), {"limit": LIMIT})
    return [dict(row) for row in result.mappings()]
