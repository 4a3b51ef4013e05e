"""Filters: every leaf, every combination, against a plain evaluation of the same rows."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shop_graphql.models import OrderStatus, Product
from tests import properties
from tests.api.conftest import Client
from tests.factories import Factory

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["Lamp", "Lamp shade", "Lämp", "lamp", "Chair", "Zebra", "\U0001f600 toy", "Lam"]
PRICES = ["0.00", "9.99", "10.00", "10.01", "9999999.99"]
DAYS = range(4)

Row = dict[str, Any]


@pytest.fixture
async def rows(make: Factory) -> list[Row]:
    """Forty products of three categories, with ties in every column; two of them were ordered."""
    random = Random(3)
    categories = [await make.category(f"Category {n}") for n in range(3)]
    products: list[Product] = []
    for _ in range(40):
        products.append(
            await make.product(
                name=random.choice(NAMES),
                price=random.choice(PRICES),
                stock=random.randint(0, 2),
                category=random.choice(categories),
                created_at=START + timedelta(days=random.choice(DAYS)),
            )
        )
    await make.order(items=[(products[3], 1), (products[7], 2)])
    ordered = {products[3].id, products[7].id}
    return [
        {
            "id": f"prod_{p.id}",
            "name": p.name,
            "price": p.price,
            "stockQuantity": p.stock_quantity,
            "categoryId": f"cat_{p.category_id}",
            "createdAt": p.created_at,
            "everOrdered": p.id in ordered,
        }
        for p in products
    ]


def in_range(bounds: dict[str, Any], value: Any, parse: Callable[[Any], Any]) -> bool:
    tests: dict[str, Callable[[Any], bool]] = {
        "gte": lambda bound: value >= bound,
        "gt": lambda bound: value > bound,
        "lte": lambda bound: value <= bound,
        "lt": lambda bound: value < bound,
    }
    return all(tests[name](parse(bound)) for name, bound in bounds.items())


def admits(where: dict[str, Any], row: Row) -> bool:
    """Evaluate a filter the plain way."""
    tests: dict[str, Callable[[Any], bool]] = {
        "ids": lambda ids: row["id"] in ids,
        "categoryIds": lambda ids: row["categoryId"] in ids,
        "name": lambda match: (
            match.get("eq", row["name"]) == row["name"] and row["name"].startswith(match.get("startsWith", ""))
        ),
        "price": lambda bounds: in_range(bounds, row["price"], Decimal),
        "stockQuantity": lambda bounds: in_range(bounds, row["stockQuantity"], int),
        "inStock": lambda wanted: (row["stockQuantity"] > 0) is wanted,
        "createdAt": lambda bounds: in_range(bounds, row["createdAt"], datetime.fromisoformat),
        "everOrdered": lambda wanted: row["everOrdered"] is wanted,
        "and": lambda parts: all(admits(part, row) for part in parts),
        "or": lambda parts: any(admits(part, row) for part in parts),
        "not": lambda part: not admits(part, row),
    }
    return all(tests[name](value) for name, value in where.items())


def ranges(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["gte", "gt", "lte", "lt"]), values, max_size=2)


TIMES = st.sampled_from([(START + timedelta(days=day)).isoformat() for day in DAYS])
PREFIXES = st.sampled_from(["", "L", "Lam", "\U0001f600", "x"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "ids": st.lists(st.integers(1, 45).map("prod_{}".format), max_size=5),
        "categoryIds": st.lists(st.integers(1, 4).map("cat_{}".format), max_size=2),
        "name": st.fixed_dictionaries({}, optional={"eq": st.sampled_from(NAMES), "startsWith": PREFIXES}),
        "price": ranges(st.sampled_from([*PRICES, "5", "1000000000"])),
        "stockQuantity": ranges(st.integers(-1, 3)),
        "inStock": st.booleans(),
        "createdAt": ranges(TIMES),
        "everOrdered": st.booleans(),
    },
)


def branches(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    combined = st.fixed_dictionaries(
        {}, optional={"and": st.lists(children, max_size=2), "or": st.lists(children, max_size=3), "not": children}
    )
    return st.tuples(LEAVES, combined).map(lambda both: {**both[0], **both[1]})


def depth(where: dict[str, Any]) -> int:
    children = [*where.get("and", ()), *where.get("or", ()), *([where["not"]] if "not" in where else ())]
    return 1 + max(map(depth, children), default=0)


TREES = st.recursive(LEAVES, branches, max_leaves=6).filter(lambda where: depth(where) <= 5)

PRODUCTS = """
query ($where: ProductWhere) {
  products(where: $where, first: 100) { nodes { id } totalCount { value } aggregate { price { sum } } }
}
"""


async def test_any_filter_finds_what_a_plain_evaluation_finds(client: Client, rows: list[Row]) -> None:
    async def compare(where: dict[str, Any]) -> None:
        found = (await client.ask(PRODUCTS, where=where))["products"]
        expected = [row for row in rows if admits(where, row)]
        assert {node["id"] for node in found["nodes"]} == {row["id"] for row in expected}
        assert found["totalCount"]["value"] == len(expected)
        assert Decimal(found["aggregate"]["price"]["sum"]) == sum(row["price"] for row in expected)

    def examine(run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        @settings(
            max_examples=150,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(TREES)
        def holds(where: dict[str, Any]) -> None:
            run(compare(where))

        holds()

    await properties.check(examine)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"email": {"eq": "ADA@example.com"}}, ["user_1"]),
        ({"email": {"startsWith": "ad"}}, ["user_1"]),
        ({"fullName": {"eq": "Grace Hopper"}}, ["user_2"]),
        ({"fullName": {"startsWith": "G"}}, ["user_2"]),
        ({"ids": ["user_2", "user_9", "cat_1", "nonsense"]}, ["user_2"]),
        ({"createdAt": {"lt": "2000-01-01T00:00:00Z"}}, []),
        ({"not": {"email": {"startsWith": "ad"}}}, ["user_2"]),
        ({"email": {"eq": "\x00"}}, []),
    ],
)
async def test_users_are_filtered(client: Client, make: Factory, where: dict[str, Any], expected: list[str]) -> None:
    await make.user("Ada@Example.com", "Ada Lovelace")
    await make.user("grace@example.com", "Grace Hopper")
    data = await client.ask("query ($where: UserWhere) { users(where: $where) { nodes { id } } }", where=where)
    assert [node["id"] for node in data["users"]["nodes"]] == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"name": {"eq": "Books"}}, ["cat_1"]),
        ({"name": {"startsWith": "T"}}, ["cat_2"]),
        ({"ids": ["cat_2"]}, ["cat_2"]),
        ({"hasProducts": True}, ["cat_2"]),
        ({"hasProducts": False}, ["cat_1"]),
        ({"createdAt": {"gte": "2000-01-01T00:00:00+02:00"}}, ["cat_1", "cat_2"]),
        ({"or": []}, []),
        ({"and": []}, ["cat_1", "cat_2"]),
        ({}, ["cat_1", "cat_2"]),
        (None, ["cat_1", "cat_2"]),
        ({"name": None}, ["cat_1", "cat_2"]),
    ],
)
async def test_categories_are_filtered(client: Client, make: Factory, where: Any, expected: list[str]) -> None:
    await make.category("Books")
    await make.product(category=await make.category("Toys"))
    data = await client.ask("query ($where: CategoryWhere) { categories(where: $where) { nodes { id } } }", where=where)
    assert [node["id"] for node in data["categories"]["nodes"]] == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"statuses": ["PENDING"]}, ["ord_1"]),
        ({"statuses": ["PENDING", "CANCELLED"]}, ["ord_1", "ord_2"]),
        ({"statuses": []}, []),
        ({"totalAmount": {"gte": "20"}}, ["ord_2"]),
        ({"userId": "user_1"}, ["ord_1"]),
        ({"userId": "prod_1"}, []),
        ({"productId": "prod_1"}, ["ord_1", "ord_2"]),
        ({"productId": "prod_2"}, ["ord_2"]),
        ({"ids": ["ord_2"]}, ["ord_2"]),
        ({"createdAt": {"gte": "2000-01-01T00:00:00Z", "lt": "2001-01-01T00:00:00Z"}}, []),
        ({"not": {"productId": "prod_2"}}, ["ord_1"]),
    ],
)
async def test_orders_are_filtered(client: Client, make: Factory, where: dict[str, Any], expected: list[str]) -> None:
    one, two = await make.product(price="5.00"), await make.product(price="15.00")
    await make.order(items=[(one, 1)])
    await make.order(items=[(one, 1), (two, 1)], status=OrderStatus.CANCELLED)
    query = """
      query ($where: OrderWhere) {
        orders(where: $where, orderBy: [{field: CREATED_AT}]) { nodes { id } }
        products { nodes { orderItems { nodes { quantity } } } }
      }"""
    data = await client.ask(query, where=where)
    assert [node["id"] for node in data["orders"]["nodes"]] == expected


async def test_nested_lists_are_filtered_for_each_parent(client: Client, make: Factory) -> None:
    toys, books = await make.category("Toys"), await make.category("Books")
    for category in (toys, books):
        for price in ("5.00", "15.00"):
            await make.product(name=f"{category.name} {price}", price=price, category=category)
    product = await make.product(name="Ordered", price="2.00", category=toys)
    await make.order(items=[(product, 3)])
    data = await client.ask(
        """{
          categories { nodes { name products(where: {price: {gte: "10"}}) { nodes { name } totalCount { value } } } }
          product(id: "prod_5") { orderItems(where: {quantity: {gt: 3}}) { nodes { id } } }
          users { nodes { orders(where: {totalAmount: {gte: "6", lte: "6"}}) { nodes { id } } } }
        }"""
    )
    assert data == {
        "categories": {
            "nodes": [
                {"name": "Books", "products": {"nodes": [{"name": "Books 15.00"}], "totalCount": {"value": 1}}},
                {"name": "Toys", "products": {"nodes": [{"name": "Toys 15.00"}], "totalCount": {"value": 1}}},
            ]
        },
        "product": {"orderItems": {"nodes": []}},
        "users": {"nodes": [{"orders": {"nodes": [{"id": "ord_1"}]}}]},
    }


def nested(levels: int) -> dict[str, Any]:
    return {"not": nested(levels - 1)} if levels > 1 else {"inStock": True}


@pytest.mark.parametrize("where", [nested(5), {"or": [{"inStock": True}] * 50}, {"ids": ["prod_1"] * 100}])
async def test_a_filter_as_large_as_allowed_is_answered(client: Client, make: Factory, where: Any) -> None:
    await make.product(stock=1)
    data = await client.ask(PRODUCTS, where=where)
    assert len(data["products"]["nodes"]) in {0, 1}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (nested(6), "A filter is at most 5 levels deep."),
        ({"or": [{"inStock": True}] * 51}, "A filter has at most 50 conditions; this has 51."),
        ({"or": [{}] * 51}, "A filter has at most 50 conditions; this has 51."),
        ({"ids": ["prod_1"] * 101}, "A list in a filter has at most 100 values; this has 101."),
        ({"search": "x" * 201}, "A search has at most 200 characters; this has 201."),
    ],
)
async def test_a_filter_that_is_too_large_is_refused(client: Client, where: Any, message: str) -> None:
    error = await client.fail(PRODUCTS, where=where)
    assert (error["message"], error["extensions"], error["path"]) == (message, {"code": "BAD_USER_INPUT"}, ["products"])


async def test_a_cursor_of_another_filter_is_refused(client: Client, make: Factory) -> None:
    await make.product()
    query = (
        "query ($where: ProductWhere, $after: String) { products(where: $where, after: $after) { edges { cursor } } }"
    )
    (edge,) = (await client.ask(query, where={"inStock": True}))["products"]["edges"]
    assert (await client.ask(query, where={"inStock": True}, after=edge["cursor"]))["products"]["edges"] == []
    error = await client.fail(query, where={"inStock": False}, after=edge["cursor"])
    assert error["extensions"] == {"code": "INVALID_CURSOR"}
