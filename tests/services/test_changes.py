"""What has changed since a moment: every change of orders and products is told once, and as soon as it is committed."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from shop_graphql import services
from shop_graphql.database import Database
from shop_graphql.services import NewItem, ProductRow, UpsertPolicy, changes, outbox
from shop_graphql.services.changes import Change
from tests.factories import Factory


async def since(database: Database, moment: str | None) -> tuple[str, list[Change]]:
    return await changes.since(database.direct_writes, moment)


async def orders(database: Database, moment: str) -> tuple[str, list[Any]]:
    moment, found = await since(database, moment)
    return moment, [change.order_id for change in found]


async def test_a_transaction_that_commits_late_holds_nobody_up_and_is_told(
    database: Database, empty_shop: None
) -> None:
    moment, _ = await since(database, None)
    async with database.transaction() as slow:
        await outbox.emit(slow, "test", {"orderId": 1})
        async with database.transaction() as quick:
            await outbox.emit(quick, "test", {"orderId": 2})
        moment, first = await orders(database, moment)
    moment, second = await orders(database, moment)
    assert [first, second, (await orders(database, moment))[1]] == [[2], [1], []]


async def test_what_was_committed_before_and_what_is_rolled_back_is_not_told(
    database: Database, empty_shop: None
) -> None:
    async with database.transaction() as session:
        await outbox.emit(session, "test", {"orderId": 1})
    moment, found = await since(database, None)
    session, reads = database.preview()
    await outbox.emit(session, "test", {"orderId": 2})
    await reads.close()
    assert [found, (await since(database, moment))[1]] == [[], []]


async def test_beside_many_writers_every_change_is_told_once(database: Database, empty_shop: None) -> None:
    moment, seen = (await since(database, None))[0], list[int]()

    async def write(number: int) -> None:
        async with database.transaction() as session:
            await outbox.emit(session, "test", {"orderId": number})
            await asyncio.sleep(number * 7 % 10 / 300)

    async def follow() -> None:
        nonlocal moment
        while len(seen) < 40:
            moment, found = await orders(database, moment)
            seen.extend(found)
            await asyncio.sleep(0.002)

    follower = asyncio.create_task(follow())
    for start in range(0, 40, 10):
        await asyncio.gather(*(write(start + n) for n in range(10)))
    await asyncio.wait_for(follower, 10)
    assert sorted(seen) == list(range(40))


@pytest.fixture
def make(database: Database, empty_shop: None) -> Factory:
    return Factory(database)


@pytest.fixture
async def lamp(make: Factory) -> int:
    return (await make.product("Lamp", stock=5)).id


async def told(database: Database, service: Any, **arguments: Any) -> list[Change]:
    """Return what is told of a service that is carried out."""
    moment, _ = await since(database, None)
    async with database.transaction() as session:
        await service(session, **arguments)
    return (await since(database, moment))[1]


async def place(database: Database, make: Factory, *products: int) -> tuple[int, int]:
    user = await make.user()
    items = [NewItem(id, 1) for id in products]
    outcome = await services.create_order(database.direct_writes, actor=None, user_id=user.id, items=items)
    return outcome.result.id, user.id


async def test_an_order_tells_whose_it_is_and_which_products_it_took(
    database: Database, make: Factory, lamp: int
) -> None:
    moment, _ = await since(database, None)
    order, user = await place(database, make, lamp)
    assert (await since(database, moment))[1] == [Change(order, user, frozenset([lamp]))]


async def test_what_becomes_of_an_order_tells_which_products_it_returned(
    database: Database, make: Factory, lamp: int
) -> None:
    placed = [await place(database, make, lamp) for _ in range(4)]
    (completed, _), (cancelled, _), (kept, _), (deleted, _) = placed
    found = [
        *await told(database, services.complete_order, order_id=completed),
        *await told(database, services.cancel_order, order_id=cancelled),
        *await told(database, services.cancel_order, order_id=kept, restock=False),
        *await told(database, services.delete_order, order_id=deleted),
    ]
    returned = [frozenset[int](), frozenset([lamp]), frozenset[int](), frozenset([lamp])]
    assert found == [Change(*order, products) for order, products in zip(placed, returned, strict=True)]


@pytest.mark.parametrize(
    ("service", "arguments"),
    [
        (services.adjust_stock, {"delta": 1}),
        (services.update_product, {"changes": {"price": Decimal(3)}}),
        (services.archive_product, {}),
        (services.delete_product, {}),
    ],
)
async def test_each_change_of_a_product_tells_which(
    database: Database, lamp: int, service: Any, arguments: dict[str, Any]
) -> None:
    found = await told(database, service, product_id=lamp, **arguments)
    assert found == [Change(product_ids=frozenset([lamp]))]


async def test_many_products_at_once_are_told_by_their_ids_or_as_any(
    database: Database, make: Factory, lamp: int
) -> None:
    rows = [ProductRow("A", "Lamp", Decimal(1), "Lamps"), ProductRow("", "", Decimal(1), "Lamps")]
    upserted = await told(database, services.upsert_products, rows=rows, policy=UpsertPolicy.SKIP_FAILED)
    added = await told(database, services.add_category_stock, category_id=1, quantity=1)
    assert [upserted, added] == [[Change(product_ids=frozenset([lamp + 1]))], [Change(product_ids=None)]]


async def test_what_changes_nothing_is_not_told(database: Database, lamp: int) -> None:
    assert await told(database, services.update_product, product_id=lamp, changes={}) == []
    assert await told(database, services.archive_product, product_id=lamp, archived=False) == []
