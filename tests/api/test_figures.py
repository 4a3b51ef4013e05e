"""Aggregates and facets: over the whole filtered list, whatever the page."""

from typing import Any

import pytest

from tests.api.conftest import Client
from tests.factories import Factory

FIGURES = """
query ($where: ProductWhere) {
  products(where: $where, first: 1) {
    aggregate { price { min max avg sum } stockQuantity { min max sum } stockValue }
    facets {
      categories { category { name } count }
      prices(bounds: ["10", "50"]) { from to count }
    }
  }
}
"""


@pytest.fixture
async def shop(make: Factory) -> None:
    books, toys = await make.category("Books"), await make.category("Toys")
    await make.category("Empty")
    for category, price, stock in ((books, "9.99", 2_000_000_000), (books, "10.00", 2_000_000_000), (toys, "50.00", 0)):
        await make.product(price=price, stock=stock, category=category)


async def figures(client: Client, **where: Any) -> Any:
    return (await client.ask(FIGURES, where=where))["products"]


async def test_figures_are_of_the_whole_list(client: Client, shop: None) -> None:
    assert await figures(client) == {
        "aggregate": {
            "price": {"min": "9.99", "max": "50.00", "avg": "23.33", "sum": "69.99"},
            "stockQuantity": {"min": 0, "max": 2_000_000_000, "sum": "4000000000"},
            "stockValue": "39980000000.00",
        },
        "facets": {
            "categories": [{"category": {"name": "Books"}, "count": 2}, {"category": {"name": "Toys"}, "count": 1}],
            "prices": [
                {"from": None, "to": "10.00", "count": 1},
                {"from": "10.00", "to": "50.00", "count": 1},
                {"from": "50.00", "to": None, "count": 1},
            ],
        },
    }


async def test_figures_of_nothing_are_empty(client: Client, shop: None) -> None:
    assert await figures(client, ids=[]) == {
        "aggregate": {
            "price": {"min": None, "max": None, "avg": None, "sum": "0.00"},
            "stockQuantity": {"min": None, "max": None, "sum": "0"},
            "stockValue": "0.00",
        },
        "facets": {
            "categories": [],
            "prices": [
                {"from": None, "to": "10.00", "count": 0},
                {"from": "10.00", "to": "50.00", "count": 0},
                {"from": "50.00", "to": None, "count": 0},
            ],
        },
    }


async def test_a_facet_disregards_its_own_filter_and_no_other(client: Client, shop: None) -> None:
    found = await figures(client, categoryIds=["cat_1"], price={"lt": "10"})
    assert found["aggregate"]["price"]["sum"] == "9.99"
    assert found["facets"]["categories"] == [{"category": {"name": "Books"}, "count": 1}]
    assert [bucket["count"] for bucket in found["facets"]["prices"]] == [1, 1, 0]


async def test_a_facet_regards_its_own_filter_inside_or_and_not(client: Client, shop: None) -> None:
    found = await figures(client, **{"not": {"categoryIds": ["cat_1"]}})
    assert found["facets"]["categories"] == [{"category": {"name": "Toys"}, "count": 1}]


async def test_nested_lists_have_figures_of_their_own(client: Client, shop: None, statements: list[str]) -> None:
    data = await client.ask(
        "{ categories { nodes { products { totalCount { value } aggregate { price { sum } } "
        'facets { prices(bounds: ["10"]) { count } } } } } }'
    )
    found = [node["products"] for node in data["categories"]["nodes"]]
    assert [products["aggregate"]["price"]["sum"] for products in found] == ["19.99", "0.00", "50.00"]
    assert [[bucket["count"] for bucket in products["facets"]["prices"]] for products in found] == [
        [1, 1],
        [0, 0],
        [0, 1],
    ]
    assert len(statements) == 2


async def test_orders_have_figures(client: Client, make: Factory) -> None:
    product = await make.product(price="10.00")
    user = await make.user()
    for quantity in (1, 2, 2):
        await make.order(user=user, items=[(product, quantity)])
    query = "{ orders(first: 1) { aggregate { totalAmount { min max avg sum } } } %s }"
    data = await client.ask(query % "users { nodes { orders { aggregate { totalAmount { sum } } } } }")
    assert data["orders"]["aggregate"]["totalAmount"] == {
        "min": "10.00",
        "max": "20.00",
        "avg": "16.67",
        "sum": "50.00",
    }
    assert data["users"]["nodes"][0]["orders"]["aggregate"] == {"totalAmount": {"sum": "50.00"}}


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("categories(first: 0) { count }", "first must be from 1 to 100; it is 0."),
        ("categories(first: 101) { count }", "first must be from 1 to 100; it is 101."),
        ("prices(bounds: []) { count }", "bounds takes 1 to 20 amounts; these are 0."),
        (
            f"prices(bounds: [{', '.join(map(str, range(21)))}]) {{ count }}",
            "bounds takes 1 to 20 amounts; these are 21.",
        ),
        ('prices(bounds: ["10", "10"]) { count }', "bounds must ascend."),
    ],
)
async def test_facets_out_of_bounds_are_refused(client: Client, field: str, message: str) -> None:
    error = await client.fail(f"{{ products {{ facets {{ {field} }} }} }}")
    assert (error["message"], error["extensions"]) == (message, {"code": "BAD_USER_INPUT"})
