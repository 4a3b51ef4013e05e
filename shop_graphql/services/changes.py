"""What has changed since a moment, as the outbox tells it.

Whoever asks again from where the last answer ended misses no change and meets none twice, and never waits for a
transaction that is still open. That takes a snapshot in place of a position: what was committed between two snapshots
is what the later one sees and the earlier one did not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shop_graphql.database import Statements

FOR_ALL = {"stock.added"}
"""The kinds of events that name no products, since it can be all of them."""

_SINCE = """
SELECT json_build_object(
    'moment', pg_current_snapshot()::text,
    'events', coalesce((
        SELECT json_agg(json_build_object('kind', kind, 'payload', payload) ORDER BY transaction_id, id) FROM outbox
        WHERE transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(transaction_id::text::xid8, $1::text::pg_snapshot)
    ), '[]')
)::text
"""


@dataclass(frozen=True)
class Change:
    """An order that changed and whose it is, and products that did; None in their place for any of them."""

    order_id: int | None = None
    user_id: int | None = None
    product_ids: Collection[int] | None = frozenset()


async def since(statements: Statements, moment: str | None) -> tuple[str, list[Change]]:
    """Return the present moment, and what has changed since `moment`; nothing when that is None."""
    found = orjson.loads(await statements.fetch(_SINCE, [moment]) or "")
    return found["moment"], [_change(event["kind"], event["payload"]) for event in found["events"]]


def _change(kind: str, payload: Mapping[str, Any]) -> Change:
    return Change(payload.get("orderId"), payload.get("userId"), None if kind in FOR_ALL else _products(payload))


def _products(payload: Mapping[str, Any]) -> frozenset[int]:
    items = [item["productId"] for item in payload.get("items") or ()]
    one = [payload["productId"]] if "productId" in payload else []
    return frozenset([*items, *one, *(payload.get("productIds") or ())])
