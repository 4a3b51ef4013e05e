"""Every mutation: what it answers, what it leaves in the tables, and that a refusal leaves them as they were."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from starlette.applications import Starlette

from shop_graphql.database import Database
from shop_graphql.models import OrderStatus
from tests.api.conftest import Client
from tests.api.mutating import REFUSAL, done, fact, invalid, mutate, path, refused, tables, unknown
from tests.factories import Factory

BUYER = 'idempotencyKey: "k", userId: "user_1"'

SHORT = "1 product is out of stock or short of it."


async def stocks(database: Database) -> list[int]:
    products = (await tables(database))["products"]
    return [row[4] for row in products]


async def test_create_user_returns_the_stored_user(client: Client, database: Database) -> None:
    selection = "user { id email fullName createdAt orders { nodes { id } totalCount { value } } }"
    created = await mutate(client, "createUser", selection, email=" Ada@Example.com ", fullName=" Ada\tLovelace ")
    ((id, email, full_name, created_at, *_),) = (await tables(database))["users"]
    assert (id, email, full_name) == (1, "Ada@Example.com", "Ada\tLovelace")
    assert created == done(
        "createUser",
        user={
            "id": "user_1",
            "email": "Ada@Example.com",
            "fullName": "Ada\tLovelace",
            "createdAt": created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "orders": {"nodes": [], "totalCount": {"value": 0}},
        },
    )


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", " Ada@example.com\n"])
async def test_create_user_refuses_an_e_mail_address_that_is_taken_in_whatever_case(
    client: Client, make: Factory, database: Database, email: str
) -> None:
    await make.user(email="Ada@Example.com")
    before = await tables(database)
    assert await mutate(client, "createUser", email=email, fullName="Ada") == refused(
        "AlreadyExists", "There is a user with this e-mail address.", path=path("email")
    )
    assert await tables(database) == before


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "ada@example", "ada@.com", "a da@example.com", "ada@@example.com"]
)
async def test_create_user_refuses_what_cannot_be_an_e_mail_address(client: Client, email: str) -> None:
    created = await mutate(client, "createUser", email=email, fullName="Ada")
    assert created == invalid("This must be an e-mail address.", "email")


async def test_create_user_reports_every_broken_value(client: Client, database: Database) -> None:
    assert await mutate(client, "createUser", email="ada", fullName=" ") == refused(
        "Validation",
        "This must be an e-mail address.; This must not be empty.",
        issues=[
            {"path": path("email"), "message": "This must be an e-mail address."},
            {"path": path("fullName"), "message": "This must not be empty."},
        ],
    )
    assert (await tables(database))["users"] == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, None),
        ({"description": None}, None),
        ({"description": " \n"}, None),
        ({"description": " To read.\n"}, "To read."),
    ],
)
async def test_create_category_returns_the_stored_category(
    client: Client, database: Database, given: dict[str, str | None], stored: str | None
) -> None:
    selection = "category { id name description stats { productCount totalValue averagePrice } }"
    assert await mutate(client, "createCategory", selection, name=" Books ", **given) == done(
        "createCategory",
        category={
            "id": "cat_1",
            "name": "Books",
            "description": stored,
            "stats": {"productCount": 0, "totalValue": "0.00", "averagePrice": "0.00"},
        },
    )
    assert [row[:3] for row in (await tables(database))["categories"]] == [(1, "Books", stored)]


async def test_create_category_refuses_a_name_that_is_taken(client: Client, make: Factory, database: Database) -> None:
    await make.category("Books")
    before = await tables(database)
    assert await mutate(client, "createCategory", name=" Books") == refused(
        "AlreadyExists", "There is a category with this name.", path=path("name")
    )
    assert await tables(database) == before


NEW_PRODUCT = "product { id name description price stockQuantity category { id name stats { productCount } } }"


async def test_create_product_puts_the_product_into_a_category_that_exists(
    client: Client, make: Factory, database: Database
) -> None:
    await make.category("Books")
    values = {"name": " Novel ", "description": "To read.", "price": 12, "stockQuantity": 4}
    created = await mutate(client, "createProduct", NEW_PRODUCT, **values, category={"id": "cat_1"})
    assert created == done(
        "createProduct",
        product={
            "id": "prod_1",
            "name": "Novel",
            "description": "To read.",
            "price": "12.00",
            "stockQuantity": 4,
            "category": {"id": "cat_1", "name": "Books", "stats": {"productCount": 1}},
        },
    )
    (row,) = (await tables(database))["products"]
    assert row[:6] == (1, "Novel", "To read.", Decimal("12.00"), 4, 1)


async def test_create_product_creates_the_category_in_the_same_transaction(client: Client, database: Database) -> None:
    new = {"name": "Books", "description": "To read."}
    created = await mutate(client, "createProduct", NEW_PRODUCT, name="N", price="0.5", category={"new": new})
    assert created == done(
        "createProduct",
        product={
            "id": "prod_1",
            "name": "N",
            "description": None,
            "price": "0.50",
            "stockQuantity": 0,
            "category": {"id": "cat_1", "name": "Books", "stats": {"productCount": 1}},
        },
    )
    assert [row[:3] for row in (await tables(database))["categories"]] == [(1, "Books", "To read.")]


async def test_create_product_refuses_a_new_category_whose_name_is_taken(
    client: Client, make: Factory, database: Database
) -> None:
    await make.category("Books")
    before = await tables(database)
    created = await mutate(client, "createProduct", name="N", price=1, category={"new": {"name": "Books"}})
    assert created == refused(
        "AlreadyExists", "There is a category with this name.", path=path("category", "new", "name")
    )
    assert await tables(database) == before


async def test_create_product_leaves_no_new_category_behind_a_bad_product(client: Client, database: Database) -> None:
    created = await mutate(client, "createProduct", name=" ", price=1, category={"new": {"name": "Books"}})
    assert created == invalid("This must not be empty.", "name")
    assert (await tables(database))["categories"] == []


async def test_create_product_reports_bad_values_and_an_unknown_category_together(client: Client) -> None:
    name, price, stock = (
        "This must not be empty.",
        "This must be an amount from 0.00 to 99999999.99 in whole cents.",
        "This must be from 0 to 1000000000.",
    )
    created = await mutate(client, "createProduct", name="", price=-1, stockQuantity=-1, category={"id": "cat_9"})
    assert created == {
        **fact(
            "Validation",
            f"{name}; {price}; {stock}",
            issues=[
                {"path": path("name"), "message": name},
                {"path": path("price"), "message": price},
                {"path": path("stockQuantity"), "message": stock},
            ],
        ),
        "otherErrors": [
            fact("NotFound", "There is no such category.", path=path("category", "id"), id="cat_9"),
        ],
    }


async def test_update_product_price_changes_the_price_and_nothing_else(
    client: Client, make: Factory, database: Database
) -> None:
    product = await make.product(name="Novel", price="10.00", stock=3)
    await make.product(price="10.00")
    changed = await mutate(
        client, "updateProductPrice", "product { id price category { stats { totalValue } } }",
        productId="prod_1", price="9.99",
    )  # fmt: skip
    assert changed == done(
        "updateProductPrice",
        product={"id": "prod_1", "price": "9.99", "category": {"stats": {"totalValue": "29.97"}}},
    )
    first, second = (await tables(database))["products"]
    assert first[:7] == (1, "Novel", None, Decimal("9.99"), 3, product.category_id, product.created_at)
    assert second[3] == Decimal("10.00")


async def test_update_product_price_refuses_an_unknown_product(client: Client) -> None:
    changed = await mutate(client, "updateProductPrice", productId="prod_1", price=1)
    assert changed == unknown("product", "prod_1", "productId")


CHANGED = "changedCount category { id products(orderBy: {field: NAME}) { nodes { name stockQuantity } } }"


@pytest.mark.parametrize("quantity", [5, -3])
async def test_add_category_stock_adds_to_every_product_of_the_category_and_to_no_other(
    client: Client, make: Factory, database: Database, quantity: int
) -> None:
    category = await make.category()
    await make.product("A", stock=3, category=category)
    await make.product("B", stock=6, category=category)
    await make.product("C", stock=1)
    changed = await mutate(client, "addCategoryStock", CHANGED, categoryId="cat_1", quantity=quantity)
    nodes = [{"name": "A", "stockQuantity": 3 + quantity}, {"name": "B", "stockQuantity": 6 + quantity}]
    assert changed == done("addCategoryStock", changedCount=2, category={"id": "cat_1", "products": {"nodes": nodes}})
    assert await stocks(database) == [3 + quantity, 6 + quantity, 1]


async def test_add_category_stock_changes_nothing_when_one_product_would_go_below_zero(
    client: Client, make: Factory, database: Database
) -> None:
    category = await make.category()
    for stock in (5, 2, 0):
        await make.product(stock=stock, category=category)
    before = await tables(database)
    changed = await mutate(client, "addCategoryStock", CHANGED, categoryId="cat_1", quantity=-3)
    assert changed == refused(
        "OutOfStock",
        "2 products are out of stock or short of it.",
        shortages=[
            {"path": path("quantity"), "requested": 3, "available": 2, "product": {"id": "prod_2"}},
            {"path": path("quantity"), "requested": 3, "available": 0, "product": {"id": "prod_3"}},
        ],
    )
    assert await tables(database) == before


async def test_add_category_stock_counts_nothing_in_a_category_without_products(client: Client, make: Factory) -> None:
    await make.category()
    changed = await mutate(client, "addCategoryStock", "changedCount", categoryId="cat_1", quantity=1)
    assert changed == done("addCategoryStock", changedCount=0)


async def test_add_category_stock_refuses_an_unknown_category(client: Client, make: Factory) -> None:
    await make.product()
    changed = await mutate(client, "addCategoryStock", categoryId="cat_2", quantity=1)
    assert changed == unknown("category", "cat_2", "categoryId")


async def test_add_category_stock_reports_a_bad_quantity_and_an_unknown_category_together(client: Client) -> None:
    zero = "This must not be 0."
    changed = await mutate(client, "addCategoryStock", categoryId="cat_2", quantity=0)
    assert changed == {
        **fact("Validation", zero, issues=[{"path": path("quantity"), "message": zero}]),
        "otherErrors": [fact("NotFound", "There is no such category.", path=path("categoryId"), id="cat_2")],
    }


def item(product: int, quantity: int) -> dict[str, Any]:
    return {"productId": f"prod_{product}", "quantity": quantity}


PLACED = """
    order {
      id status totalAmount
      user { id orders { nodes { id } } }
      items { id quantity unitPrice lineTotal product { id stockQuantity } order { id } }
    }
