"""Buyers who race: nothing is sold twice, nobody waits for ever."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from shop_graphql.database import Database
from shop_graphql.models import Order, OrderItem, Product
from tests.api.conftest import Client
from tests.factories import Factory

CREATE_ORDER = """
mutation ($key: String!, $userId: ID!, $items: [OrderItemInput!]!) {
  createOrder(input: {idempotencyKey: $key, userId: $userId, items: $items}) {
    __typename
    ... on OutOfStockError { shortages { requested available } }
  }
}
"""


async def _buy(client: Client, *items: tuple[int, int]) -> dict[str, Any]:
    lines = [{"productId": f"prod_{product}", "quantity": quantity} for product, quantity in items]
    outcome: dict[str, Any] = (await client.ask(CREATE_ORDER, key=uuid4().hex, userId="user_1", items=lines))[
        "createOrder"
    ]
    return outcome


async def test_fifty_buyers_of_twenty_pieces_buy_exactly_twenty(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    await make.product(stock=20)
    outcomes = await asyncio.gather(*(_buy(client, (1, 1)) for _ in range(50)))
    names = [outcome["__typename"] for outcome in outcomes]
    assert (names.count("CreateOrderSuccess"), names.count("OutOfStockError")) == (20, 30)
    async with database.transaction() as session:
        assert await session.scalar(select(Product.stock_quantity)) == 0
        assert await session.scalar(select(func.sum(OrderItem.quantity))) == 20


async def test_orders_of_the_same_hot_products_never_deadlock(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    category = await make.category()
    for _ in range(20):
        await make.product(stock=1000, price="1.10", category=category)
    random = Random(7)
    carts = [[(id, random.randint(1, 3)) for id in random.sample(range(1, 21), 5)] for _ in range(200)]
    todo = iter(carts)

    async def buyer() -> list[str]:
        return [(await _buy(client, *cart))["__typename"] for cart in todo]

    outcomes = await asyncio.gather(*(buyer() for _ in range(40)))
    assert [name for bought in outcomes for name in bought] == ["CreateOrderSuccess"] * 200
    sold = sum(quantity for cart in carts for _, quantity in cart)
    async with database.transaction() as session:
        assert await session.scalar(select(func.sum(1000 - Product.stock_quantity))) == sold
        assert await session.scalar(select(func.sum(Order.total_amount))) == sold * Decimal("1.10")
        assert await session.scalar(select(func.sum(OrderItem.line_total))) == sold * Decimal("1.10")


async def test_orders_and_bulk_stock_changes_and_deletions_do_not_deadlock(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    category = await make.category()
    for _ in range(5):
        await make.product(stock=1000, category=category)
    add = """
      mutation ($key: String!) {
        addCategoryStock(input: {idempotencyKey: $key, categoryId: "cat_1", quantity: 1}) { __typename }
      }"""
    delete = """mutation ($id: ID!) { deleteOrder(input: {orderId: $id}) { __typename } }"""

    async def shopping(seed: int) -> None:
        random = Random(seed)
        for _ in range(8):
            await _buy(client, *((id, 1) for id in random.sample(range(1, 6), 3)))
            await client.ask(add, key=uuid4().hex)
            await client.ask(delete, id=f"ord_{random.randint(1, 40)}")

    await asyncio.gather(*(shopping(seed) for seed in range(10)))
    async with database.transaction() as session:
        stock = await session.scalar(select(func.sum(Product.stock_quantity)))
        sold = await session.scalar(select(func.coalesce(func.sum(OrderItem.quantity), 0)))
        assert (stock or 0) + (sold or 0) == 5 * (1000 + 80)


async def test_a_product_cannot_be_ordered_and_deleted_at_once(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    category = await make.category()
    for id in range(1, 11):
        await make.product(stock=1, category=category)
        delete = f"""mutation {{ deleteProduct(input: {{productId: "prod_{id}"}}) {{ __typename }} }}"""
        bought, deleted = await asyncio.gather(_buy(client, (id, 1)), client.ask(delete))
        outcome = (bought["__typename"], deleted["deleteProduct"]["__typename"])
        assert outcome in {("CreateOrderSuccess", "InUseError"), ("NotFoundError", "DeleteProductSuccess")}


async def test_a_field_that_fails_beside_another_that_shares_its_rows_fails_alone(
    client: Client, make: Factory
) -> None:
    await make.order(items=[(await make.product(), 1)])
    content = await client.send(
        """{
          broken: order(id: "ord_1") { user { fullName orders(first: 0) { nodes { id } } } items { id } }
          whole: order(id: "ord_1") { user { fullName } items { id product { name category { name } } } }
        }"""
    )
    assert content["data"]["broken"] is None
    assert content["data"]["whole"]["user"] == {"fullName": "Ada Lovelace"}
    (error,) = content["errors"]
    assert (error["path"], error["extensions"]) == (["broken", "user", "orders"], {"code": "BAD_USER_INPUT"})
