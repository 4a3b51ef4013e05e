"""Editing the catalogue: what is absent, null and given; versions; products that are no longer sold."""

import asyncio
from typing import Any

import pytest

from shop_graphql.database import Database
from tests.api.conftest import Client
from tests.api.mutating import Values, done, invalid, mutate, refused, tables, unknown
from tests.factories import Factory

PRODUCT = "product { name description price sku version category { name } }"


@pytest.fixture(autouse=True)
async def shop(client: Client, make: Factory) -> None:
    await make.category("Books")
    await mutate(
        client,
        "createProduct",
        name="Novel",
        description="Long",
        price="5.00",
        sku="N-1",
        stockQuantity=3,
        category={"id": "cat_1"},
    )
    await make.category("Toys")


NOVEL = {"name": "Novel", "description": "Long", "price": "5.00", "sku": "N-1", "category": {"name": "Books"}}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {"version": 1}),
        ({"name": "Story"}, {"name": "Story", "version": 2}),
        ({"description": None}, {"description": None, "version": 2}),
        ({"description": " "}, {"description": None, "version": 2}),
        ({"price": "6"}, {"price": "6.00", "version": 2}),
        ({"sku": None}, {"sku": None, "version": 2}),
        ({"categoryId": "cat_2"}, {"category": {"name": "Toys"}, "version": 2}),
        (
            {"name": "Story", "price": "1", "sku": "S", "expectedVersion": 1},
            {"name": "Story", "price": "1.00", "sku": "S", "version": 2},
        ),
    ],
)
async def test_a_product_changes_in_what_is_given(client: Client, changes: Values, shown: Values) -> None:
    changed = await mutate(client, "updateProduct", PRODUCT, productId="prod_1", **changes)
    assert changed == done("updateProduct", product={**NOVEL, **shown})


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"price": "-1"}, "price"),
        ({"sku": "x" * 65}, "sku"),
        ({"description": "x" * 20_001}, "description"),
    ],
)
async def test_a_product_keeps_its_rules(client: Client, database: Database, changes: Values, path: str) -> None:
    before = await tables(database)
    refusal = await mutate(client, "updateProduct", productId="prod_1", **changes)
    assert [issue["path"] for issue in refusal["issues"]] == [["input", path]]
    assert await tables(database) == before


async def test_every_problem_of_a_change_is_reported(client: Client, database: Database) -> None:
    before = await tables(database)
    refusal = await mutate(client, "updateProduct", productId="prod_9", name="", categoryId="cat_9")
    assert refusal["__typename"] == "ValidationError"
    others = [(other["__typename"], other["path"]) for other in refusal["otherErrors"]]
    assert others == [("NotFoundError", ["input", "categoryId"]), ("NotFoundError", ["input", "productId"])]
    assert await tables(database) == before


async def test_two_products_cannot_have_one_sku(client: Client, make: Factory, database: Database) -> None:
    await make.product()
    before = await tables(database)
    taken = refused("AlreadyExists", "There is a product with this SKU.", path=["input", "sku"])
    assert await mutate(client, "updateProduct", productId="prod_2", sku="N-1") == taken
    new = {"name": "N", "price": "1", "sku": "N-1", "category": {"id": "cat_1"}}
    assert await mutate(client, "createProduct", **new) == taken
    assert await tables(database) == before


async def test_of_two_who_edit_the_same_version_one_is_told(client: Client) -> None:
    edits = [mutate(client, "updateProduct", productId="prod_1", price=n, expectedVersion=1) for n in range(1, 6)]
    answers = await asyncio.gather(*edits)
    conflict = refused("VersionConflict", "It was changed in the meantime; its version is 2 now.", current=2)
    assert [answer["__typename"] for answer in answers].count("UpdateProductSuccess") == 1
    assert answers.count(conflict) == 4


async def test_every_change_raises_the_version(client: Client, make: Factory) -> None:
    await make.user()

    async def version() -> Any:
        return (await client.ask('{ product(id: "prod_1") { version } }'))["product"]["version"]

    changes: list[tuple[str, Values]] = [
        ("updateProduct", {"productId": "prod_1", "name": "X"}),
        ("updateProductPrice", {"productId": "prod_1", "price": "1", "expectedVersion": 2}),
        ("addCategoryStock", {"categoryId": "cat_1", "quantity": 1}),
        ("adjustStock", {"productId": "prod_1", "delta": 1}),
        ("createOrder", {"userId": "user_1", "items": [{"productId": "prod_1", "quantity": 1}]}),
        ("cancelOrder", {"orderId": "ord_1"}),
        ("archiveProduct", {"productId": "prod_1"}),
        ("restoreProduct", {"productId": "prod_1"}),
    ]
    for number, (name, input) in enumerate(changes, 2):
        assert (await mutate(client, name, **input))["__typename"].endswith("Success"), name
        assert await version() == number, name


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {"name": "Books", "description": None}),
        ({"name": "Papers"}, {"name": "Papers", "description": None}),
        ({"description": "To read"}, {"name": "Books", "description": "To read"}),
    ],
)
async def test_a_category_changes_in_what_is_given(client: Client, changes: Values, shown: Values) -> None:
    changed = await mutate(client, "updateCategory", "category { name description }", categoryId="cat_1", **changes)
    assert changed == done("updateCategory", category=shown)


