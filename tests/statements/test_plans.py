"""On a hundred thousand products, every filter and every order finds its way through an index."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Executable, Select, event, text

from shop_graphql import migration
from shop_graphql.access import Role
from shop_graphql.database import Database
from shop_graphql.models import Category, Order, OrderItem, OrderStatus, Product, StockMovement, User
from shop_graphql.sample.loading import load
from shop_graphql.sample.size import Size
from shop_graphql.settings import Settings
from shop_graphql.statements.criteria import LEAVES, leaves
from shop_graphql.statements.filters import Leaf, Range, TextMatch, Where
from shop_graphql.statements.pages import Count, Rows, Source, Window, connection
from shop_graphql.statements.rows import Model
from shop_graphql.statements.sorting import Sort, total
from tests.conftest import PATIENT, temporary_database

DAY = Range(gte=datetime(2025, 3, 1, tzinfo=UTC), lt=datetime(2025, 3, 2, tzinfo=UTC))
SELECTIVE: dict[Model, dict[str, Any]] = {
    User: {
        "id": (17, 4711),
        "email": TextMatch(starts_with="ada@"),
        "full_name": TextMatch(starts_with="Zoë Zaj"),
        "created_at": DAY,
        "role": (Role.STAFF,),
    },
    Category: {
        "id": (17, 4711),
        "name": TextMatch(starts_with="Vintage P"),
        "created_at": Range(lt=datetime(2020, 1, 1, tzinfo=UTC)),
    },
    Product: {
        "id": (17, 4711),
        "category_id": (17,),
        "name": TextMatch(eq="Mechanical Keyboard"),
        "price": Range(gt=Decimal(700)),
        "stock_quantity": Range(gt=199),
        "in_stock": False,
        "created_at": DAY,
        "search": "mechanical keyboard",
        "archived": True,
        "sku": TextMatch(eq="NONE"),
    },
    Order: {
        "id": (17, 4711),
        "status": (OrderStatus.PENDING,),
        "total_amount": Range(gt=Decimal(5000)),
        "created_at": DAY,
        "user_id": (17,),
        "product_id": (17,),
    },
}
JOINS = {Product: "ever_ordered", Category: "has_products"}
"""Leaves that ask another table: they decide row by row, through its index, while a page follows its order."""

ORDERS = {
    User: ["created_at", "full_name"],
    Category: ["created_at", "name"],
    Product: ["created_at", "name", "price"],
    Order: ["created_at", "total_amount"],
}
"""Categories are also sorted by their description; a shop has few enough to sort them."""

UNINDEXED = {(Product, "stock_quantity"), (Product, "in_stock")}
"""What each sale changes is in no index: see decision 23."""

LEAF_CASES = [(model, key) for model, keys in SELECTIVE.items() for key in keys if (model, key) not in UNINDEXED]
ORDER_CASES = [(model, key) for model, keys in ORDERS.items() for key in keys]


@pytest.fixture(scope="module")
def large_url(server_url: str) -> Iterator[str]:
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        size = Size(categories=5_000, products=100_000, users=20_000, orders=20_000)
        load(url, size, lambda _: None)
        yield url


@pytest.fixture(scope="module")
async def large(large_url: str) -> AsyncIterator[Database]:
    database = Database(Settings(**PATIENT), large_url)
    yield database
    await database.close()


async def scanned(database: Database, statement: Executable, **parameters: Any) -> set[str]:
    """Return the tables that PostgreSQL would read from end to end for `statement`."""

    def explain(connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> tuple[str, Any]:
        return f"EXPLAIN (FORMAT JSON) {sql}", values

    async with database.engine.connect() as connection:
        event.listen(connection.sync_connection, "before_cursor_execute", explain, retval=True)
        plan = (await connection.execute(statement, parameters)).scalar_one()
    return set(_seq_scans((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]))


def _seq_scans(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from _seq_scans(child)


def counted(model: Model, where: Where) -> Select[Any]:
    return connection(Source(model, Role.ADMIN, None, where), Window(total([Sort("id")]), 1), [Count(10_000)])


def paged(source: Source, *order: Sort, after: tuple[Any, ...] | None = None) -> Select[Any]:
    return connection(source, Window(total(order), 24, after=after), [Rows()])


@pytest.mark.parametrize(("model", "key"), LEAF_CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_a_selective_filter_reads_no_table_from_end_to_end(large: Database, model: Model, key: str) -> None:
    assert await scanned(large, counted(model, Leaf(key, SELECTIVE[model][key]))) == set()


async def test_only_lists_by_stock_read_all_products(large: Database) -> None:
    for model, key in UNINDEXED:
        assert await scanned(large, counted(model, Leaf(key, SELECTIVE[model][key]))) == {"products"}
    assert await scanned(large, paged(Source(Product, Role.ADMIN), Sort("stock_quantity"))) == {"products"}


async def test_a_sale_enters_no_index(large: Database) -> None:
    changed = "SELECT pg_stat_get_xact_tuples_{}updated('products'::regclass)"
    async with large.transaction() as session:
        await session.execute(text("UPDATE products SET stock_quantity = stock_quantity + 1 WHERE id % 1000 = 0"))
        assert await session.scalar(text(changed.format(""))) == 100
        assert await session.scalar(text(changed.format("hot_"))) == 100
        await session.rollback()


def test_every_leaf_is_looked_at() -> None:
    for model in LEAVES:
        if model not in (OrderItem, StockMovement):  # listed inside one product only, whose index serves
            assert set(leaves(model, Role.ADMIN)) == {*SELECTIVE[model], *([JOINS[model]] if model in JOINS else [])}


@pytest.mark.parametrize(("model", "key"), ORDER_CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_a_page_in_any_order_reads_no_table_from_end_to_end(large: Database, model: Model, key: str) -> None:
    assert await scanned(large, paged(Source(model, Role.ADMIN), Sort(key, descending=True))) == set()


async def test_a_deep_page_reads_no_table_from_end_to_end(large: Database) -> None:
    price, name = Sort("price"), Sort("name", descending=True)
    assert await scanned(large, paged(Source(Product, Role.ADMIN), price, after=(Decimal(50), 50_000))) == set()
    assert (
        await scanned(large, paged(Source(Product, Role.ADMIN), price, name, after=(Decimal(50), "Lamp", 50_000)))
        == set()
    )


@pytest.mark.parametrize(("model", "wanted"), [(Product, True), (Product, False), (Category, True)])
async def test_a_page_that_asks_another_table_follows_its_order(large: Database, model: Model, wanted: bool) -> None:
    source = Source(model, Role.ADMIN, None, Leaf(JOINS[model], wanted))
    assert await scanned(large, paged(source, Sort("created_at", descending=True))) == set()


async def test_nested_pages_follow_the_index_of_each_parent(large: Database) -> None:
    window = Window(total([Sort("price")]), 20)
    statement = connection(Source(Product, Role.ADMIN, "category_id"), window, [Rows(), Count(100)])
    assert await scanned(large, statement, parents=list(range(1, 21))) == set()


async def test_a_table_that_is_read_from_end_to_end_is_noticed(large: Database) -> None:
    statement = text("SELECT count(*) FROM products WHERE description LIKE '%x%'")
    assert await scanned(large, statement) == {"products"}
