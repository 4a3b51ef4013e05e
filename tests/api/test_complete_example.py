"""The whole story through HTTP: categories, products, a user, an order of two items, and all of it shown."""

from tests.api.conftest import Client

CREATE_CATEGORY = """
mutation ($name: String!) {
  createCategory(input: {name: $name}) { ... on CreateCategorySuccess { category { id name } } }
}
"""
CREATE_PRODUCT = """
mutation ($input: CreateProductInput!) {
  createProduct(input: $input) { ... on CreateProductSuccess { product { id price stockQuantity } } }
}
"""
CREATE_ORDER = """
mutation ($userId: ID!, $items: [OrderItemInput!]!) {
  createOrder(input: {idempotencyKey: "Ada's first order", userId: $userId, items: $items}) {
    ... on CreateOrderSuccess {
      order {
        status totalAmount user { fullName }
        items { quantity unitPrice lineTotal product { name stockQuantity } }
      }
    }
  }
}
"""


async def test_a_shop_is_filled_and_sells(client: Client) -> None:
    books = await client.ask(CREATE_CATEGORY, name="Books")
    assert books["createCategory"]["category"] == {"id": "cat_1", "name": "Books"}

    laptop = await client.ask(
        CREATE_PRODUCT,
        input={
            "idempotencyKey": "laptop",
            "name": "Laptop",
            "price": "999.99",
            "stockQuantity": 10,
            "category": {"new": {"name": "Electronics", "description": "Things with a plug"}},
        },
    )
    assert laptop["createProduct"]["product"] == {"id": "prod_1", "price": "999.99", "stockQuantity": 10}
    novel = {"name": "Novel", "price": "12.50", "stockQuantity": 40, "category": {"id": "cat_1"}}
    await client.ask(CREATE_PRODUCT, input={"idempotencyKey": "novel", **novel})

    user = await client.ask(
        'mutation { createUser(input: {email: "ada@example.com", fullName: "Ada Lovelace"})'
        " { ... on CreateUserSuccess { user { id } } } }"
    )
    assert user["createUser"]["user"]["id"] == "user_1"

    items = [{"productId": "prod_1", "quantity": 1}, {"productId": "prod_2", "quantity": 3}]
    placed = await client.ask(CREATE_ORDER, userId="user_1", items=items)
    assert placed["createOrder"]["order"] == {
        "status": "PENDING",
        "totalAmount": "1037.49",
        "user": {"fullName": "Ada Lovelace"},
        "items": [
            {
                "quantity": 1,
                "unitPrice": "999.99",
                "lineTotal": "999.99",
                "product": {"name": "Laptop", "stockQuantity": 9},
            },
            {
                "quantity": 3,
                "unitPrice": "12.50",
                "lineTotal": "37.50",
                "product": {"name": "Novel", "stockQuantity": 37},
            },
        ],
    }

    shown = await client.ask(
        """{
          user(by: {email: "ADA@example.com"}) { orders { nodes { totalAmount } totalCount { value precision } } }
          category(by: {name: "Books"}) { products { nodes { name orderItems { nodes { order { id } } } } } }
          categoryStats { category { name } productCount totalValue averagePrice }
        }"""
    )
    assert shown == {
        "user": {"orders": {"nodes": [{"totalAmount": "1037.49"}], "totalCount": {"value": 1, "precision": "EXACT"}}},
        "category": {"products": {"nodes": [{"name": "Novel", "orderItems": {"nodes": [{"order": {"id": "ord_1"}}]}}]}},
        "categoryStats": [
            {"category": {"name": "Books"}, "productCount": 1, "totalValue": "462.50", "averagePrice": "12.50"},
            {"category": {"name": "Electronics"}, "productCount": 1, "totalValue": "8999.91", "averagePrice": "999.99"},
        ],
    }
