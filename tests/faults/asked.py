"""What people ask a shop for, in mixtures, as the bytes of whole requests."""

from collections.abc import Iterator, Mapping
from itertools import count, cycle
from random import Random

import orjson

from tests.chaos.server import admin

PRODUCT = "query ($id: ID!) { product(id: $id) { id name price stockQuantity category { name } } }"
PAGE = """query ($price: Money!) {
  categories(first: 16) {
    nodes { id name products(first: 20, where: {price: {gte: $price}}) { nodes { id name price stockQuantity } } }
  }
}"""
"""Some hundred rows: so much work for the database that to refuse a request costs next to nothing beside it."""

ORDER = """mutation ($key: String!, $user: ID!, $items: [OrderItemInput!]!) {
  createOrder(input: {idempotencyKey: $key, userId: $user, items: $items}) {
    __typename ... on CreateOrderSuccess { order { id totalAmount items { quantity product { name } } } }
  }
}"""
STOCK = """mutation ($key: String!, $id: ID!) {
  adjustStock(input: {idempotencyKey: $key, productId: $id, delta: 100}) { __typename }
}"""

HEAVY = {"product": 18, "page": 60, "order": 20, "stock": 2}
QUICK = {"product": 1}
"""Mixtures: how often each is asked for."""

MADE = 5_000
"""Requests that are made beforehand, so that to send one costs little; then they come again, with other keys."""

_KEY = "load-%024x"
_NO_KEY = _KEY % 0


def requests(address: str, mixture: Mapping[str, int], random: Random, products: int, users: int) -> Iterator[bytes]:
    """Return requests without end for the sample shop of this size at `host:port`. No two have the same key."""
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        f"authorization: {admin()['authorization']}\r\ncontent-length: "
    ).encode()
    kinds = random.choices([*mixture], [*mixture.values()], k=MADE)
    bodies = [_body(kind, random, products, users) for kind in kinds]
    made = [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies]
    first, no_key = random.getrandbits(90), _NO_KEY.encode()
    for number, request in zip(count(first), cycle(made), strict=False):
        yield request.replace(no_key, (_KEY % number).encode()) if no_key in request else request


def _body(kind: str, random: Random, products: int, users: int) -> bytes:
    id = f"prod_{random.randint(1, products)}"
    if kind == "product":
        return _json(PRODUCT, id=id)
    if kind == "page":
        return _json(PAGE, price=f"{random.randint(1, 5000) / 100:.2f}")
    if kind == "stock":
        return _json(STOCK, key=_NO_KEY, id=id)
    chosen = random.sample(range(1, products + 1), 3)
    items = [{"productId": f"prod_{number}", "quantity": 1} for number in chosen]
    return _json(ORDER, key=_NO_KEY, user=f"user_{random.randint(1, users)}", items=items)


def _json(query: str, **variables: object) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})
