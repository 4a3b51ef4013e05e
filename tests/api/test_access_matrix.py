"""Every field and every mutation, for everybody who might use it.

The expectations are written out here, apart from the rules in the code, and a field that is missing here is a failure.
"""

from typing import Any

import httpx
import orjson
import pytest
from graphql import GraphQLInterfaceType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLScalarType
from starlette.applications import Starlette

from shop_graphql.access import ANONYMOUS, Viewer
from shop_graphql.api.context import Who
from shop_graphql.api.requests import Operation
from shop_graphql.api.schema import schema
from shop_graphql.api.subscribing import Refused
from tests.api.conftest import PASSWORD
from tests.api.mutating import KEYED, document, keyed
from tests.api.people import VIEWERS, World, world
from tests.factories import Factory

TYPES = schema._schema.type_map

# For each of VIEWERS: D data, E an empty list, N nothing, as though it did not exist, U UNAUTHENTICATED, F FORBIDDEN.
QUERIES = {
    "category": "DDDDD",
    "categories": "DDDDD",
    "categoryStats": "DDDDD",
    "exportUserData": "UNDDD",
    "me": "NDDDD",
    "node": "NNDDD",
    "nodes": "NNDDD",
    "order": "UNDDD",
    "orders": "UEDDD",
    "product": "DDDDD",
    "products": "DDDDD",
    "reports": "UFFDD",
    "user": "UNDDD",
    "users": "UFFDD",
}
SEEN_BY_ALL, SEEN_BY_OWNER, SEEN_BY_STAFF, FOR_STAFF = "DDDDD", "NNDDD", "NNNDD", "UFFDD"
FIELDS = {
    "Category": {SEEN_BY_ALL: "createdAt description id name products stats"},
    "Product": {
        SEEN_BY_ALL: "archivedAt category createdAt description id name price sku stockQuantity version",
        "EEDDD": "orderItems",
        FOR_STAFF: "stockMovements",
    },
    "User": {SEEN_BY_OWNER: "createdAt email fullName id orders role"},
    "Order": {SEEN_BY_OWNER: "allowedTransitions createdAt history id items status totalAmount user version"},
    "OrderItem": {SEEN_BY_OWNER: "id lineTotal order product productName quantity unitPrice"},
    "OrderEvent": {SEEN_BY_OWNER: "createdAt id reason status", FOR_STAFF: "actor"},
    "StockMovement": {SEEN_BY_STAFF: "actor balance createdAt delta id kind order product reason"},
}
"""On what belongs to the owner."""

CELLS = {
    (type_, field): outcomes
    for type_, rules in FIELDS.items()
    for outcomes, fields in rules.items()
    for field in fields.split()
}

# D done, R refused, as though what it names did not exist, U UNAUTHENTICATED, F FORBIDDEN.
MUTATIONS = {
    "addCategoryStock": "UFFDD",
    "adjustStock": "UFFDD",
    "archiveProduct": "UFFDD",
    "cancelOrder": "URDDD",
    "changePassword": "UDDDD",
    "completeOrder": "UFFDD",
    "createCategory": "UFFDD",
    "createOrder": "URDDD",
    "createProduct": "UFFDD",
    "createUser": "UFFFD",
    "deleteCategory": "UFFDD",
    "deleteOrder": "UFFDD",
    "deleteProduct": "UFFDD",
    "eraseUser": "UFFFD",
    "login": "DDDDD",
    "logout": "DDDDD",
    "refresh": "DDDDD",
    "register": "DDDDD",
    "restoreProduct": "UFFDD",
    "setUserRole": "UFFFD",
    "updateCategory": "UFFDD",
    "updateProduct": "UFFDD",
    "updateProductPrice": "UFFDD",
    "upsertProducts": "UFFDD",
}
# What comes first, of what is the owner's.
SUBSCRIPTIONS = {"orderChanged": "UNDDD", "productChanged": "DDDDD"}
CODES = {"UNAUTHENTICATED": "U", "FORBIDDEN": "F"}


@pytest.fixture
async def shop(anonymous_http: httpx.AsyncClient, make: Factory, password_hash: str) -> World:
    return await world(anonymous_http, make, password_hash)


def test_the_matrix_has_every_field_and_every_mutation() -> None:
    assert set(QUERIES) == set(fields("Query"))
    assert set(MUTATIONS) == set(fields("Mutation"))
    assert set(SUBSCRIPTIONS) == set(fields("Subscription"))
    nodes = {name for name, type_ in TYPES.items() if is_node(type_)}
    assert set(FIELDS) == nodes
    assert set(CELLS) == {(type_, field) for type_ in nodes for field in fields(type_)}


def fields(type_: str) -> dict[str, Any]:
    found = TYPES[type_]
    assert isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
    return dict(found.fields)


def is_node(type_: object) -> bool:
    return isinstance(type_, GraphQLObjectType) and "Node" in {interface.name for interface in type_.interfaces}


@pytest.mark.parametrize("field", QUERIES)
async def test_what_a_query_tells_whom(shop: World, field: str) -> None:
    text = f"{{ {field}{arguments(shop, field)} {selection('Query', field)} }}"
    assert await outcomes(shop, text, [field]) == QUERIES[field]


def arguments(shop: World, field: str) -> str:
    user, order = shop.ids["User"], shop.ids["Order"]
    return {
        "category": f'(by: {{id: "{shop.ids["Category"]}"}})',
        "exportUserData": f'(userId: "{user}")',
        "node": f'(id: "{order}")',
        "nodes": f'(ids: ["{order}"])',
        "order": f'(id: "{order}")',
        "orders": f'(where: {{ids: ["{order}"]}})',
        "product": f'(id: "{shop.ids["Product"]}")',
        "user": f'(by: {{email: "{shop.users["owner"].email}"}})',
    }.get(field, "")


