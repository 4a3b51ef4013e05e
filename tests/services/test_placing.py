"""An order that meets others halfway: it waits, sees what they have left, and leaves nothing if that is too little."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, inspect, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shop_graphql import services
from shop_graphql.database import Database, Within
from shop_graphql.errors import IdempotencyConflict, NotFound, OutOfStock, PriceChanged, ShopError, ValidationFailed
from shop_graphql.models import IdempotencyKey, MovementKind, Order, OrderItem, Product, StockMovement, User
from shop_graphql.services import Outcome, idempotency, placing
from tests.api.mutating import tables
from tests.factories import Factory

ITEMS = [services.NewItem(2, 3), services.NewItem(1, 1)]
Change = Callable[[AsyncSession], Coroutine[Any, Any, Any]]


@pytest.fixture(autouse=True)
async def shop(database: Database, empty_shop: None) -> None:
    """Two products, of which 10 pieces cost 2.50 each, and one user."""
    make = Factory(database)
    await make.user()
    for _ in range(2):
        await make.product(price="2.50", stock=10)


@pytest.fixture
def sent(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first word of every statement outside sessions."""
    words: list[str] = []
    fetch = database.direct_writes.fetch

    async def record(sql: str, parameters: Any) -> str:
        words.append(sql.split()[0])
        return await fetch(sql, parameters)

    monkeypatch.setattr(database.direct_writes, "fetch", record)
    return words


async def place(
    database: Database, *items: services.NewItem, key: str = "k", expected_total: Decimal | None = None
) -> Outcome:
    order = partial(services.create_order, actor="user_1", user_id=1, items=list(items) or ITEMS, key=key)
    return await database.send(partial(order, expected_total=expected_total))


async def somebody_waits(database: Database, count: int = 1) -> None:
    waiting = select(func.count()).select_from(text("pg_stat_activity")).where(text("wait_event_type = 'Lock'"))
    async with asyncio.timeout(5):
        while True:
            async with database.transaction() as session:
                if await session.scalar(waiting) == count:
                    return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def placed_meanwhile(database: Database, change: Change) -> AsyncIterator[asyncio.Task[Outcome]]:
    """Yield an order that waits for a transaction which has made a change; leaving the block commits that."""
    async with database.transaction() as session:
        await change(session)
        order = asyncio.create_task(place(database))
        await somebody_waits(database)
        yield order


def executing(statement: Any) -> Change:
    return lambda session: session.execute(statement)


async def test_an_order_is_one_round_trip_and_its_replay_two(database: Database, sent: list[str]) -> None:
    assert (await place(database)).replayed is False
    assert sent == ["WITH"]
    assert (await place(database)).replayed is True
    assert sent == ["WITH", "WITH", "SELECT"]


async def test_an_order_that_waited_is_placed_at_what_it_then_finds(database: Database) -> None:
    changed = update(Product).where(Product.id == 2).values(price=Decimal("4.00"), stock_quantity=5)
    async with placed_meanwhile(database, executing(changed)) as order:
        pass
    assert (await order).result.total_amount == Decimal("14.50")
    async with database.transaction() as session:
        product = await session.get_one(Product, 2)
        assert (product.stock_quantity, product.version) == (2, 3)
        items = await session.execute(select(OrderItem.product_id, OrderItem.unit_price).order_by(OrderItem.id))
        assert [tuple(row) for row in items] == [(2, Decimal("4.00")), (1, Decimal("2.50"))]
        moved = select(StockMovement.product_id, StockMovement.delta, StockMovement.balance)
        movements = await session.execute(moved.where(StockMovement.kind == MovementKind.ORDER).order_by("product_id"))
        assert [tuple(row) for row in movements] == [(1, -1, 9), (2, -3, 2)]


@pytest.mark.parametrize(
    ("held", "free"),
    [(select(User.id), [1, 2]), (select(Product.id).where(Product.id == 1), [2])],
    ids=["the buyer", "the first product"],
)
async def test_an_order_locks_its_buyer_and_then_its_products_by_id(
    database: Database, held: Any, free: list[int]
) -> None:
    unlocked = select(Product.id).order_by(Product.id).with_for_update(skip_locked=True)
    hold = executing(held.with_for_update())
    async with placed_meanwhile(database, hold) as order, database.transaction() as session:
        assert list(await session.scalars(unlocked)) == free
    assert (await order).replayed is False


CHANGES = {
    "sold out": (update(Product).values(stock_quantity=0), OutOfStock),
    "archived": (update(Product).values(archived_at=func.now()), ValidationFailed),
    "deleted": (delete(Product), NotFound),
    "a buyer who was erased": (update(User).values(erased_at=func.now()), NotFound),
}


