"""How an order is placed: one statement, which is its own transaction. The rules that it keeps are judged here.

The statement locks the buyer and then the products by id, judges, and only when nothing is wrong claims the key and
writes. Whatever is wrong is told from what it has read, so that no rule is in its words only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import orjson

from shop_graphql.database import Statements
from shop_graphql.errors import (
    Issue,
    NotFound,
    OutOfStock,
    Path,
    PriceChanged,
    ShopError,
    Shortage,
    ValidationFailed,
    refuse,
)
from shop_graphql.models import MAX_INT, MAX_MONEY
from shop_graphql.services import idempotency
from shop_graphql.services.idempotency import Outcome
from shop_graphql.services.rules import Rules

MAX_ITEMS = 50
MAX_QUANTITY = 999

TRIES = 3
"""How often an order is tried; again only after its key was swept away between two statements."""


@dataclass(frozen=True)
class NewItem:
    """A product and how many of it are ordered."""

    product_id: int
    quantity: int


@dataclass
class _Line:
    """All items of one product; `path` is where it was first named."""

    path: Path
    quantity: int = 0


_Lines = Mapping[int, _Line]


@dataclass(frozen=True)
class _Product:
    """What the statement has read of a product under its lock."""

    price: Decimal
    stock_quantity: int
    is_archived: bool

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        return cls(Decimal(row["price"]), row["stock"], row["archived"])


async def create_order(
    statements: Statements,
    *,
    actor: str | None,
    user_id: int,
    items: Sequence[NewItem],
    expected_total: Decimal | None = None,
    key: str | None = None,
) -> Outcome:
    """Order products at today's prices and take them from stock, all or nothing.

    Quantities are summed per product. Under a key of the actor the same order is placed once and answered again. Locks
    the user, then the products by id. Raises, with every problem of the request at once, ValidationFailed, NotFound
    (paths `user_id` and `items.N.product_id`) and OutOfStock; PriceChanged when the total is not `expected_total`;
    IdempotencyConflict.
    """
    if key is not None:
        idempotency.check(key)
    lines, rules = _lines(items)
    owner = actor or ""
    arguments = {"user_id": user_id, "items": items, "expected_total": expected_total}
    fingerprint = idempotency.fingerprint("create_order", arguments)
    values = [
        *(owner, key, fingerprint, user_id, list(lines), [_countable(line) for line in lines.values()]),
        *(expected_total, actor, not rules.issues, MAX_MONEY),
    ]
    for _ in range(TRIES):
        found = orjson.loads(await statements.fetch(_PLACE, values) or "{}")
        if found["answer"]:
            return Outcome(idempotency.thaw(found["answer"]), replayed=False)
        if key is not None and (known := await idempotency.find(statements, owner, key, fingerprint)):
            return known
        # When nothing is wrong either, a key was in the way that has been swept away since.
        _judge(rules, lines, found, expected_total)
    raise RuntimeError("nothing speaks against an order, and it was not placed")


def _countable(line: _Line) -> int:
    """Return the quantity, or what an integer holds instead: one so far out has broken its rule already."""
    return min(max(line.quantity, 0), MAX_INT)


def _judge(rules: Rules, lines: _Lines, found: Mapping[str, Any], expected_total: Decimal | None) -> None:
    """Raise what is wrong with an order that was not placed."""
    products = {row["id"]: _Product.read(row) for row in found["products"]}
    for id, line in lines.items():
        sold = id not in products or not products[id].is_archived
        rules.require(sold, (*line.path, "product_id"), "This product is no longer sold.")
    stranger = [] if found["buyer"] else [NotFound("user", ("user_id",))]
    refuse([*rules.problems(), *stranger, *_missing(lines, products), *_shortages(lines, products)])
    total = sum((products[id].price * line.quantity for id, line in lines.items()), Decimal())
    if total > MAX_MONEY:
        raise ValidationFailed(Issue(("items",), f"The order comes to {total}; at most {MAX_MONEY} is possible."))
    if expected_total is not None and total != expected_total:
        raise PriceChanged(expected_total, total)


def _lines(items: Sequence[NewItem]) -> tuple[dict[int, _Line], Rules]:
    rules = Rules()
    rules.require(len(items) > 0, ("items",), "An order has at least one item.")
    lines: dict[int, _Line] = {}
    for index, item in enumerate(items):
        rules.require(item.quantity >= 1, ("items", index, "quantity"), "This must be at least 1.")
        line = lines.setdefault(item.product_id, _Line(("items", index)))
        line.quantity += item.quantity
    for line in lines.values():
        message = f"At most {MAX_QUANTITY} of one product can be ordered at once; this comes to {line.quantity}."
        rules.require(line.quantity <= MAX_QUANTITY, (*line.path, "quantity"), message)
    if len(lines) > MAX_ITEMS:
        rules.require(False, ("items",), f"An order has at most {MAX_ITEMS} different products, not {len(lines)}.")
        rules.enforce()
    return lines, rules


def _missing(lines: _Lines, products: Mapping[int, _Product]) -> list[ShopError]:
    return [NotFound("product", (*line.path, "product_id")) for id, line in lines.items() if id not in products]


def _shortages(lines: _Lines, products: Mapping[int, _Product]) -> list[ShopError]:
    shortages = [
        Shortage((*line.path, "quantity"), id, line.quantity, products[id].stock_quantity)
        for id, line in lines.items()
        # What no integer can hold has broken its rule already, and a client could not be told how much it is.
        if id in products and products[id].stock_quantity < line.quantity <= MAX_INT
    ]
    return [OutOfStock(*shortages)] if shortages else []


# A row that was locked is read again, and so is the one that is updated: both are as the last one to commit left them.
# What the key is to remember holds the order's id, which is therefore drawn before. A twin under way holds the same
# products and is waited for there; one with another cart is waited for at the key, by somebody who has all their locks.
_PLACE = """
WITH wanted AS MATERIALIZED (
    SELECT id, quantity, line
    FROM unnest($5::bigint[], $6::integer[]) WITH ORDINALITY AS wanted (id, quantity, line)
),
buyer AS MATERIALIZED (SELECT id FROM users WHERE id = $4::bigint AND erased_at IS NULL FOR SHARE),
locked AS MATERIALIZED (
    SELECT products.id, name, price, stock_quantity, archived_at, quantity, line
    FROM wanted JOIN products ON products.id = wanted.id
    WHERE (SELECT count(*) FROM buyer) >= 0
    ORDER BY products.id FOR NO KEY UPDATE OF products
),
judged AS MATERIALIZED (
    SELECT sum(price * quantity) AS total FROM locked
    HAVING $9::boolean
        AND EXISTS (SELECT FROM buyer)
        AND count(*) = (SELECT count(*) FROM wanted)
        AND bool_and(archived_at IS NULL AND stock_quantity >= quantity)
        AND sum(price * quantity) <= $10::numeric
        AND ($7::numeric IS NULL OR sum(price * quantity) = $7)
),
drawn AS MATERIALIZED (
    SELECT id, jsonb_build_object('table', 'orders', 'row', jsonb_build_object(
        'id', id, 'user_id', $4, 'status', 'pending', 'total_amount', total::text, 'created_at', now(), 'version', 1
    )) AS answer, total
    FROM (SELECT nextval(pg_get_serial_sequence('orders', 'id')) AS id, total FROM judged) AS next
),
keyed AS (
    INSERT INTO idempotency_keys (owner, key, fingerprint, answer)
    SELECT $1::text, $2::text, $3::bytea, answer FROM drawn WHERE $2 IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING key
),
placed AS (
    INSERT INTO orders (id, user_id, total_amount)
    SELECT id, $4, total FROM drawn WHERE $2 IS NULL OR EXISTS (SELECT FROM keyed)
    RETURNING id, total_amount
),
listed AS (
    INSERT INTO order_items (order_id, product_id, product_name, quantity, unit_price)
    SELECT placed.id, locked.id, name, quantity, price FROM placed, locked ORDER BY line
),
taken AS (
    UPDATE products SET stock_quantity = products.stock_quantity - locked.quantity, version = version + 1
    FROM locked, placed WHERE products.id = locked.id
    RETURNING products.id, locked.quantity, locked.line, products.stock_quantity AS balance
),
moved AS (
    INSERT INTO stock_movements (product_id, kind, delta, balance, order_id, actor)
    SELECT taken.id, 'order', -quantity, balance, placed.id, $8::text FROM placed, taken ORDER BY taken.id
),
noted AS (INSERT INTO order_events (order_id, status, actor) SELECT id, 'pending', $8 FROM placed),
told AS (
    INSERT INTO outbox (kind, payload, actor)
    SELECT 'order.placed', jsonb_build_object(
        'orderId', id, 'userId', $4, 'totalAmount', total_amount::text, 'items', (
            SELECT jsonb_agg(
                jsonb_build_object('productId', taken.id, 'quantity', quantity, 'balance', balance) ORDER BY line
            ) FROM taken
        )
    ), $8 FROM placed
)
SELECT json_build_object(
    'answer', (SELECT answer FROM drawn WHERE EXISTS (SELECT FROM placed)),
    'buyer', EXISTS (SELECT FROM buyer),
    'products', (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'price', price::text, 'stock', stock_quantity, 'archived', archived_at IS NOT NULL
        )), '[]') FROM locked WHERE NOT EXISTS (SELECT FROM placed)
    )
)::text
"""
