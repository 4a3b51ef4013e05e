"""The sample shop is believable, exact, the same for everybody, and never mixed with real data."""

import asyncio
from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from sqlalchemy import text

from shop_graphql import migration
from shop_graphql.connection import transaction
from shop_graphql.errors import StartupError
from shop_graphql.sample import loading, rows
from shop_graphql.sample.loading import NotEmpty, load
from shop_graphql.sample.size import Size

SMALL = Size(categories=20, products=60, users=30, orders=300)
TABLES = ("categories", "products", "users", "orders", "order_items")


@pytest.fixture
def shop_url(scratch_url: str) -> str:
    migration.upgrade(scratch_url)
    return scratch_url


def ask(url: str, question: str) -> Any:
    async def answer() -> Any:
        async with transaction(url) as connection:
            return (await connection.execute(text(question))).scalar()

    return asyncio.run(answer())


def everything(url: str) -> list[str]:
    return [ask(url, f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t") for table in TABLES]


def fill(url: str, size: Size = SMALL) -> list[int]:
    progress: list[int] = []
    load(url, size, progress.append)
    return progress


def test_the_same_seed_makes_the_same_shop(shop_url: str) -> None:
    fill(shop_url)
    first = everything(shop_url)
    migration.downgrade(shop_url, "base")
    migration.upgrade(shop_url)
    fill(shop_url)
    assert everything(shop_url) == first


def test_another_seed_makes_another_shop_with_the_same_well_known_beginning() -> None:
    one, other = Size(random_seed=1), Size(random_seed=2)
    for make in (rows.products, rows.users):
        these, those = list(make(one)), list(make(other))
        assert these[:3] == those[:3]
        assert these[10:] != those[10:]


def test_more_orders_leave_products_and_users_as_they_were() -> None:
    few, many = Size(orders=1), Size(orders=100)
    assert list(rows.products(few)) == list(rows.products(many))
    assert list(rows.users(few)) == list(rows.users(many))


def test_the_well_known_beginning(shop_url: str) -> None:
    fill(shop_url)
    assert ask(shop_url, "SELECT full_name FROM users WHERE email = 'ada@example.com' AND id = 1") == "Ada Lovelace"
    assert ask(shop_url, "SELECT name FROM categories WHERE id = 1") == "Electronics"
    assert ask(shop_url, "SELECT name || ' ' || price FROM products WHERE id = 1") == "Mechanical Keyboard 89.99"
    assert ask(shop_url, "SELECT user_id || ' ' || status || ' ' || total_amount FROM orders WHERE id = 1") == (
        "1 completed 139.97"
    )


def test_there_is_as_much_of_everything_as_was_asked_for(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PORTION", 100)
    progress = fill(shop_url)
    assert [ask(shop_url, f"SELECT count(*) FROM {table}") for table in TABLES[:4]] == [20, 60, 30, 300]
    assert progress == [20, 60, 30, 100, 100, 100]


def test_every_total_is_exactly_the_sum_of_its_items(shop_url: str) -> None:
    fill(shop_url)
    wrong = """
        SELECT count(*) FROM orders LEFT JOIN LATERAL (
            SELECT sum(quantity * unit_price) AS total, count(*) AS lines FROM order_items WHERE order_id = orders.id
        ) AS items ON true
        WHERE total_amount IS DISTINCT FROM total OR lines NOT BETWEEN 1 AND 5
    """
    assert ask(shop_url, wrong) == 0


def test_nobody_orders_before_signing_up_nor_what_is_not_yet_for_sale(shop_url: str) -> None:
    fill(shop_url)
    too_early = """
        SELECT count(*) FROM order_items
        JOIN orders ON orders.id = order_id
        JOIN products ON products.id = product_id
        JOIN users ON users.id = user_id
        WHERE orders.created_at < products.created_at OR orders.created_at < users.created_at
    """
    assert ask(shop_url, too_early) == 0


def test_ids_continue_after_the_sample(shop_url: str) -> None:
    fill(shop_url)
    for table, columns, values in (
        ("users", "email, full_name", "'new@example.com', 'New'"),
        ("categories", "name", "'New'"),
        ("products", "name, price, category_id", "'New', 1, 1"),
        ("orders", "user_id, total_amount", "1, 0"),
        ("order_items", "order_id, product_id, product_name, quantity, unit_price", "1, 1, 'P', 1, 1"),
    ):
        largest = ask(shop_url, f"SELECT max(id) FROM {table}")
        assert ask(shop_url, f"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING id") == largest + 1


def test_an_empty_sample_leaves_ids_at_one(shop_url: str) -> None:
    fill(shop_url, Size(0, 0, 0, 0))
    assert ask(shop_url, "INSERT INTO categories (name) VALUES ('New') RETURNING id") == 1


def test_a_shop_with_data_is_left_alone(shop_url: str) -> None:
    ask(shop_url, "INSERT INTO users (email, full_name) VALUES ('real@example.com', 'Real') RETURNING id")
    with pytest.raises(NotEmpty, match="The shop has data already"):
        fill(shop_url)
    assert ask(shop_url, "SELECT count(*) FROM categories") == 0


def test_an_interrupted_load_leaves_nothing(shop_url: str) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(shop_url, SMALL, interrupt)
    assert ask(shop_url, "SELECT count(*) FROM categories") == 0


def test_two_loads_at_once_make_one_shop(shop_url: str) -> None:
    async def twice() -> list[BaseException | None]:
        loads = (asyncio.to_thread(load, shop_url, SMALL, lambda _: None) for _ in range(2))
        return await asyncio.gather(*loads, return_exceptions=True)

    assert Counter(type(outcome) for outcome in asyncio.run(twice())) == {type(None): 1, NotEmpty: 1}


def test_a_database_without_tables_is_one_sentence(scratch_url: str) -> None:
    with pytest.raises(StartupError, match='relation "categories" does not exist'):
        fill(scratch_url)


@pytest.mark.parametrize("size", [Size(categories=0), Size(users=0), Size(products=0)])
def test_orders_without_anybody_or_anything_to_order_are_refused(size: Size) -> None:
    with pytest.raises(StartupError, match="Orders need at least one user"):
        load("postgresql://nowhere", size, lambda _: None)


@cache
def sample() -> dict[str, list[tuple[Any, ...]]]:
    size = Size(categories=200)
    purchases = list(rows.orders(size))
    return {
        "categories": list(rows.categories(size)),
        "products": list(rows.products(size)),
        "users": list(rows.users(size)),
        "orders": [order for order, _ in purchases],
    }


def test_names_and_addresses_are_unique_where_they_must_be() -> None:
    assert len({name for _, name, *_ in sample()["categories"]}) == 200
    assert len({email.lower() for _, email, *_ in sample()["users"]}) == 1_000


def test_users_have_real_names_and_addresses_that_reach_nobody() -> None:
    users = sample()["users"]
    assert all(email.isascii() and email.endswith("@example.com") and " " not in email for _, email, *_ in users)
    assert sum(not name.isascii() for _, _, name, _ in users) > 300


def test_prices_and_stock_are_those_of_a_shop() -> None:
    products = sample()["products"]
    assert all(Decimal("0.99") <= price < 1_000 for _, _, _, price, *_ in products)
    assert all(price.as_tuple().exponent == -2 for _, _, _, price, *_ in products)
    assert sum(str(price).endswith("99") for _, _, _, price, *_ in products) > 300
    assert {True, False} == {stock == 0 for _, _, _, _, stock, *_ in products}
    assert all(stock >= 0 for _, _, _, _, stock, *_ in products)


def test_most_orders_are_completed() -> None:
    statuses = Counter(status for _, _, status, *_ in sample()["orders"])
    assert statuses["completed"] > 8_500
    assert statuses["cancelled"] > 300
    assert statuses["pending"] > 100


def test_two_years_pass_without_a_look_at_the_clock() -> None:
    for table in ("products", "users", "orders"):
        times = [row[-1] for row in sample()[table]]
        assert times == sorted(times)
        assert (times[-1] - times[0]).days in range(690, 731)
        assert times[-1].year == 2026