@pytest.mark.parametrize(("statement", "refusal"), CHANGES.values(), ids=CHANGES)
async def test_an_order_that_waited_is_refused_for_what_it_then_finds(
    database: Database, statement: Any, refusal: type[ShopError]
) -> None:
    async with placed_meanwhile(database, executing(statement)) as order:
        pass
    before = await tables(database)
    with pytest.raises(refusal):
        await order
    assert await tables(database) == before


async def test_a_price_that_changes_while_an_order_waits_is_told(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Product).values(price=Decimal("3.00")))
        order = asyncio.create_task(place(database, expected_total=Decimal("10.00")))
        await somebody_waits(database)
    with pytest.raises(PriceChanged) as refused:
        await order
    assert refused.value.actual == Decimal("12.00")


CLAIM = insert(IdempotencyKey).values(owner="user_1", key="k", fingerprint=b"another", answer={"value": 1})


async def test_an_order_takes_over_a_key_whose_first_user_gives_up(database: Database) -> None:
    session, reads = database.preview()
    await session.execute(CLAIM)
    order = asyncio.create_task(place(database))
    await somebody_waits(database)
    await reads.close()
    assert (await order).replayed is False


async def test_an_order_is_a_conflict_once_the_first_user_of_its_key_is_done(database: Database) -> None:
    before = await tables(database)
    async with placed_meanwhile(database, executing(CLAIM)) as order:
        pass
    with pytest.raises(IdempotencyConflict):
        await order
    assert {**await tables(database), "idempotency_keys": []} == {**before, "idempotency_keys": []}


async def test_the_same_key_in_two_mutations_at_once_lets_one_of_them_pass(database: Database) -> None:
    claimed, go_on = asyncio.Event(), asyncio.Event()

    async def adjust(session: AsyncSession, **arguments: Any) -> Product:
        claimed.set()
        await go_on.wait()
        return await services.adjust_stock(session, **arguments)

    work = partial(services.once, key="k", work=adjust, arguments={"product_id": 1, "delta": 2})
    adjusted = asyncio.create_task(database.write(work, "user_1", repeatable=True))
    await claimed.wait()
    order = asyncio.create_task(place(database))
    await somebody_waits(database)
    go_on.set()  # now each waits for the other, which PostgreSQL notices after a second
    outcomes = await asyncio.gather(adjusted, order, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Outcome, IdempotencyConflict}


async def test_a_replay_needs_nothing_that_the_order_needed(database: Database) -> None:
    first = await place(database)
    async with database.transaction() as session:
        await session.execute(update(Product).values(stock_quantity=0, archived_at=func.now()))
        await session.execute(update(User).values(erased_at=func.now()))
    again = await place(database)
    assert (again.replayed, vars(again.result)) == (True, vars(first.result))


async def test_a_key_remembers_all_columns_of_the_order(database: Database) -> None:
    outcome = await place(database)
    async with database.transaction() as session:
        order = await session.get_one(Order, outcome.result.id)
        answer = await session.scalar(select(IdempotencyKey.answer))
    columns = {name: getattr(order, name) for name in inspect(Order).column_attrs.keys()}  # noqa: SIM118
    assert vars(outcome.result) == columns
    assert answer is not None
    assert vars(idempotency.thaw(answer)) == columns


async def test_a_key_that_is_swept_away_meanwhile_is_claimed_after_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as session:
        await session.execute(CLAIM)
    find = idempotency.find

    async def swept(*arguments: Any) -> Outcome | None:
        async with database.transaction() as session:
            await session.execute(delete(IdempotencyKey))
        return await find(*arguments)

    monkeypatch.setattr(idempotency, "find", swept)
    assert (await place(database)).replayed is False


async def test_an_order_that_python_would_place_and_the_statement_would_not_is_a_bug(
    database: Database, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "_judge", lambda *_: None)
    with pytest.raises(RuntimeError):
        await place(database, services.NewItem(1, 11))
    assert sent.count("WITH") == placing.TRIES


async def test_an_order_inside_a_transaction_is_undone_with_it(database: Database) -> None:
    before = await tables(database)
    session, reads = database.preview(actor="user_1")
    outcome = await services.create_order(Within(session), actor="user_1", user_id=1, items=ITEMS)
    assert await session.scalar(select(Order.total_amount)) == outcome.result.total_amount == Decimal("10.00")
    await reads.close()
    assert await tables(database) == before
