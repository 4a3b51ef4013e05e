"""Buys the cheapest thing of a category, through the client that ariadne-codegen makes of operations.graphql.

python buy.py http://127.0.0.1:8000/graphql ada@example.com welcome-to-the-demo Music
"""

import asyncio
import sys
from decimal import Decimal
from uuid import uuid4

from shop_client import Client
from shop_client.input_types import CategoryBy, CreateOrderInput, LoginInput, OrderItemInput, ProductWhere


async def main(url: str, email: str, password: str, category_name: str) -> None:
    shop = Client(url)
    found = await shop.category(CategoryBy(name=category_name))
    if found.category is None:
        sys.exit(f"There is no category {category_name}.")

    page = (await shop.find_products(ProductWhere(category_ids=[found.category.id], in_stock=True))).products
    cheapest = page.nodes[0]
    assert isinstance(cheapest.price, Decimal)

    login = (await shop.sign_in(LoginInput(email=email, password=password))).login
    if login.typename__ != "LoginSuccess":
        sys.exit(login.message)
    buyer = Client(url, headers={"Authorization": f"Bearer {login.access_token}"})

    order = CreateOrderInput(
        idempotency_key=str(uuid4()),
        items=[OrderItemInput(product_id=cheapest.id, quantity=2)],
        expected_total=2 * cheapest.price,
    )
    for _ in range(2):  # the second time stands for a lost answer: the key keeps it from buying again
        result = (await buyer.place_order(order)).create_order
        if result.typename__ != "CreateOrderSuccess":
            sys.exit(result.message)
        print(f"{result.order.id}: 2 × {cheapest.name}, {result.order.total_amount}, replayed: {result.replayed}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