async def test_a_category_keeps_its_rules(client: Client, database: Database) -> None:
    before = await tables(database)
    taken = refused("AlreadyExists", "There is a category with this name.", path=["input", "name"])
    assert await mutate(client, "updateCategory", categoryId="cat_1", name="Toys") == taken
    assert await mutate(client, "updateCategory", categoryId="cat_9", name="X") == unknown(
        "category", "cat_9", "categoryId"
    )
    assert await mutate(client, "updateCategory", categoryId="cat_1", name="") == invalid(
        "This must not be empty.", "name"
    )
    assert await tables(database) == before


async def test_an_archived_product_is_off_the_lists_and_in_its_orders(client: Client, make: Factory) -> None:
    await make.user()
    items = [{"productId": "prod_1", "quantity": 1}]
    await mutate(client, "createOrder", userId="user_1", items=items)
    archived = await mutate(client, "archiveProduct", "product { id archivedAt }", productId="prod_1")
    assert archived["product"]["archivedAt"] is not None
    assert (await mutate(client, "archiveProduct", "product { id archivedAt }", productId="prod_1")) == archived
    data = await client.ask(
        """{
          products { nodes { id } totalCount { value } aggregate { stockValue } facets { categories { count } } }
          search: products(where: {search: "novel"}) { nodes { id } }
          archived: products(where: {archived: true}) { nodes { id } }
          both: products(where: {or: [{archived: true}, {archived: false}]}) { nodes { id } }
          sku: products(where: {sku: {eq: "N-1"}, archived: true}) { nodes { id } }
          category(by: {id: "cat_1"}) { products { nodes { id } } stats { productCount } }
          product(id: "prod_1") { name }
          node(id: "prod_1") { id }
          order(id: "ord_1") { items { productName product { name archivedAt } } }
        }"""
    )
    there = {"nodes": [{"id": "prod_1"}]}
    assert data["order"]["items"][0].pop("product") == {"name": "Novel", **_without_id(archived["product"])}
    assert data == {
        "products": {
            "nodes": [],
            "totalCount": {"value": 0},
            "aggregate": {"stockValue": "0.00"},
            "facets": {"categories": []},
        },
        "search": {"nodes": []},
        "archived": there,
        "both": there,
        "sku": there,
        "category": {"products": {"nodes": []}, "stats": {"productCount": 0}},
        "product": {"name": "Novel"},
        "node": {"id": "prod_1"},
        "order": {"items": [{"productName": "Novel"}]},
    }


def _without_id(product: Values) -> Values:
    return {name: value for name, value in product.items() if name != "id"}


async def test_an_archived_product_cannot_be_ordered_until_it_is_restored(client: Client, make: Factory) -> None:
    await make.user()
    items = [{"productId": "prod_1", "quantity": 1}]
    await mutate(client, "archiveProduct", productId="prod_1")
    refusal = await mutate(client, "createOrder", userId="user_1", items=items)
    assert refusal == invalid("This product is no longer sold.", "items", 0, "productId")
    restored = await mutate(client, "restoreProduct", "product { archivedAt }", productId="prod_1")
    assert restored == done("restoreProduct", product={"archivedAt": None})
    assert (await mutate(client, "createOrder", userId="user_1", items=items))["__typename"] == "CreateOrderSuccess"


async def test_an_order_keeps_the_name_that_a_product_had(client: Client, make: Factory) -> None:
    await make.user()
    await mutate(client, "createOrder", userId="user_1", items=[{"productId": "prod_1", "quantity": 1}])
    await mutate(client, "updateProduct", productId="prod_1", name="Story")
    data = await client.ask('{ order(id: "ord_1") { items { productName product { name } } } }')
    assert data["order"]["items"] == [{"productName": "Novel", "product": {"name": "Story"}}]


@pytest.mark.parametrize("name", ["archiveProduct", "restoreProduct"])
async def test_an_unknown_product_is_not_archived(client: Client, name: str) -> None:
    assert await mutate(client, name, productId="prod_9") == unknown("product", "prod_9", "productId")


@pytest.mark.parametrize("name", ["archiveProduct", "restoreProduct"])
async def test_another_version_than_expected_is_not_archived(client: Client, database: Database, name: str) -> None:
    before = await tables(database)
    conflict = refused("VersionConflict", "It was changed in the meantime; its version is 1 now.", current=1)
    assert await mutate(client, name, productId="prod_1", expectedVersion=7) == conflict
    assert await tables(database) == before
    assert (await mutate(client, name, productId="prod_1", expectedVersion=1))["__typename"].endswith("Success")
