"""Rights that somebody does not have: what belongs to others, and what needs another role."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.attack.named.changes import mutation
from tests.attack.named.kinds import Attack, Expectation, Scripted, Who, answered, document, refused, unions
from tests.attack.target import Target, judge

FORBIDDEN = refused("FORBIDDEN")
STRANGER = refused("UNAUTHENTICATED")
BAD = refused("BAD_USER_INPUT")
UNKNOWN = unions("NotFoundError")

_FOR_STAFF: Mapping[str, Mapping[str, Any]] = {
    "adjustStock": {"productId": "<<product>>", "delta": 1, "idempotencyKey": "k"},
    "addCategoryStock": {"categoryId": "<<category>>", "quantity": 1, "idempotencyKey": "k"},
    "archiveProduct": {"productId": "<<product>>"},
    "completeOrder": {"orderId": "<<own>>", "idempotencyKey": "k"},
    "createCategory": {"name": "Mine"},
    "createProduct": {"name": "Mine", "price": 1, "category": {"id": "<<category>>"}, "idempotencyKey": "k"},
    "createUser": {"email": "me-too@example.com", "fullName": "Me", "role": "ADMIN"},
    "deleteCategory": {"categoryId": "<<empty>>"},
    "deleteOrder": {"orderId": "<<own>>"},
    "deleteProduct": {"productId": "<<product>>"},
    "eraseUser": {"userId": "<<stranger>>"},
    "restoreProduct": {"productId": "<<product>>"},
    "setUserRole": {"userId": "<<customer>>", "role": "ADMIN"},
    "updateCategory": {"categoryId": "<<category>>", "name": "Mine"},
    "updateProduct": {"productId": "<<product>>", "name": "Mine"},
    "updateProductPrice": {"productId": "<<product>>", "price": "0.01"},
    "upsertProducts": {"rows": [{"sku": "a", "name": "n", "price": 1, "category": "c"}], "idempotencyKey": "k"},
}
_READS_FOR_STAFF = {
    "users": "{ users { nodes { email } } }",
    "users-counted": "{ users { totalCount { value } } }",
    "reports": (
        '{ reports { topProducts(range: {gte: "2026-01-01T00:00:00Z", lt: "2027-01-01T00:00:00Z"}) { revenue } } }'
    ),
    "stock-movements": '{ product(id: "<<product>>") { stockMovements { nodes { actor } } } }',
    "stock-movements-by-a-list": "{ products { nodes { stockMovements { nodes { reason } } } } }",
    "actor-of-an-order": '{ order(id: "<<own>>") { history { actor } } }',
    "users-in-a-fragment": "{ ...A } fragment A on Query { ... on Query { u: users { nodes { id } } } }",
    "users-behind-an-alias": "{ me: users { nodes { id email } } }",
}
_FOREIGN: Mapping[str, tuple[str, Any]] = {
    "order": ('{ order(id: "<<foreign>>") { totalAmount } }', {"order": None}),
    "order-by-node": ('{ node(id: "<<foreign>>") { id ... on Order { totalAmount } } }', {"node": None}),
    "order-by-nodes": ('{ nodes(ids: ["<<foreign>>", "<<foreign>>"]) { id } }', {"nodes": [None, None]}),
    "order-by-aliases": (
        '{ a: order(id: "<<foreign>>") { id } b: order(id: "<<own>>") { status } c: order(id: "<<foreign>>") { id } }',
        {"a": None, "b": {"status": "PENDING"}, "c": None},
    ),
    "user": ('{ user(by: {id: "<<stranger>>"}) { email } }', {"user": None}),
    "user-by-email": ('{ user(by: {email: "<<other_email>>"}) { id } }', {"user": None}),
    "user-by-email-in-capitals": ('{ user(by: {email: "BOB-<<mark>>@example.com"}) { id } }', {"user": None}),
    "user-by-node": ('{ node(id: "<<stranger>>") { id } }', {"node": None}),
    "export": ('{ exportUserData(userId: "<<stranger>>") }', {"exportUserData": None}),
    "orders-by-user": (
        '{ orders(where: {userId: "<<stranger>>"}) { nodes { id } totalCount { value } } }',
        {"orders": {"nodes": [], "totalCount": {"value": 0}}},
    ),
    "orders-by-id": (
        '{ orders(where: {ids: ["<<foreign>>"]}) { nodes { id } aggregate { totalAmount { sum } } } }',
        {"orders": {"nodes": [], "aggregate": {"totalAmount": {"sum": "0.00"}}}},
    ),
    "orders-by-or": (
        '{ orders(where: {or: [{ids: ["<<foreign>>"]}, {userId: "<<stranger>>"}]}) { nodes { id } } }',
        {"orders": {"nodes": []}},
    ),
    "orders-by-not": (
        '{ orders(where: {not: {userId: "<<customer>>"}}) { nodes { id } totalCount { value } } }',
        {"orders": {"nodes": [], "totalCount": {"value": 0}}},
    ),
    "orders-sorted-by-amount": (
        "{ orders(orderBy: [{field: TOTAL_AMOUNT}]) { nodes { user { email } } totalCount { value } } }",
        {"orders": {"nodes": [{"user": {"email": "<<email>>"}}], "totalCount": {"value": 1}}},
    ),
    "items-of-a-product": (
        '{ product(id: "<<product>>") { orderItems { nodes { order { user { email } } } totalCount { value } } } }',
        {
            "product": {
                "orderItems": {"nodes": [{"order": {"user": {"email": "<<email>>"}}}], "totalCount": {"value": 1}}
            }
        },
    ),
    "items-by-order": (
        '{ product(id: "<<product>>") { orderItems(where: {orderIds: ["<<foreign>>"]}) { nodes { id } } } }',
        {"product": {"orderItems": {"nodes": []}}},
    ),
    "orders-of-the-user-of-an-order": (
        '{ order(id: "<<own>>") { user { orders { totalCount { value } } } } }',
        {"order": {"user": {"orders": {"totalCount": {"value": 1}}}}},
    ),
}
_FOREIGN_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "cancelOrder": {"orderId": "<<foreign>>", "idempotencyKey": "k"},
    "createOrder": {
        "userId": "<<stranger>>",
        "items": [{"productId": "<<product>>", "quantity": 1}],
        "idempotencyKey": "k",
    },
}
_ASSIGNED: Mapping[str, tuple[str, Mapping[str, Any], Who]] = {
    "register-as-admin": (
        "register",
        {"email": "a@b.example", "fullName": "A", "password": "long enough 1", "role": "ADMIN"},
        None,
    ),
    "register-with-an-id": (
        "register",
        {"email": "a@b.example", "fullName": "A", "password": "long enough 1", "id": "user_1"},
        None,
    ),
    "login-with-a-role": ("login", {"email": "<<email>>", "password": "x", "role": "ADMIN"}, None),
    "login-by-an-operator": ("login", {"email": {"$ne": ""}, "password": {"$ne": ""}}, None),
    "login-by-a-list": ("login", {"email": ["<<email>>"], "password": ["x"]}, None),
    "order-with-a-user-object": (
        "createOrder",
        {"user": {"id": "<<stranger>>"}, "items": [], "idempotencyKey": "k"},
        "customer",
    ),
    "password-of-another": (
        "changePassword",
        {"userId": "<<stranger>>", "currentPassword": "x", "newPassword": "a longer one 1"},
        "customer",
    ),
}


async def _looks_the_same(target: Target) -> list[str]:
    """A foreign order and one that does not exist must be told apart by nothing but the id that was sent."""
    answers = []
    for id in (target.names["foreign"], "ord_999999999"):
        input = {"orderId": id, "idempotencyKey": uuid4().hex}
        reply = await target.graphql(mutation("cancelOrder"), {"input": input}, target.customer)
        complaints = judge(reply)
        if complaints:
            return complaints
        answers.append(reply.text.replace(id, "the id"))
    return [] if answers[0] == answers[1] else [f"a foreign order is told from none: {answers}"]


async def _foreign_key(target: Target) -> list[str]:
    """Somebody else's idempotency key must neither replay their answer nor be in the way."""
    key, items = uuid4().hex, [{"productId": target.names["product"], "quantity": 1}]
    query = (
        "mutation ($input: CreateOrderInput!) { createOrder(input: $input) "
        "{ ... on CreateOrderSuccess { replayed order { id user { id } } } ... on UserError { message } } }"
    )
    input = {"idempotencyKey": key, "items": items}
    orders, complaints = [], []
    for who in ("stranger", "customer"):
        id = target.names[who]
        reply = await target.graphql(query, {"input": {**input, "dryRun": False}}, target.user(id))
        made = (reply.json().get("data") or {}).get("createOrder") or {}
        complaints += judge(reply)
        if made.get("replayed") is not False or made["order"]["user"]["id"] != id:
            complaints.append(f"the key of another was taken for one's own: {reply.text}")
            continue
        orders.append(made["order"]["id"])
    for order in orders:
        await target.graphql(mutation("deleteOrder"), {"input": {"orderId": order}}, target.admin)
    return complaints


