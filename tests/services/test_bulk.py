"""Many products at once: what is written, what is refused, what it costs, and that two can do it side by side."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from shop_graphql import services
from shop_graphql.database import Database
from shop_graphql.errors import AlreadyExists, Issue, ValidationFailed
from shop_graphql.models import MovementKind
from shop_graphql.services import ProductRow, UpsertPolicy
from shop_graphql.services.bulk import Upserted
from tests.api.mutating import tables

ALL = UpsertPolicy.ALL_OR_NOTHING
SKIP = UpsertPolicy.SKIP_FAILED
MONEY = "This must be an amount from 0.00 to 99999999.99 in whole cents."
STOCK = "This must be from 0 to 1000000000."
NOVEL = ProductRow("N", "Novel", Decimal("12.00"), "Books", "To read.", 4)
BAD = [
    (replace(NOVEL, price=Decimal("NaN")), "price", MONEY),
    (replace(NOVEL, price=Decimal("Infinity")), "price", MONEY),
    (replace(NOVEL, price=Decimal("1e400")), "price", MONEY),
    (replace(NOVEL, price=Decimal("-0.01")), "price", MONEY),
    (replace(NOVEL, price=Decimal("0.001")), "price", MONEY),
    (replace(NOVEL, name="x" * 201), "name", "This has 201 characters; 200 are allowed."),
    (replace(NOVEL, name=" "), "name", "This must not be empty."),
    (replace(NOVEL, sku="x" * 65), "sku", "This has 65 characters; 64 are allowed."),
    (replace(NOVEL, description="x" * 20_001), "description", "This has 20001 characters; 20000 are allowed."),
    (replace(NOVEL, sku=""), "sku", "This must not be empty."),
    (replace(NOVEL, sku=" GOOD "), "sku", "This SKU stands in an earlier row."),
    (replace(NOVEL, category="x" * 101), "category", "This has 101 characters; 100 are allowed."),
    (
        replace(NOVEL, description="\0"),
        "description",
        "This must not contain control characters or broken Unicode.",
    ),
    (replace(NOVEL, stock_quantity=-1), "stock_quantity", STOCK),
    (replace(NOVEL, stock_quantity=1_000_000_001), "stock_quantity", STOCK),
]


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """Every SQL statement of the shop, in order."""
    sent: list[str] = []
    engine = database.engine.sync_engine

    def record(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    yield sent
    event.remove(engine, "before_cursor_execute", record)


def row(number: int, **changes: Any) -> ProductRow:
    new = ProductRow(f"SKU-{number:03}", f"Product {number}", Decimal(number), f"Shelf {number % 3}", None, number)
    return replace(new, **changes)


async def upsert(database: Database, *rows: ProductRow, policy: UpsertPolicy = ALL) -> list[Upserted]:
    return await database.write(partial(services.upsert_products, rows=rows, policy=policy))


def outcome(sku: str, status: str, product_id: int | None, *issues: Any) -> Upserted:
    return Upserted(sku=sku, status=status, product_id=product_id, issues=list(issues))


async def products(database: Database) -> list[dict[str, Any]]:
    columns = ("id", "name", "description", "price", "stock_quantity", "category_id", "created_at", "sku", "version")
    return [dict(zip(columns, found, strict=False)) for found in (await tables(database))["products"]]


async def ledger(database: Database) -> list[tuple[int, MovementKind, int, int]]:
    return [found[1:5] for found in (await tables(database))["stock_movements"]]


async def events(database: Database) -> list[tuple[str, dict[str, Any]]]:
    return [found[2:4] for found in (await tables(database))["outbox"]]


async def test_upsert_products_creates_what_is_new_in_the_order_of_the_rows(
    database: Database, empty_shop: None
) -> None:
    rows = [replace(NOVEL, sku=" Z ", name=" Novel "), replace(NOVEL, sku="A", stock_quantity=None)]
    assert await upsert(database, *rows) == [outcome("Z", "created", 1), outcome("A", "created", 2)]
    made = await products(database)
    assert [(p["id"], p["sku"], p["name"], p["description"], p["price"], p["stock_quantity"]) for p in made] == [
        (1, "Z", "Novel", "To read.", Decimal("12.00"), 4),
        (2, "A", "Novel", "To read.", Decimal("12.00"), 0),
    ]
    assert [category[:2] for category in (await tables(database))["categories"]] == [(1, "Books")]
    assert await ledger(database) == [(1, MovementKind.INITIAL, 4, 4)]
    told = {"createdCount": 2, "updatedCount": 0, "unchangedCount": 0, "failedCount": 0, "productIds": [1, 2]}
    assert await events(database) == [("products.upserted", told)]


async def test_upsert_products_changes_only_what_differs(database: Database, empty_shop: None) -> None:
    await upsert(database, *(row(number) for number in range(1, 5)))
    before = await products(database)
    rows = [row(1), row(2, name="New"), row(3, stock_quantity=1), row(4, description="New", stock_quantity=None)]
    found = await upsert(database, *rows)
    assert [one["status"] for one in found] == ["unchanged", "updated", "updated", "updated"]
    assert await products(database) == [
        before[0],
        {**before[1], "name": "New", "version": 2},
        {**before[2], "stock_quantity": 1, "version": 2},
        {**before[3], "description": "New", "version": 2},
    ]
    assert (await ledger(database))[4:] == [(3, MovementKind.ADJUSTMENT, -2, 1)]


async def test_upsert_products_again_writes_nothing(database: Database, empty_shop: None) -> None:
    rows = [NOVEL, row(1, stock_quantity=None), row(2)]
    await upsert(database, *rows)
    before = await tables(database)
    assert {one["status"] for one in await upsert(database, *rows)} == {"unchanged"}
    assert await tables(database) == before


async def test_upsert_products_keeps_or_removes_a_description(database: Database, empty_shop: None) -> None:
    await upsert(database, NOVEL)
    kept = ProductRow("N", "Novel", Decimal(12), "Books")
    assert (await upsert(database, kept))[0]["status"] == "unchanged"
    assert (await upsert(database, replace(kept, description=" ")))[0]["status"] == "updated"
    assert (await products(database))[0]["description"] is None


async def test_upsert_products_moves_a_product_to_another_category(database: Database, empty_shop: None) -> None:
    await upsert(database, NOVEL, row(1, category="Music"))
    await upsert(database, replace(NOVEL, category="Music"))
    first, second = await products(database)
    assert first["category_id"] == second["category_id"]


@pytest.mark.parametrize(("bad", "field", "message"), BAD)
async def test_upsert_products_refuses_all_for_one_bad_row(
    database: Database, empty_shop: None, bad: ProductRow, field: str, message: str
) -> None:
    before = await tables(database)
    with pytest.raises(ValidationFailed) as error:
        await upsert(database, replace(NOVEL, sku="GOOD"), bad)
    assert error.value.issues == (Issue(("rows", 1, field), message),)
    assert await tables(database) == before


async def test_upsert_products_can_leave_bad_rows_out(database: Database, empty_shop: None) -> None:
    bad = [replace(one, sku=f"N{number}") if one.sku == "N" else one for number, (one, _, _) in enumerate(BAD)]
    rows = [replace(NOVEL, sku="GOOD"), *bad, row(1)]
    found = await upsert(database, *rows, policy=SKIP)
    assert [one["status"] for one in found] == ["created", *["failed"] * len(BAD), "created"]
    assert [one["issues"] for one in found[1:-1]] == [
        [{"path": ["rows", index, field], "message": message}] for index, (_, field, message) in enumerate(BAD, 1)
    ]
    assert [product["sku"] for product in await products(database)] == ["GOOD", "SKU-001"]
    assert [category[1] for category in (await tables(database))["categories"]] == ["Books", "Shelf 1"]


async def test_upsert_products_of_bad_rows_only_writes_nothing(database: Database, empty_shop: None) -> None:
    before = await tables(database)
    assert [one["status"] for one in await upsert(database, BAD[0][0], policy=SKIP)] == ["failed"]
    assert await tables(database) == before


async def test_upsert_products_takes_250_rows_in_as_many_statements_as_one(
    database: Database, empty_shop: None, statements: list[str]
) -> None:
    numbers: list[list[int]] = []
    for count in (1, 250):
        costs = []
        rows = [row(number + count * 1000, category=f"{count} {number}") for number in range(count)]
        changed = [replace(one, name="New", stock_quantity=7, category="Other") for one in rows]
        for portion in (rows, changed, changed):
            statements.clear()
            await upsert(database, *portion)
            costs.append(len(statements))
        numbers.append(costs)
    assert numbers[0][0] == numbers[1][0] <= 10
    assert numbers[0][2] == numbers[1][2] <= 4
    assert max(numbers[0][1], numbers[1][1]) <= 8


@pytest.mark.parametrize("count", [0, 251])
async def test_upsert_products_refuses_too_many_rows_and_none(database: Database, empty_shop: None, count: int) -> None:
    with pytest.raises(ValidationFailed) as error:
        await upsert(database, *(row(number) for number in range(count)), policy=SKIP)
    assert error.value.issues == (Issue(("rows",), f"These are {count} rows; 1 to 250 are allowed."),)


async def test_overlapping_upserts_all_succeed_without_a_deadlock(
    database: Database, empty_shop: None, statements: list[str]
) -> None:
    """Each wants the same products and shelves in another order, and half of them exist."""
    await upsert(database, *(row(number) for number in range(0, 60, 2)))
    orders = [range(60), range(59, -1, -1), [*range(30, 60), *range(30)], [*range(0, 60, 3), *range(1, 60, 3)]]
    portions = [[row(n, name=f"By {who}", stock_quantity=who) for n in order] for who, order in enumerate(orders)]
    found = await asyncio.gather(*(_alone(database, portion) for portion in portions))
    assert sum(one["status"] == "created" for outcomes in found for one in outcomes) == 30
    made = await products(database)
    assert sorted(product["sku"] for product in made) == [f"SKU-{number:03}" for number in range(60)]
    sums: dict[int, int] = {}
    for product_id, _, delta, balance in await ledger(database):
        sums[product_id] = sums.get(product_id, 0) + delta
        assert sums[product_id] == balance
    assert {product["id"]: product["stock_quantity"] for product in made} == {p["id"]: 0 for p in made} | sums


async def _alone(database: Database, rows: list[ProductRow]) -> list[Upserted]:
    """In one attempt: `Database.write` would hide a deadlock by trying again."""
    async with database.transaction() as session:
        return await services.upsert_products(session, rows=rows, policy=ALL)


async def test_upsert_products_changes_what_somebody_else_created_in_the_meantime(
    database: Database, empty_shop: None
) -> None:
    async with database.transaction() as other:
        await services.upsert_products(other, rows=[NOVEL], policy=ALL)
        waiting = asyncio.create_task(_alone(database, [row(1), replace(NOVEL, name="Mine")]))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert [one["status"] for one in await waiting] == ["created", "updated"]
    assert sorted(product["name"] for product in await products(database)) == ["Mine", "Product 1"]


async def test_upsert_products_and_create_product_meet_at_one_sku(database: Database, empty_shop: None) -> None:
    new = services.NewCategory("Else")
    values: dict[str, Any] = {"name": "Mine", "price": Decimal(1), "category": new, "sku": "N"}
    async with database.transaction() as first:
        await services.upsert_products(first, rows=[NOVEL], policy=ALL)
        waiting = asyncio.create_task(database.write(partial(services.create_product, **values)))
        await asyncio.sleep(0.1)
    with pytest.raises(AlreadyExists):
        await waiting