"""


async def test_create_order_takes_the_products_from_stock_at_their_prices(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    await make.product(price="999.99", stock=10)
    await make.product(price="12.50", stock=3)
    placed = await mutate(client, "createOrder", PLACED, userId="user_1", items=[item(2, 3), item(1, 2)])
    assert placed == done(
        "createOrder",
        order={
            "id": "ord_1",
            "status": "PENDING",
            "totalAmount": "2037.48",
            "user": {"id": "user_1", "orders": {"nodes": [{"id": "ord_1"}]}},
            "items": [
                {
                    "id": "item_1",
                    "quantity": 3,
                    "unitPrice": "12.50",
                    "lineTotal": "37.50",
                    "product": {"id": "prod_2", "stockQuantity": 0},
                    "order": {"id": "ord_1"},
                },
                {
                    "id": "item_2",
                    "quantity": 2,
                    "unitPrice": "999.99",
                    "lineTotal": "1999.98",
                    "product": {"id": "prod_1", "stockQuantity": 8},
                    "order": {"id": "ord_1"},
                },
            ],
        },
    )
    after = await tables(database)
    assert [row[:4] for row in after["orders"]] == [(1, 1, OrderStatus.PENDING, Decimal("2037.48"))]
    assert [row[:3] + row[4:] for row in after["order_items"]] == [
        (1, 1, 2, 3, Decimal("12.50")),
        (2, 1, 1, 2, Decimal("999.99")),
    ]
    assert await stocks(database) == [8, 0]


async def test_create_order_sums_the_items_of_one_product(client: Client, make: Factory, database: Database) -> None:
    await make.user()
    await make.product(price="1.10", stock=6)
    await make.product(price="2.00", stock=1)
    items = [item(1, 1), item(2, 1), item(1, 2), item(1, 3)]
    placed = await mutate(
        client, "createOrder", "order { totalAmount items { quantity } }", userId="user_1", items=items
    )
    assert placed == done("createOrder", order={"totalAmount": "8.60", "items": [{"quantity": 6}, {"quantity": 1}]})
    assert [row[:3] + row[4:] for row in (await tables(database))["order_items"]] == [
        (1, 1, 1, 6, Decimal("1.10")),
        (2, 1, 2, 1, Decimal("2.00")),
    ]
    assert await stocks(database) == [0, 0]


async def test_create_order_refuses_a_sum_that_stock_does_not_cover(
    client: Client, make: Factory, database: Database
) -> None:
    await make.user()
    await make.product(stock=4)
    before = await tables(database)
    placed = await mutate(client, "createOrder", userId="user_1", items=[item(1, 3), item(1, 2)])
    shortage = {"path": path("items", 0, "quantity"), "requested": 5, "available": 4, "product": {"id": "prod_1"}}
    assert placed == refused("OutOfStock", SHORT, shortages=[shortage])
    assert await tables(database) == before


async def test_create_order_keeps_the_price_of_the_day_it_was_placed(client: Client, make: Factory) -> None:
    await make.user()
    await make.product(price="10.00")
    await mutate(client, "createOrder", userId="user_1", items=[item(1, 2)])
    await mutate(client, "updateProductPrice", productId="prod_1", price="99.00")
    shown = await client.ask('{ order(id: "ord_1") { totalAmount items { unitPrice lineTotal product { price } } } }')
    assert shown["order"] == {
        "totalAmount": "20.00",
        "items": [{"unitPrice": "10.00", "lineTotal": "20.00", "product": {"price": "99.00"}}],
    }


async def test_create_order_reports_all_problems_of_the_request_and_changes_nothing(
    client: Client, make: Factory, database: Database
) -> None:
    await make.product(stock=2)
    await make.product(stock=0)
    await make.product(stock=5)
    before = await tables(database)
    items = [item(1, 3), item(8, 1), item(3, 0), item(2, 1), item(9, 1), item(3, 1000)]
    placed = await mutate(client, "createOrder", userId="user_1", items=items)
    small = "This must be at least 1."
    large = "At most 999 of one product can be ordered at once; this comes to 1000."
    assert placed == {
        **fact(
            "Validation",
            f"{small}; {large}",
            issues=[
                {"path": path("items", 2, "quantity"), "message": small},
                {"path": path("items", 2, "quantity"), "message": large},
            ],
        ),
        "otherErrors": [
            fact("NotFound", "There is no such user.", path=path("userId"), id="user_1"),
            fact("NotFound", "There is no such product.", path=path("items", 1, "productId"), id="prod_8"),
            fact("NotFound", "There is no such product.", path=path("items", 4, "productId"), id="prod_9"),
            fact(
                "OutOfStock",
                "3 products are out of stock or short of it.",
                shortages=[
                    {
                        "path": path("items", index, "quantity"),
                        "requested": requested,
                        "available": available,
                        "product": {"id": id},
                    }
                    for index, requested, available, id in [
                        (0, 3, 2, "prod_1"),
                        (2, 1000, 5, "prod_3"),
                        (3, 1, 0, "prod_2"),
                    ]
                ],
            ),
        ],
    }
    assert await tables(database) == before


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("mutation { createOrder(input: {BUYER, items: [{productId: 7, quantity: 1}]}) { ...R } }", {}),
        ("mutation { createOrder(input: {BUYER, items: {productId: 7, quantity: 1}}) { ...R } }", {}),
        (
            "mutation ($id: ID!) { createOrder(input: {BUYER, items: [{productId: $id, quantity: 1}]}) { ...R } }",
            {"id": 7},
        ),
        (
            "mutation ($items: [OrderItemInput!]!) { createOrder(input: {BUYER, items: $items}) { ...R } }",
            {"items": {"productId": "7", "quantity": 1}},
        ),
        (
            "mutation ($input: CreateOrderInput!) { createOrder(input: $input) { ...R } }",
            {"input": {"idempotencyKey": "k", "userId": "user_1", "items": [{"productId": "7", "quantity": 1}]}},
        ),
    ],
    ids=["literals", "one item for the list", "an id", "one item for the list of a variable", "the input"],
)
async def test_create_order_names_a_problem_in_the_words_of_the_request_however_it_was_written(
    client: Client, make: Factory, document: str, variables: dict[str, Any]
) -> None:
    await make.user()
    placed = await client.ask(document.replace("BUYER", BUYER) + "fragment R on NotFoundError { id path }", **variables)
    assert placed["createOrder"] == {"id": "7", "path": path("items", 0, "productId")}


async def test_delete_product_deletes_a_product_that_was_never_ordered(
    client: Client, make: Factory, database: Database
) -> None:
    await make.product()
    deleted = await mutate(client, "deleteProduct", "deletedId", productId="prod_1")
    assert deleted == done("deleteProduct", deletedId="prod_1")
    after = await tables(database)
    assert (after["products"], len(after["categories"])) == ([], 1)


async def test_delete_product_says_in_how_many_orders_the_product_stands(
    client: Client, make: Factory, database: Database
) -> None:
    product, other = await make.product(), await make.product()
    await make.order(items=[(product, 5)])
    await make.order(items=[(product, 1), (other, 1)], status=OrderStatus.CANCELLED)
    before = await tables(database)
    deleted = await mutate(client, "deleteProduct", productId="prod_1")
    assert deleted == refused("InUse", "The product stands in 2 order(s).", orderCount=2, productCount=None)
    assert await tables(database) == before


async def test_delete_product_deletes_a_product_once_its_orders_are_deleted(client: Client, make: Factory) -> None:
    await make.order(items=[(await make.product(), 1)])
    await mutate(client, "deleteOrder", orderId="ord_1")
    assert await mutate(client, "deleteProduct", productId="prod_1") == done("deleteProduct")


async def test_delete_product_refuses_an_unknown_product(client: Client, make: Factory) -> None:
    await make.product()
    await mutate(client, "deleteProduct", productId="prod_1")
    deleted = await mutate(client, "deleteProduct", productId="prod_1")
    assert deleted == unknown("product", "prod_1", "productId")


async def test_delete_category_deletes_a_category_without_products(
    client: Client, make: Factory, database: Database
) -> None:
    await make.category()
    await make.category("Books")
    deleted = await mutate(client, "deleteCategory", "deletedId", categoryId="cat_1")
    assert deleted == done("deleteCategory", deletedId="cat_1")
    assert [row[:2] for row in (await tables(database))["categories"]] == [(2, "Books")]


async def test_delete_category_says_how_many_products_the_category_has(
    client: Client, make: Factory, database: Database
) -> None:
    category = await make.category()
    for _ in range(3):
        await make.product(category=category)
    before = await tables(database)
    deleted = await mutate(client, "deleteCategory", categoryId="cat_1")
    assert deleted == refused("InUse", "The category has 3 product(s).", orderCount=None, productCount=3)
    assert await tables(database) == before


async def test_delete_category_refuses_an_unknown_category(client: Client) -> None:
    deleted = await mutate(client, "deleteCategory", categoryId="cat_1")
    assert deleted == unknown("category", "cat_1", "categoryId")


@pytest.mark.parametrize(
    ("status", "stock"),
    [(OrderStatus.PENDING, [13, 12]), (OrderStatus.COMPLETED, [13, 12]), (OrderStatus.CANCELLED, [10, 10])],
)
async def test_delete_order_returns_what_it_took_unless_it_was_cancelled(
    client: Client, make: Factory, database: Database, status: OrderStatus, stock: list[int]
) -> None:
    first, second = await make.product(stock=10), await make.product(stock=10)
    await make.order(items=[(first, 3), (second, 2)], status=status)
    kept = await make.order(items=[(first, 1)])
    deleted = await mutate(client, "deleteOrder", "deletedId", orderId="ord_1")
    assert deleted == done("deleteOrder", deletedId="ord_1")
    after = await tables(database)
    assert [row[0] for row in after["orders"]] == [kept.id]
    assert after["order_items"] == [(3, kept.id, first.id, first.name, 1, Decimal("10.00"))]
    assert await stocks(database) == stock


async def test_delete_order_undoes_an_order_completely(client: Client, make: Factory, database: Database) -> None:
    await make.user()
    await make.product(stock=7)
    before = await tables(database)
    await mutate(client, "createOrder", userId="user_1", items=[item(1, 3), item(1, 4)])
    assert await tables(database) != before
    await mutate(client, "deleteOrder", orderId="ord_1")
    after = await tables(database)
    assert [(row[0], row[4]) for row in after["products"]] == [(row[0], row[4]) for row in before["products"]]
    assert [after[name] for name in ("orders", "order_items", "order_events")] == [[], [], []]
    assert [(row[3], row[4]) for row in after["stock_movements"]] == [(-7, 0), (7, 7)]


async def test_delete_order_returns_stock_once(client: Client, make: Factory, database: Database) -> None:
    await make.order(items=[(await make.product(stock=1), 2)])
    await mutate(client, "deleteOrder", orderId="ord_1")
    again = await mutate(client, "deleteOrder", orderId="ord_1")
    assert again == unknown("order", "ord_1", "orderId")
    assert await stocks(database) == [3]


async def test_mutations_of_one_document_run_in_order_and_see_what_the_ones_before_them_did(
    client: Client, make: Factory
) -> None:
    await make.user()
    await make.product(stock=5, price="2.00")
    buy = '(input: {idempotencyKey: "%s", userId: "user_1", items: [{productId: "prod_1", quantity: 3}]})'
    product = "product { stockQuantity price orderItems { totalCount { value } } }"
    data = await client.ask(f"""
        mutation {{
          first: createOrder{buy % "one"} {{ ...Placed }}
          price: updateProductPrice(input: {{productId: "prod_1", price: "3"}}) {{
            ... on UpdateProductPriceSuccess {{ {product} }}
          }}
          second: createOrder{buy % "two"} {{ ...Refusal ... on OutOfStockError {{ shortages {{ {product} }} }} }}
          stock: addCategoryStock(input: {{idempotencyKey: "k", categoryId: "cat_1", quantity: 1}}) {{
            ... on AddCategoryStockSuccess {{ changedCount category {{ stats {{ totalValue }} }} }}
          }}
          third: createOrder{buy % "three"} {{ ...Placed }}
          undo: deleteOrder(input: {{orderId: "ord_1"}}) {{ ... on DeleteOrderSuccess {{ deletedId }} }}
          delete: deleteProduct(input: {{productId: "prod_1"}}) {{ ... on InUseError {{ orderCount }} }}
        }}
        fragment Placed on CreateOrderSuccess {{ order {{ totalAmount items {{ {product} }} }} }}
        {REFUSAL}
    """)

    def seen(stock: int, price: str, orders: int) -> dict[str, Any]:
        return {"stockQuantity": stock, "price": price, "orderItems": {"totalCount": {"value": orders}}}

    shortage = {
        "path": path("items", 0, "quantity"),
        "requested": 3,
        "available": 2,
        "product": {"id": "prod_1", **seen(2, "3.00", 1)},
    }
    assert data == {
        "first": {"order": {"totalAmount": "6.00", "items": [{"product": seen(2, "2.00", 1)}]}},
        "price": {"product": seen(2, "3.00", 1)},
        "second": refused("OutOfStock", SHORT, shortages=[shortage]),
        "stock": {"changedCount": 1, "category": {"stats": {"totalValue": "9.00"}}},
        "third": {"order": {"totalAmount": "9.00", "items": [{"product": seen(0, "3.00", 2)}]}},
        "undo": {"deletedId": "ord_1"},
        "delete": {"orderCount": 1},
    }


async def test_a_refused_mutation_does_not_undo_the_ones_beside_it(client: Client, database: Database) -> None:
    data = await client.ask("""
        mutation {
          a: createCategory(input: {name: "Books"}) { __typename }
          b: createCategory(input: {name: "Books"}) { __typename }
          c: createCategory(input: {name: "Toys"}) { __typename }
        }
    """)
    assert [data[alias]["__typename"] for alias in "abc"] == [
        "CreateCategorySuccess",
        "AlreadyExistsError",
        "CreateCategorySuccess",
    ]
    assert [row[1] for row in (await tables(database))["categories"]] == ["Books", "Toys"]


async def test_an_order_is_one_statement_and_its_payload_is_read_afterwards(
    client: Client, make: Factory, app: Starlette, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await make.user()
    await make.product()
    direct = app.state.database.direct_writes
    fetch = direct.fetch

    async def record(sql: str, parameters: Any) -> Any:
        statements.append("PLACE")
        return await fetch(sql, parameters)

    monkeypatch.setattr(direct, "fetch", record)
    selection = "order { items { product { name } } user { id } }"
    await mutate(client, "createOrder", selection, userId="user_1", items=[item(1, 1)])
    assert [statement.split()[0] for statement in statements] == ["PLACE", "SELECT", "SELECT", "SELECT"]


async def test_a_payload_is_read_once_its_mutation_is_committed(
    client: Client, make: Factory, app: Starlette, statements: list[str]
) -> None:
    await make.product()
    engine = app.state.database.engine.sync_engine

    def record(connection: Any) -> None:
        statements.append("COMMIT")

    event.listen(engine, "commit", record)
    await mutate(client, "adjustStock", "product { category { name } }", productId="prod_1", delta=1)
    event.remove(engine, "commit", record)
    kinds = [statement.split()[0] for statement in statements]
    assert kinds == ["INSERT", "SELECT", "WITH", "INSERT", "SELECT", "UPDATE", "COMMIT", "SELECT"]
