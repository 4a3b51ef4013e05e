"""The life of an order, its history, and the ledger of stock."""

import asyncio
from typing import Any

import pytest

from shop_graphql.database import Database
from tests.api.conftest import ACTOR, Client
from tests.api.mutating import Values, done, invalid, mutate, refused, tables, unknown
from tests.factories import Factory

LEDGER = """{
  product(id: "prod_1") {
    stockQuantity
    stockMovements(orderBy: [{field: CREATED_AT}]) { nodes { kind delta balance reason order { id } } }
  }
}"""


@pytest.fixture(autouse=True)
async def order(client: Client, make: Factory) -> None:
    await make.user()
    await mutate(
        client,
        "createProduct",
        name="Lamp",
        price="2.50",
        stockQuantity=10,
        category={"new": {"name": "Light"}},
    )
    items = [{"productId": "prod_1", "quantity": 4}]
    await mutate(client, "createOrder", idempotencyKey="o", userId="user_1", items=items)


async def ledger(client: Client) -> tuple[int, list[tuple[Any, ...]]]:
    product = (await client.ask(LEDGER))["product"]
    rows = [
        (row["kind"], row["delta"], row["balance"], row["reason"], row["order"] and row["order"]["id"])
        for row in product["stockMovements"]["nodes"]
    ]
    return product["stockQuantity"], rows


async def shown(client: Client) -> Values:
    query = '{ order(id: "ord_1") { status version allowedTransitions history { status reason actor } } }'
    found: Values = (await client.ask(query))["order"]
    return found


def event(status: str, reason: str | None = None) -> Values:
    return {"status": status, "reason": reason, "actor": ACTOR}


def not_from(status: str, target: str) -> Values:
    message = f"An order that is {status.lower()} cannot become {target.lower()}."
    return refused("InvalidTransition", message, **{"from": status, "to": target, "allowed": []})


OPENING = [("INITIAL", 10, 10, None, None), ("ORDER", -4, 6, None, "ord_1")]


async def test_a_new_order_is_pending_and_may_become_either(client: Client) -> None:
    assert await shown(client) == {
        "status": "PENDING",
        "version": 1,
        "allowedTransitions": ["COMPLETED", "CANCELLED"],
        "history": [event("PENDING")],
    }
    assert await ledger(client) == (6, OPENING)


async def test_a_completed_order_stays_so(client: Client, database: Database) -> None:
    completed = await mutate(client, "completeOrder", "order { status } replayed", orderId="ord_1")
    assert completed == done("completeOrder", order={"status": "COMPLETED"}, replayed=False)
    before = await tables(database)
    assert await mutate(client, "cancelOrder", orderId="ord_1") == not_from("COMPLETED", "CANCELLED")
    assert await mutate(client, "completeOrder", orderId="ord_1") == not_from("COMPLETED", "COMPLETED")
    assert await tables(database) == before
    assert await shown(client) == {
        "status": "COMPLETED",
        "version": 2,
        "allowedTransitions": [],
        "history": [event("PENDING"), event("COMPLETED")],
    }
    assert await ledger(client) == (6, OPENING)


async def test_a_cancelled_order_returns_its_stock_once(client: Client) -> None:
    cancelled = await mutate(client, "cancelOrder", "order { status }", orderId="ord_1", reason="Too late")
    assert cancelled == done("cancelOrder", order={"status": "CANCELLED"})
    assert await mutate(client, "cancelOrder", orderId="ord_1") == not_from("CANCELLED", "CANCELLED")
    assert await ledger(client) == (10, [*OPENING, ("RETURN", 4, 10, "Too late", "ord_1")])
    assert (await shown(client))["history"] == [event("PENDING"), event("CANCELLED", "Too late")]
    await mutate(client, "deleteOrder", orderId="ord_1")
    assert (await ledger(client))[0] == 10


async def test_a_cancelled_order_may_keep_its_stock(client: Client) -> None:
    await mutate(client, "cancelOrder", orderId="ord_1", restock=False)
    assert await ledger(client) == (6, OPENING)


async def test_of_concurrent_steps_one_is_taken(client: Client) -> None:
    steps = [mutate(client, name, orderId="ord_1") for name in ("completeOrder", "cancelOrder") * 5]
    kinds = [answer["__typename"] for answer in await asyncio.gather(*steps)]
    assert kinds.count("InvalidTransitionError") == 9
    stock = 10 if "CancelOrderSuccess" in kinds else 6
    assert (await ledger(client))[0] == stock


