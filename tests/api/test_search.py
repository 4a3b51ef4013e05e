"""Search: what is found, in which order, and that pages of it hold together."""

from typing import Any

import pytest
from sqlalchemy import update

from shop_graphql.database import Database
from shop_graphql.models import Product
from tests.api.conftest import Client
from tests.factories import Factory

SEARCH = """
query ($search: String!, $first: Int, $after: String) {
  products(where: {search: $search}, first: $first, after: $after) {
    nodes { name } edges { cursor } pageInfo { hasNextPage endCursor }
  }
}
"""
CATALOGUE = {
    "Red Shoe": "Leather, for the city",
    "Red Running Shoes": "Light",
    "Blue Shoe": "Not red at all, but with red laces",
    "Crème Brûlée Torch": "For the kitchen",
    "Laptop Sleeve": "Felt",
    "Gaming Laptop": "Fast",
    "O'Neill's \\ Backpack": "Water-proof",
    "Lamp": None,
}


@pytest.fixture
async def catalogue(make: Factory, database: Database) -> None:
    category = await make.category()
    for name, description in CATALOGUE.items():
        product = await make.product(name=name, category=category)
        async with database.transaction() as session:
            await session.execute(update(Product).where(Product.id == product.id).values(description=description))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("red shoe", {"Red Shoe", "Red Running Shoes", "Blue Shoe"}),
        ("shoes red", {"Red Shoe", "Red Running Shoes", "Blue Shoe"}),
        ('"red shoe"', {"Red Shoe"}),
        ("red -laces", {"Red Shoe", "Red Running Shoes"}),
        ("running or sleeve", {"Red Running Shoes", "Laptop Sleeve"}),
        ("creme brulee", {"Crème Brûlée Torch"}),
        ("CRÈME", {"Crème Brûlée Torch"}),
        ("kitch", {"Crème Brûlée Torch"}),
        ("kitch ", set()),
        ("lap", {"Laptop Sleeve", "Gaming Laptop"}),
        ("labtop", {"Laptop Sleeve", "Gaming Laptop"}),
        ("labtop -gaming", {"Laptop Sleeve"}),
        ("o'neill", {"O'Neill's \\ Backpack"}),
        ("\\", set(CATALOGUE)),
        ("water-proof", {"O'Neill's \\ Backpack"}),
        ("x:* & !y | (z", set()),
        ("'", set(CATALOGUE)),
        ("", set(CATALOGUE)),
        ("-shoe -laptop -lamp -torch", {"O'Neill's \\ Backpack"}),
        ("zzzz", set()),
        ("lamb", {"Lamp"}),
        ("la\x00mp", set()),
    ],
)
async def test_a_search_finds(client: Client, catalogue: None, query: str, names: set[str]) -> None:
    data = await client.ask(SEARCH, search=query)
    assert {node["name"] for node in data["products"]["nodes"]} == names


async def test_names_count_for_more_than_descriptions(client: Client, catalogue: None) -> None:
    data = await client.ask(SEARCH, search="red")
    names = [node["name"] for node in data["products"]["nodes"]]
    assert names[-1] == "Blue Shoe"
    assert set(names) == {"Red Shoe", "Red Running Shoes", "Blue Shoe"}


async def test_pages_of_a_search_hold_together(client: Client, catalogue: None, make: Factory) -> None:
    whole = [node["name"] for node in (await client.ask(SEARCH, search="red or laptop"))["products"]["nodes"]]
    walked: list[str] = []
    after = None
    while True:
        page = (await client.ask(SEARCH, search="red or laptop", first=2, after=after))["products"]
        walked += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert walked == whole
    assert len(whole) == 5


async def test_a_search_can_be_sorted_by_anything(client: Client, catalogue: None) -> None:
    query = """
      query ($orderBy: [ProductSort!]) {
        products(where: {search: "shoe"}, orderBy: $orderBy) { nodes { name } }
      }"""

    async def names(*order: dict[str, str]) -> list[str]:
        return [node["name"] for node in (await client.ask(query, orderBy=list(order)))["products"]["nodes"]]

    assert await names({"field": "NAME"}) == ["Blue Shoe", "Red Running Shoes", "Red Shoe"]
    best = await names({"field": "RELEVANCE"})
    assert best == await names()
    assert await names({"field": "RELEVANCE", "direction": "DESC"}) == best[::-1]


async def test_relevance_needs_a_search(client: Client) -> None:
    error = await client.fail("{ products(orderBy: [{field: RELEVANCE}]) { nodes { id } } }")
    assert error["message"] == "RELEVANCE compares with where.search, which is missing."


async def test_a_search_combines_with_other_filters(client: Client, catalogue: None) -> None:
    query = "query ($where: ProductWhere) { products(where: $where) { nodes { name } totalCount { value } } }"

    async def names(**where: Any) -> set[str]:
        found = (await client.ask(query, where=where))["products"]
        assert found["totalCount"]["value"] == len(found["nodes"])
        return {node["name"] for node in found["nodes"]}

    assert await names(search="red", **{"not": {"search": "running"}}) == {"Red Shoe", "Blue Shoe"}
    assert await names(**{"or": [{"search": "torch"}, {"name": {"eq": "Lamp"}}]}) == {"Crème Brûlée Torch", "Lamp"}
    assert await names(search="red", ids=["prod_1"]) == {"Red Shoe"}


async def test_a_new_name_is_found_at_once(client: Client, catalogue: None, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Product).where(Product.name == "Lamp").values(name="Chandelier"))
    data = await client.ask(SEARCH, search="chandel")
    assert [node["name"] for node in data["products"]["nodes"]] == ["Chandelier"]


async def test_a_search_is_one_statement_whatever_is_asked_of_it(
    client: Client, catalogue: None, statements: list[str]
) -> None:
    await client.ask(
        """{
          products(where: {search: "red"}) {
            nodes { name } edges { cursor } pageInfo { hasNextPage hasPreviousPage }
            a: totalCount { value } b: totalCount(upTo: 1) { value }
            aggregate { price { min } stockValue }
            facets { prices(bounds: ["10"]) { count } }
          }
        }"""
    )
    assert len(statements) == 1
