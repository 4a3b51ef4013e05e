"""What attacks need of a shop: two customers with an order each, and things of every type. Made through the API."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from tests.attack.target import Target

PASSWORD = "a password of the attacked: 5Tq8"


async def furnished(target: Target) -> Target:
    """Return the target with names: `customer` and `stranger` are users, `own` and `foreign` their orders.

    Further: their `email` and `other_email`, a `product` of a `category`, and `empty`, a category without products.
    """
    mark = uuid4().hex[:8]
    names = {
        "host": f"{target.host}:{target.port}",
        "admin": target.admin["authorization"],
        "password": PASSWORD,
        "mark": mark,
        "email": f"ada-{mark}@example.com",
        "other_email": f"bob-{mark}@example.com",
    }
    names["customer"] = await _made(target, "createUser", "user", email=names["email"], **_person("Ada"))
    names["stranger"] = await _made(target, "createUser", "user", email=names["other_email"], **_person("Bob"))
    names["category"] = await _made(target, "createCategory", "category", name=f"Lamps {mark}")
    names["empty"] = await _made(target, "createCategory", "category", name=f"Nothing {mark}")
    product = {"name": f"Lamp {mark}", "price": "9.50", "stockQuantity": 1_000_000, "sku": f"lamp-{mark}"}
    category = {"id": names["category"]}
    names["product"] = await _made(target, "createProduct", "product", **_keyed(), category=category, **product)
    for order, user in (("own", "customer"), ("foreign", "stranger")):
        items = [{"productId": names["product"], "quantity": 2}]
        names[order] = await _made(target, "createOrder", "order", **_keyed(), userId=names[user], items=items)
    return replace(target, names=names)


def _person(name: str) -> dict[str, str]:
    return {"fullName": name, "password": PASSWORD}


def _keyed() -> dict[str, str]:
    return {"idempotencyKey": uuid4().hex}


async def _made(target: Target, mutation: str, noun: str, **input: Any) -> str:
    """Return the id of what a mutation has made."""
    name = mutation[0].upper() + mutation[1:]
    query = (
        f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) "
        f"{{ ... on {name}Success {{ {noun} {{ id }} }} ... on UserError {{ message }} }} }}"
    )
    reply = await target.graphql(query, {"input": input}, target.admin)
    id: str = reply.json()["data"][mutation][noun]["id"]
    return id