@pytest.mark.parametrize(("type_", "field"), CELLS, ids=lambda name: name)
async def test_what_a_field_tells_whom(shop: World, type_: str, field: str) -> None:
    text = f'{{ node(id: "{shop.ids[type_]}") {{ ... on {type_} {{ field: {field} {selection(type_, field)} }} }} }}'
    assert await outcomes(shop, text, ["node", "field"]) == CELLS[type_, field]


def selection(type_: str, field: str) -> str:
    """Return what to select of a field's value: enough to see whether there is any."""
    value = fields(type_)[field].type
    while isinstance(value, GraphQLNonNull | GraphQLList):
        value = value.of_type
    if value.name.endswith("Connection"):
        return "{ nodes { __typename } totalCount { value } }"
    return "{ __typename }" if hasattr(value, "fields") and not isinstance(value, GraphQLScalarType) else ""


async def outcomes(shop: World, text: str, path: list[str]) -> str:
    return "".join([outcome(await shop.client(viewer).send(text), path) for viewer in VIEWERS])


def outcome(answer: dict[str, Any], path: list[str]) -> str:
    if "errors" in answer:
        assert "data" not in answer
        (code,) = {error["extensions"]["code"] for error in answer["errors"]}
        return CODES[code]
    value = answer["data"][path[0]]
    if value in (None, [None]):
        return "N"
    for step in path[1:]:
        value = value[step]
    if isinstance(value, dict) and "nodes" in value:
        assert len(value["nodes"]) == value["totalCount"]["value"]
        return "D" if value["nodes"] else "E"
    return "D"


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", MUTATIONS)
async def test_what_a_mutation_does_for_whom(shop: World, name: str, viewer: str) -> None:
    input = keyed(name, await inputs(shop, name))
    answer = await shop.client(viewer).send(document(name), input=input)
    assert result(answer, name) == MUTATIONS[name][VIEWERS.index(viewer)]


def result(answer: dict[str, Any], name: str) -> str:
    if "errors" in answer:
        (error,) = answer["errors"]
        return CODES[error["extensions"]["code"]]
    value = answer["data"][name]
    if value["__typename"].endswith("Success"):
        return "D"
    assert value["__typename"] == "NotFoundError", value
    return "R"


async def inputs(shop: World, name: str) -> dict[str, Any]:
    """Return an input that somebody with all rights succeeds with; where it matters, it is about the owner."""
    ids = shop.ids
    category, product, order, user = ids["Category"], ids["Product"], ids["Order"], ids["User"]
    if name in {"logout", "refresh"}:
        return {"refreshToken": await refresh_token(shop)}
    if name in {"deleteCategory", "deleteProduct"}:
        return await disposable(shop, name)
    known: dict[str, dict[str, Any]] = {
        "addCategoryStock": {"categoryId": category, "quantity": 1},
        "adjustStock": {"productId": product, "delta": 1},
        "archiveProduct": {"productId": product},
        "cancelOrder": {"orderId": order},
        "changePassword": {"currentPassword": PASSWORD, "newPassword": PASSWORD[::-1]},
        "completeOrder": {"orderId": order},
        "createCategory": {"name": "New"},
        "createOrder": {"userId": user, "items": [{"productId": product, "quantity": 1}]},
        "createProduct": {"name": "New", "price": "1", "category": {"id": category}},
        "createUser": {"email": "new@example.com", "fullName": "New"},
        "deleteOrder": {"orderId": order},
        "eraseUser": {"userId": user},
        "login": {"email": "owner@example.com", "password": PASSWORD},
        "register": {"email": "new@example.com", "fullName": "New", "password": PASSWORD},
        "restoreProduct": {"productId": product},
        "setUserRole": {"userId": user, "role": "STAFF"},
        "updateCategory": {"categoryId": category, "name": "New"},
        "updateProduct": {"productId": product, "name": "New"},
        "updateProductPrice": {"productId": product, "price": "1"},
        "upsertProducts": {"rows": [{"sku": "1", "name": "New", "price": "1", "category": "Lamps"}]},
    }
    return known[name]


async def refresh_token(shop: World) -> str:
    login = {"email": "owner@example.com", "password": PASSWORD}
    data = await shop.client("anonymous").ask(document("login", "refreshToken"), input=login)
    token: str = data["login"]["refreshToken"]
    return token


async def disposable(shop: World, name: str) -> dict[str, Any]:
    if name == "deleteProduct":
        return {"productId": "prod_2"}
    created = await shop.client("admin").ask(document("createCategory", "category { id }"), input={"name": "Empty"})
    return {"categoryId": created["createCategory"]["category"]["id"]}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("orderChanged", "subscription ($id: ID!) { orderChanged(id: $id) { shown: order { id } } }"),
        ("productChanged", "subscription ($id: ID!) { productChanged(ids: [$id]) { shown: product { id } } }"),
    ],
)
async def test_what_a_subscription_tells_whom(shop: World, app: Starlette, field: str, text: str) -> None:
    type_ = {"orderChanged": "Order", "productChanged": "Product"}[field]
    found = ""
    for viewer in VIEWERS:
        user = shop.users.get(viewer)
        who = Who(Viewer(user.role, user.id) if user else ANONYMOUS, "")
        events = await app.state.subscriptions.begin(Operation(text, {"id": shop.ids[type_]}, None), who)
        try:
            body = await anext(events)
            found += "N" if orjson.loads(body)["data"][field]["shown"] is None else "D"
        except Refused as refusal:
            found += CODES[refusal.errors[0]["extensions"]["code"]]
        await events.aclose()
    assert found == SUBSCRIPTIONS[field]


def test_mutations_with_keys_are_known() -> None:
    assert set(MUTATIONS) >= KEYED