def _own(name: str, query: str, data: Any) -> Attack:
    async def script(target: Target) -> list[str]:
        reply = await target.graphql(query, {}, target.customer)
        wanted = json.loads(target.filled(json.dumps(data).encode()))
        return judge(reply) + answered(wanted)(reply)

    return Scripted(f"foreign/{name}", script)


def _refused_to(who: Who, expects: Expectation) -> list[Attack]:
    kind = who or "nobody"
    return [
        *(
            document(f"{kind}-may-not/{name}", mutation(name), expects, who=who, input=given)
            for name, given in _FOR_STAFF.items()
        ),
        *(document(f"{kind}-may-not/see-{name}", query, expects, who=who) for name, query in _READS_FOR_STAFF.items()),
    ]


ATTACKS: Sequence[Attack] = [
    *_refused_to("customer", FORBIDDEN),
    *_refused_to(None, STRANGER),
    *(_own(name, query, data) for name, (query, data) in _FOREIGN.items()),
    *(
        document(f"foreign/{name}", mutation(name), UNKNOWN, who="customer", input=given)
        for name, given in _FOREIGN_CHANGES.items()
    ),
    *(
        document(f"assigned/{name}", mutation(field), BAD, who=who, input=given)
        for name, (field, given, who) in _ASSIGNED.items()
    ),
    Scripted("foreign/order-looks-like-none", _looks_the_same),
    Scripted("foreign/idempotency-key", _foreign_key),
]
