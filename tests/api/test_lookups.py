"""One thing by what names it, and from there along every edge to all the others and back."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import update

from shop_graphql.database import Database
from shop_graphql.models import Category, Order, OrderStatus, Product, User
from tests.api.conftest import Client
from tests.factories import Factory

TYPES = {"user_1": "User", "cat_1": "Category", "prod_1": "Product", "ord_1": "Order", "item_1": "OrderItem"}


@pytest.fixture
async def shop(make: Factory) -> None:
    """Two of everything; the second order has both products."""
    ada = await make.user("Ada@Example.com", full_name="Ada Lovelace")
    bob = await make.user("bob@example.com", full_name="Bob")
    novel = await make.product("Novel", price="12.50", category=await make.category("Books", "To read."))
    robot = await make.product("Robot", price="99.00", category=await make.category("Toys"))
    await make.order(ada, [(novel, 2)], OrderStatus.COMPLETED)
    await make.order(bob, [(novel, 1), (robot, 1)], OrderStatus.CANCELLED)


@pytest.mark.parametrize(("id", "type_name"), TYPES.items())
async def test_node_finds_anything_by_its_id(client: Client, shop: None, id: str, type_name: str) -> None:
    data = await client.ask("query ($id: ID!) { node(id: $id) { __typename id } }", id=id)
    assert data == {"node": {"__typename": type_name, "id": id}}


async def test_nodes_finds_anything_in_the_order_of_the_ids(client: Client, shop: None, statements: list[str]) -> None:
    query = """query ($ids: [ID!]!) {
      nodes(ids: $ids) {
        id
        ... on User { fullName } ... on Category { name } ... on Product { title: name price }
        ... on Order { status } ... on OrderItem { quantity }
      }
    }"""
    ids = ["item_1", "prod_2", "nonsense", "user_2", "ord_2", "prod_9", "cat_1", "prod_1", "item_1", "ord_-1"]
    found = [
        {"id": "item_1", "quantity": 2},
        {"id": "prod_2", "title": "Robot", "price": "99.00"},
        None,
        {"id": "user_2", "fullName": "Bob"},
        {"id": "ord_2", "status": "CANCELLED"},
        None,
        {"id": "cat_1", "name": "Books"},
        {"id": "prod_1", "title": "Novel", "price": "12.50"},
        {"id": "item_1", "quantity": 2},
        None,
    ]
    assert await client.ask(query, ids=ids) == {"nodes": found}
    assert len(statements) == len(TYPES)


async def test_nodes_of_no_ids_are_none(client: Client) -> None:
    assert await client.ask("{ nodes(ids: []) { id } }") == {"nodes": []}


async def test_an_id_that_names_nothing_any_more_gives_null(client: Client, make: Factory) -> None:
    await make.category()
    await client.ask('mutation { deleteCategory(input: {categoryId: "cat_1"}) { __typename } }')
    query = '{ node(id: "cat_1") { id } nodes(ids: ["cat_1"]) { id } category(by: {id: "cat_1"}) { id } }'
    assert await client.ask(query) == {"node": None, "nodes": [None], "category": None}


@pytest.mark.parametrize("email", ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"])
async def test_a_user_is_found_by_e_mail_in_any_case(client: Client, shop: None, email: str) -> None:
    data = await client.ask("query ($email: String!) { user(by: {email: $email}) { id email } }", email=email)
    assert data == {"user": {"id": "user_1", "email": "Ada@Example.com"}}


async def test_users_asked_for_by_several_spellings_are_read_by_one_statement(
    client: Client, shop: None, statements: list[str]
) -> None:
    data = await client.ask("""{
      a: user(by: {email: "ADA@example.com"}) { id }
      b: user(by: {email: "ada@example.com"}) { id }
      c: user(by: {email: "bob@example.com"}) { id }
      d: user(by: {email: "eve@example.com"}) { id }
    }""")
    assert data == {"a": {"id": "user_1"}, "b": {"id": "user_1"}, "c": {"id": "user_2"}, "d": None}
    assert len(statements) == 1


async def test_a_category_is_found_by_its_name_just_as_it_is_written(client: Client, shop: None) -> None:
    data = await client.ask("""{
      books: category(by: {name: "Books"}) { id name description }
      small: category(by: {name: "books"}) { id }
      spaced: category(by: {name: "Books "}) { id }
      none: category(by: {name: ""}) { id }
    }""")
    books = {"id": "cat_1", "name": "Books", "description": "To read."}
    assert data == {"books": books, "small": None, "spaced": None, "none": None}


async def test_things_are_found_by_id(client: Client, shop: None) -> None:
    data = await client.ask("""{
      user(by: {id: "user_2"}) { fullName }
      category(by: {id: "cat_2"}) { name }
      product(id: "prod_2") { name }
      order(id: "ord_2") { status }
    }""")
    assert data == {
        "user": {"fullName": "Bob"},
        "category": {"name": "Toys"},
        "product": {"name": "Robot"},
        "order": {"status": "CANCELLED"},
    }


async def test_unknown_things_are_null(client: Client, shop: None) -> None:
    data = await client.ask("""{
      node(id: "user_9") { id }
      userById: user(by: {id: "user_9"}) { id }
      userByEmail: user(by: {email: "eve@example.com"}) { id }
      categoryById: category(by: {id: "cat_9"}) { id }
      categoryByName: category(by: {name: "Food"}) { id }
      product(id: "prod_9") { id }
      order(id: "ord_9") { id }
    }""")
    assert set(data.values()) == {None}
    assert len(data) == 7


async def test_a_lookup_takes_its_key_from_a_variable(client: Client, shop: None) -> None:
    query = "query ($by: UserBy!, $id: ID!) { user(by: $by) { id } again: user(by: {id: $id}) { id } }"
    data = await client.ask(query, by={"email": "bob@example.com"}, id="user_1")
    assert data == {"user": {"id": "user_2"}, "again": {"id": "user_1"}}


def nodes(*ids: str) -> dict[str, Any]:
    return {"nodes": [{"id": id} for id in ids]}


async def test_every_edge_leads_there_and_back(client: Client, shop: None) -> None:
    data = await client.ask("""{
      user(by: {id: "user_2"}) { orders { nodes { id user { id } } } }
      category(by: {id: "cat_1"}) { products { nodes { id category { id } } } stats { category { id } } }
      product(id: "prod_1") { category { products { nodes { id } } } orderItems { nodes { id product { id } } } }
      order(id: "ord_2") { user { orders { nodes { id } } } items { id order { id } } }
      node(id: "item_3") {
        ... on OrderItem { order { items { id } } product { orderItems { nodes { id } } category { id } } }
      }
    }""")
    assert data == {
        "user": {"orders": {"nodes": [{"id": "ord_2", "user": {"id": "user_2"}}]}},
        "category": {
            "products": {"nodes": [{"id": "prod_1", "category": {"id": "cat_1"}}]},
            "stats": {"category": {"id": "cat_1"}},
        },
        "product": {
            "category": {"products": nodes("prod_1")},
            "orderItems": {
                "nodes": [{"id": "item_2", "product": {"id": "prod_1"}}, {"id": "item_1", "product": {"id": "prod_1"}}]
            },
        },
        "order": {
            "user": {"orders": nodes("ord_2")},
            "items": [{"id": "item_2", "order": {"id": "ord_2"}}, {"id": "item_3", "order": {"id": "ord_2"}}],
        },
        "node": {
            "order": {"items": [{"id": "item_2"}, {"id": "item_3"}]},
            "product": {"orderItems": nodes("item_3"), "category": {"id": "cat_2"}},
        },
    }


async def test_every_column_is_shown(client: Client, shop: None, database: Database) -> None:
    moment = datetime(2026, 11, 23, 12, 34, 56, 1, timezone(timedelta(hours=2)))
    async with database.transaction() as session:
        for model in (User, Category, Product, Order):
            await session.execute(update(model).values(created_at=moment))
    time = "2026-11-23T10:34:56.000001Z"
    data = await client.ask("""{
      user(by: {id: "user_1"}) { id email fullName createdAt }
      category(by: {id: "cat_1"}) { id name description createdAt }
      product(id: "prod_1") { id name description price stockQuantity createdAt }
      order(id: "ord_1") { id status totalAmount createdAt items { id quantity unitPrice lineTotal } }
    }""")
    assert data == {
        "user": {"id": "user_1", "email": "Ada@Example.com", "fullName": "Ada Lovelace", "createdAt": time},
        "category": {"id": "cat_1", "name": "Books", "description": "To read.", "createdAt": time},
        "product": {
            "id": "prod_1",
            "name": "Novel",
            "description": None,
            "price": "12.50",
            "stockQuantity": 10,
            "createdAt": time,
        },
        "order": {
            "id": "ord_1",
            "status": "COMPLETED",
            "totalAmount": "25.00",
            "createdAt": time,
            "items": [{"id": "item_1", "quantity": 2, "unitPrice": "12.50", "lineTotal": "25.00"}],
        },
    }


async def test_the_figures_of_a_category_are_exact(client: Client, make: Factory) -> None:
    books = await make.category("Books")
    await make.category("Empty")
    for price, stock in (("0.01", 1_000_000_000), ("99999999.99", 1_000_000_000), ("0.02", 3)):
        await make.product(price=price, stock=stock, category=books)
    figures = "productCount totalValue averagePrice category { name }"
    data = await client.ask(f"{{ categoryStats {{ {figures} }} categories {{ nodes {{ stats {{ {figures} }} }} }} }}")
    expected = [
        {
            "productCount": 3,
            "totalValue": "100000000000000000.06",
            "averagePrice": "33333333.34",
            "category": {"name": "Books"},
        },
        {"productCount": 0, "totalValue": "0.00", "averagePrice": "0.00", "category": {"name": "Empty"}},
    ]
    assert data == {"categoryStats": expected, "categories": {"nodes": [{"stats": stats} for stats in expected]}}