@pytest.mark.parametrize("name", ["completeOrder", "cancelOrder"])
async def test_a_step_of_an_unknown_order_is_refused(client: Client, name: str) -> None:
    assert await mutate(client, name, orderId="ord_9") == unknown("order", "ord_9", "orderId")


@pytest.mark.parametrize("name", ["completeOrder", "cancelOrder"])
async def test_a_step_with_another_version_is_refused(client: Client, database: Database, name: str) -> None:
    before = await tables(database)
    conflict = await mutate(client, name, orderId="ord_1", expectedVersion=7)
    message = "It was changed in the meantime; its version is 1 now."
    assert conflict == refused("VersionConflict", message, current=1)
    assert await tables(database) == before
    assert (await mutate(client, name, orderId="ord_1", expectedVersion=1))["__typename"].endswith("Success")


async def test_a_reason_is_of_a_sensible_length(client: Client, database: Database) -> None:
    before = await tables(database)
    refusal = await mutate(client, "cancelOrder", orderId="ord_1", reason="x" * 501)
    assert refusal == invalid("This has 501 characters; 500 are allowed.", "reason")
    assert await tables(database) == before


async def test_stock_is_adjusted_with_a_reason(client: Client) -> None:
    adjusted = await mutate(
        client, "adjustStock", "product { stockQuantity }", productId="prod_1", delta=-1, reason="Broken"
    )
    assert adjusted == done("adjustStock", product={"stockQuantity": 5})
    await mutate(client, "addCategoryStock", categoryId="cat_1", quantity=10)
    assert await ledger(client) == (
        15,
        [*OPENING, ("ADJUSTMENT", -1, 5, "Broken", None), ("ADJUSTMENT", 10, 15, None, None)],
    )


async def test_stock_is_adjusted_only_from_what_was_expected(client: Client, database: Database) -> None:
    before = await tables(database)
    conflict = await mutate(client, "adjustStock", productId="prod_1", delta=1, expectedStock=7)
    message = "It was changed in the meantime; its version is 6 now."
    assert conflict == refused("VersionConflict", message, current=6)
    assert await tables(database) == before
    adjust = [mutate(client, "adjustStock", productId="prod_1", delta=1, expectedStock=6) for _ in range(5)]
    kinds = [answer["__typename"] for answer in await asyncio.gather(*adjust)]
    assert kinds.count("AdjustStockSuccess") == 1
    assert (await ledger(client))[0] == 7


@pytest.mark.parametrize("delta", [0, 1_000_000_001, -1_000_000_001])
async def test_an_adjustment_is_of_a_sensible_size(client: Client, database: Database, delta: int) -> None:
    before = await tables(database)
    refusal = await mutate(client, "adjustStock", productId="prod_1", delta=delta)
    assert refusal["__typename"] == "ValidationError"
    assert await tables(database) == before


async def test_stock_cannot_be_adjusted_below_zero_or_without_end(client: Client, database: Database) -> None:
    before = await tables(database)
    short = await mutate(client, "adjustStock", productId="prod_1", delta=-7)
    assert short["shortages"] == [
        {"path": ["input", "delta"], "requested": 7, "available": 6, "product": {"id": "prod_1"}}
    ]
    full = await mutate(client, "adjustStock", productId="prod_1", delta=1_000_000_000)
    assert full == invalid("With this the stock would pass 1000000000.", "delta")
    assert await mutate(client, "adjustStock", productId="prod_9", delta=1) == unknown("product", "prod_9", "productId")
    assert await tables(database) == before


async def test_movements_are_filtered_and_paged(client: Client) -> None:
    query = """{
      product(id: "prod_1") {
        taken: stockMovements(where: {kinds: [ORDER]}) { nodes { delta product { id } createdAt } }
        ordered: stockMovements(where: {orderId: "ord_1"}) { totalCount { value } }
        others: stockMovements(where: {not: {orderId: "ord_1"}}) { nodes { kind } }
        last: stockMovements(first: 1) { nodes { balance } pageInfo { hasNextPage } }
      }
    }"""
    product = (await client.ask(query))["product"]
    assert [(row["delta"], row["product"]["id"]) for row in product["taken"]["nodes"]] == [(-4, "prod_1")]
    assert product["ordered"] == {"totalCount": {"value": 1}}
    assert product["others"] == {"nodes": [{"kind": "INITIAL"}]}
    assert product["last"] == {"nodes": [{"balance": 6}], "pageInfo": {"hasNextPage": True}}
