"""Idempotency keys: whatever is sent again is carried out once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, update

from shop_graphql.database import Database
from shop_graphql.models import IdempotencyKey, Order, Product, StockMovement
from shop_graphql.services.idempotency import sweep
from tests.api.conftest import Client
from tests.api.mutating import Values, done, invalid, mutate, refused, tables
from tests.factories import Factory

CONFLICT = "This key was used for another request; use a new one."
ORDER = "order { id totalAmount status version items { quantity } } replayed"


@pytest.fixture(autouse=True)
async def shop(make: Factory) -> None:
    await make.user()
    await make.product(stock=5, price="2.50")


async def order(client: Client, key: str = "k", quantity: int = 2) -> Values:
    items = [{"productId": "prod_1", "quantity": quantity}]
    return await mutate(client, "createOrder", ORDER, idempotencyKey=key, userId="user_1", items=items)


async def stock(database: Database) -> Any:
    async with database.transaction() as session:
        return await session.scalar(select(Product.stock_quantity))


async def test_the_same_request_is_answered_again_and_not_carried_out(client: Client, database: Database) -> None:
    first = await order(client)
    before = await tables(database)
    again = await order(client)
    assert first["replayed"] is False
    assert again == {**first, "replayed": True}
    assert await tables(database) == before


async def test_a_replay_shows_the_order_as_it_was_answered(client: Client) -> None:
    first = await order(client)
    await mutate(client, "completeOrder", orderId=first["order"]["id"])
    assert (await order(client))["order"] == first["order"]


async def test_the_same_key_with_other_input_is_a_conflict(client: Client, database: Database) -> None:
    await order(client)
    before = await tables(database)
    conflict = refused("IdempotencyConflict", CONFLICT, path=["input", "idempotencyKey"])
    assert await order(client, quantity=1) == conflict
    assert await mutate(client, "completeOrder", idempotencyKey="k", orderId="ord_1") == conflict
    assert await tables(database) == before


async def test_concurrent_twins_have_one_effect(client: Client, database: Database) -> None:
    answers = await asyncio.gather(*(order(client) for _ in range(10)))
    assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * 9
    assert {answer["order"]["id"] for answer in answers} == {"ord_1"}
    assert await stock(database) == 3


async def test_a_refused_attempt_frees_its_key(client: Client, database: Database) -> None:
    assert (await order(client, quantity=6))["__typename"] == "OutOfStockError"
    assert (await order(client, quantity=5))["replayed"] is False
    assert await stock(database) == 0


async def test_a_twin_takes_over_from_one_that_was_refused(client: Client, database: Database, make: Factory) -> None:
    answers = await asyncio.gather(*(order(client, key=f"k{n % 2}", quantity=3) for n in range(6)))
    kinds = [(answer["__typename"], answer.get("replayed")) for answer in answers]
    assert kinds.count(("CreateOrderSuccess", False)) == 1
    assert kinds.count(("CreateOrderSuccess", True)) == 2
    assert kinds.count(("OutOfStockError", None)) == 3
    assert await stock(database) == 2


@pytest.mark.parametrize("key", ["x" * 255, "Größe 7 / ✓", "{}"])
async def test_any_printable_text_is_a_key(client: Client, key: str) -> None:
    assert (await order(client, key))["replayed"] is False


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\nb", "a\x00b", " a", "a "])
async def test_other_texts_are_no_keys(client: Client, database: Database, key: str) -> None:
    before = await tables(database)
    message = "This must be 1 to 255 printable characters, without spaces at the ends."
    assert await order(client, key) == invalid(message, "idempotencyKey")
    assert await tables(database) == before


@pytest.mark.parametrize(
    ("name", "payload", "input"),
    [
        ("addCategoryStock", "changedCount", {"categoryId": "cat_1", "quantity": 3}),
        ("adjustStock", "product { id stockQuantity version }", {"productId": "prod_1", "delta": -2}),
        ("createProduct", "product { id price }", {"name": "N", "price": "1", "category": {"id": "cat_1"}}),
        (
            "createProduct",
            "product { id description archivedAt }",
            {"name": "N", "price": "1", "category": {"new": {"name": "X"}}},
        ),
    ],
)
async def test_every_mutation_with_a_key_can_be_repeated(
    client: Client, database: Database, name: str, payload: str, input: Values
) -> None:
    first = await mutate(client, name, f"{payload} replayed", idempotencyKey="k", **input)
    before = await tables(database)
    again = await mutate(client, name, f"{payload} replayed", idempotencyKey="k", **input)
    assert (first["replayed"], again) == (False, {**first, "replayed": True})
    assert await tables(database) == before


@pytest.mark.parametrize("name", ["completeOrder", "cancelOrder"])
async def test_steps_of_an_order_can_be_repeated(client: Client, name: str) -> None:
    await order(client)
    payload = "order { status version history { status } } replayed"
    first = await mutate(client, name, payload, idempotencyKey="step", orderId="ord_1")
    again = await mutate(client, name, payload, idempotencyKey="step", orderId="ord_1")
    assert (first["replayed"], again) == (False, {**first, "replayed": True})


async def test_keys_are_kept_for_a_day_and_then_swept_away(client: Client, database: Database) -> None:
    for key in ("old", "new"):
        await order(client, key, quantity=1)
    async with database.transaction() as session:
        aged = func.now() - func.make_interval(0, 0, 0, 0, 25)
        statement = update(IdempotencyKey).where(IdempotencyKey.key == "old").values(created_at=aged)
        await session.execute(statement)
    async with database.transaction() as session:
        assert await sweep(session) == 1
    async with database.transaction() as session:
        assert list(await session.scalars(select(IdempotencyKey.key))) == ["new"]


async def test_a_dry_run_shows_the_order_and_writes_nothing(client: Client, database: Database) -> None:
    before = await tables(database)
    items = [{"productId": "prod_1", "quantity": 2}]
    tried = await mutate(
        client,
        "createOrder",
        """order {
          totalAmount status items { quantity lineTotal product { stockQuantity } } history { status }
        } replayed""",
        userId="user_1",
        items=items,
        dryRun=True,
    )
    assert tried == done(
        "createOrder",
        order={
            "totalAmount": "5.00",
            "status": "PENDING",
            "items": [{"quantity": 2, "lineTotal": "5.00", "product": {"stockQuantity": 3}}],
            "history": [{"status": "PENDING"}],
        },
        replayed=False,
    )
    assert await tables(database) == before
    assert (await client.ask("{ products { nodes { stockQuantity } } }"))["products"]["nodes"] == [{"stockQuantity": 5}]


async def test_a_dry_run_refuses_what_an_order_would(client: Client, database: Database) -> None:
    before = await tables(database)
    items = [{"productId": "prod_1", "quantity": 9}]
    tried = await mutate(client, "createOrder", userId="user_1", items=items, dryRun=True)
    assert tried["__typename"] == "OutOfStockError"
    assert tried["shortages"][0]["product"] == {"id": "prod_1"}
    assert await tables(database) == before


async def test_dry_runs_and_orders_in_one_document_keep_apart(client: Client, database: Database) -> None:
    data = await client.ask(
        """mutation {
          a: createOrder(input: {idempotencyKey: "a", userId: "user_1", dryRun: true,
                                 items: [{productId: "prod_1", quantity: 5}]}) { __typename }
          b: createOrder(input: {idempotencyKey: "a", userId: "user_1", items: [{productId: "prod_1", quantity: 5}]}) {
            __typename ... on CreateOrderSuccess { replayed order { items { product { stockQuantity } } } }
          }
        }"""
    )
    assert data == {
        "a": {"__typename": "CreateOrderSuccess"},
        "b": {
            "__typename": "CreateOrderSuccess",
            "replayed": False,
            "order": {"items": [{"product": {"stockQuantity": 0}}]},
        },
    }
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Order)) == 1
        assert await session.scalar(select(func.sum(StockMovement.delta))) == -5


@pytest.mark.parametrize(("expected", "kind"), [("5.00", "CreateOrderSuccess"), ("5", "CreateOrderSuccess")])
async def test_the_expected_total_lets_an_order_pass(client: Client, expected: str, kind: str) -> None:
    items = [{"productId": "prod_1", "quantity": 2}]
    placed = await mutate(client, "createOrder", userId="user_1", items=items, expectedTotal=expected)
    assert placed["__typename"] == kind


async def test_another_total_than_expected_is_refused(client: Client, database: Database) -> None:
    before = await tables(database)
    items = [{"productId": "prod_1", "quantity": 2}]
    placed = await mutate(client, "createOrder", userId="user_1", items=items, expectedTotal="4.99")
    assert placed == refused("PriceChanged", "The total is 5.00, not 4.99.", expected="4.99", actual="5.00")
    assert await tables(database) == before
