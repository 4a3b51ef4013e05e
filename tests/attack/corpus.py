"""Valid requests, which are then changed: bodies, whole requests, messages of WebSockets."""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from graphql import get_introspection_query

from tests.attack.target import HANDSHAKE
from tests.faults.asked import ORDER, PAGE, PRODUCT, STOCK

ROOT = Path(__file__).parent.parent.parent

WHO = (b"", b"authorization: Bearer <<customer-token>>\r\n", b"authorization: Bearer <<admin-token>>\r\n")
"""Headers of nobody, a customer and an admin; the target knows the tokens."""

ITEMS = [{"productId": "prod_1", "quantity": 1}, {"productId": "prod_2", "quantity": 3}]

OPERATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (PRODUCT, {"id": "prod_1"}),
    (PAGE, {"price": "9.99"}),
    (ORDER, {"key": "attack-1", "user": "user_1", "items": ITEMS}),
    (STOCK, {"key": "attack-2", "id": "prod_3"}),
    (get_introspection_query(), {}),
    (
        "query ($where: ProductWhere, $first: Int, $after: String) { products(first: $first, after: $after, "
        "where: $where, orderBy: [{field: PRICE, direction: DESC}]) "
        "{ totalCount nodes { id name price } pageInfo { endCursor } } }",
        {"where": {"price": {"gte": "1.00", "lte": "50.00"}, "search": "red lamp"}, "first": 5},
    ),
    ("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {"ids": ["prod_1", "cat_2", "user_3", "ord_4"]}),
    ("{ me { id email orders(first: 3) { nodes { id totalAmount items { quantity product { name } } } } } }", {}),
    ("query ($id: ID!) { order(id: $id) { status user { fullName } events { kind } } }", {"id": "ord_1"}),
    ("query A { a: products(first: 2) { ...f } } query B { b: products { ...f } } "
     "fragment f on ProductConnection { nodes { id } }", {}),
    (
        "mutation ($input: LoginInput!) { login(input: $input) { __typename ... on UserError { message } } }",
        {"input": {"email": "nobody@example.com", "password": "nothing of the kind"}},
    ),
    (
        "mutation ($input: CreateProductInput!) { createProduct(input: $input) { __typename } }",
        {"input": {"idempotencyKey": "attack-3", "category": {"id": "cat_1"}, "name": "Lamp", "price": "3.50",
                   "stockQuantity": 4, "sku": "attack"}},
    ),
    (
        "mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename ... on UserError { code } } }",
        {"input": {"idempotencyKey": "attack-4", "orderId": "ord_7", "reason": "It is yellow."}},
    ),
    (
        "mutation ($input: UpdateProductPriceInput!) { updateProductPrice(input: $input) { __typename } }",
        {"input": {"productId": "prod_9", "price": "12.00", "expectedVersion": 1}},
    ),
)  # fmt: skip

SUBSCRIPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("subscription { productChanged { __typename } }", {}),
    ("subscription ($ids: [ID!]) { productChanged(ids: $ids) { __typename } }", {"ids": ["prod_1"]}),
    ("subscription { orderChanged { __typename } }", {}),
)


@cache
def bodies() -> Sequence[bytes]:
    """Return bodies of requests: what people send, and every example of the documentation."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = "\n".join(page.read_text() for page in pages)
    examples = re.findall(r"```graphql\n(.*?)```", texts, re.DOTALL)
    return [body(query, variables) for query, variables in (*OPERATIONS, *((example, {}) for example in examples))]


def body(query: str, variables: dict[str, Any] | None = None) -> bytes:
    """Return the body of an operation."""
    return json.dumps({"query": query, "variables": variables or {}}).encode()


def post(content: bytes, who: bytes = b"", accept: bytes = b"*/*") -> bytes:
    """Return a whole request that posts a body."""
    head = b"POST /graphql HTTP/1.1\r\nhost: <<host>>\r\ncontent-type: application/json\r\naccept: %b\r\n%b"
    return (head + b"content-length: %d\r\n\r\n%b") % (accept, who, len(content), content)


@cache
def requests() -> Sequence[bytes]:
    """Return whole requests of every kind that the server answers."""
    line = b" HTTP/1.1\r\nhost: <<host>>\r\n"
    gets = [b"GET /graphql?query=%7B__typename%7D", b"GET /health", b"GET /ready", b"GET /", b"GET /graphql",
            b"OPTIONS /graphql", b"GET /nowhere", b"PUT /graphql", b"GET /graphql?query="
            b"query(%24id:ID!)%7Bproduct(id:%24id)%7Bname%7D%7D&variables=%7B%22id%22:%22prod_1%22%7D"]  # fmt: skip
    found = [get + line + b"accept: */*\r\n\r\n" for get in gets]
    found += [gets[4] + line + b"accept: text/html,*/*;q=0.5\r\n\r\n", _chunked(bodies()[0]), handshake()]
    found += [post(content, who) for content in bodies()[:10] for who in WHO]
    found += [post(body(*subscription), WHO[2], b"text/event-stream") for subscription in SUBSCRIPTIONS]
    return [*found, found[0] + post(bodies()[0])]


def handshake() -> bytes:
    """Return the request for a WebSocket."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    return b"GET /graphql HTTP/1.1\r\nhost: <<host>>\r\n" + headers.encode() + b"\r\n"


def _chunked(content: bytes) -> bytes:
    head = b"POST /graphql HTTP/1.1\r\nhost: <<host>>\r\ncontent-type: application/json\r\n"
    half = len(content) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:half], content[half:], b""))
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunks


@cache
def messages() -> Sequence[bytes]:
    """Return messages of graphql-transport-ws, right ones and ones that only servers send."""
    payloads = [{"query": query, "variables": values} for query, values in (*SUBSCRIPTIONS, *OPERATIONS[:4])]
    found: list[dict[str, Any]] = [
        {"id": id, "type": "subscribe", "payload": payload} for payload in payloads for id in ("1", "2")
    ]
    found += [
        {"type": "connection_init"},
        {"type": "connection_init", "payload": {"Authorization": "Bearer <<admin-token>>"}},
        {"type": "connection_init", "payload": {"Authorization": "Bearer x"}}, {"type": "ping"}, {"type": "pong"},
        {"type": "ping", "payload": {"a": [1]}}, {"id": "1", "type": "complete"}, {"id": "3", "type": "complete"},
        {"id": "1", "type": "next", "payload": {}}, {"id": "1", "type": "error", "payload": []}, {"type": "unknown"},
    ]  # fmt: skip
    return [json.dumps(each).encode() for each in found]
