"""Mutations by the short way and by Strawberry's: the same bytes, and the same rows afterwards."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from shop_graphql.access import Role
from shop_graphql.app import create_app
from shop_graphql.database import Database
from shop_graphql.settings import Settings
from tests.api.mutating import KEYED, tables
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

ADMIN = signed_in(3, Role.ADMIN)
CUSTOMER = signed_in(1, Role.CUSTOMER)

REFUSAL = """
fragment Facts on UserError {
  __typename code message
  ... on ValidationError { issues { path message } }
  ... on NotFoundError { path id }
  ... on AlreadyExistsError { path }
  ... on OutOfStockError { shortages { path requested available } }
  ... on InUseError { orderCount productCount }
  ... on PriceChangedError { expected actual }
  ... on InvalidTransitionError { from to allowed }
  ... on VersionConflictError { current }
  ... on IdempotencyConflictError { path }
}
fragment Refusal on UserError { ...Facts otherErrors { ...Facts } }
"""
ORDER = """
  id status totalAmount createdAt version allowedTransitions again: id
  user { id email orders(first: 1) { totalCount { value } nodes { id } } }
  items { id quantity productName unitPrice lineTotal product { id name stockQuantity category { name } } }
  history { status reason actor }
"""
PRODUCT = "id name price stockQuantity sku description archivedAt createdAt version category { id name }"

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "order": ("createOrder", f"order {{ {ORDER} }} replayed", {"userId": "user_1", "items": [("prod_1", 2)]}),
    "order of several": (
        "createOrder",
        "order { items { product { id } } }",
        {"items": [("prod_1", 1), ("prod_2", 3)]},
    ),
    "order of strangers": ("createOrder", "replayed", {"userId": "user_99", "items": [("prod_99", 0), ("x", 1)]}),
    "order of too much": ("createOrder", "replayed", {"userId": "user_1", "items": [("prod_1", 999), ("prod_2", 900)]}),
    "order at another price": ("createOrder", "replayed", {"items": [("prod_1", 1)], "expectedTotal": "1.00"}),
    "order only tried": ("createOrder", "order { totalAmount }", {"items": [("prod_1", 1)], "dryRun": True}),
    "completion": ("completeOrder", f"order {{ {ORDER} }}", {"orderId": "ord_1"}),
    "cancellation": ("cancelOrder", f"order {{ {ORDER} }}", {"orderId": "ord_1", "reason": 'Because "of" ü\n'}),
    "cancellation of nothing": ("cancelOrder", "replayed", {"orderId": "ord_99"}),
    "completion of what is cancelled": ("completeOrder", "replayed", {"orderId": "ord_2"}),
    "deletion": ("deleteOrder", "deletedId", {"orderId": "ord_1"}),
    "category": (
        "createCategory",
        "category { id name description products { totalCount { value } } stats { productCount averagePrice } }",
        {"name": "Büro ✏️", "description": None},
    ),
    "category of a taken name": ("createCategory", "category { id }", {"name": "Lamps"}),
    "category without a name": ("createCategory", "category { id }", {"name": " "}),
    "product": (
        "createProduct",
        f"product {{ {PRODUCT} }} replayed",
        {"name": "New", "price": "9.90", "category": {"new": {"name": "New"}}},
    ),
    "product in no category": ("createProduct", "replayed", {"name": "New", "price": "9", "category": {"id": "cat_9"}}),
    "price": ("updateProductPrice", f"product {{ {PRODUCT} }}", {"productId": "prod_1", "price": 7}),
    "price of an old version": (
        "updateProductPrice",
        "__typename",
        {"productId": "prod_1", "price": "7", "expectedVersion": 9},
    ),
    "archive": ("archiveProduct", "product { id name category { name } }", {"productId": "prod_1"}),
    "deletion of what was ordered": ("deleteProduct", "deletedId", {"productId": "prod_1"}),
    "stock": (
        "adjustStock",
        "product { stockQuantity stockMovements(first: 2) { nodes { delta balance kind } } }",
        {"productId": "prod_1", "delta": -1},
    ),
    "too little stock": ("adjustStock", "replayed", {"productId": "prod_1", "delta": -999}),
    "user": (
        "createUser",
        "user { id email fullName role orders { nodes { id } } }",
        {"email": "new@example.com", "fullName": "New"},
    ),
    "user with a taken address": ("createUser", "user { id }", {"email": "ADA@example.com", "fullName": "New"}),
    "role": ("setUserRole", "user { id role }", {"userId": "user_1", "role": "STAFF"}),
    "erasure": ("eraseUser", "user { id email fullName }", {"userId": "user_1"}),
    "upsert": (
        "upsertProducts",
        "outcomes { sku status issues { path } } replayed",
        {"rows": [{"sku": "1", "name": "New", "price": "1", "category": "Lamps"}]},
    ),
    "wrong login": ("login", "accessToken", {"email": "ada@example.com", "password": "wrong"}),
    "weak registration": ("register", "accessToken", {"email": "x", "fullName": "", "password": "short"}),
    "sign-out": ("logout", "signedOut", {"refreshToken": "nothing"}),
}


class Both:
    """Two servers on one database: one that takes the short way, and one that does not."""

    def __init__(self, database: Database, short: Starlette, long: Starlette) -> None:
        self._database = database
        self.apps = {"short": short, "long": long}

    async def send(self, way: str, query: str, variables: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.apps[way], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as http:
            return await http.post("/graphql", json={"query": query, "variables": variables})

    async def compare(self, query: str, variables: dict[str, Any], headers: dict[str, str]) -> Any:
        """Run a document in the same shop in both ways; return what both answered."""
        answers, left = [], []
        for way in self.apps:
            await furnish(self._database)
            response = await self.send(way, query, variables, headers)
            answers.append((response.status_code, without_times(response.text)))
            left.append(without_times(repr(await tables(self._database))))
        assert answers[0] == answers[1]
        assert left[0] == left[1]
        return json.loads(answers[0][1])


def without_times(content: str) -> str:
    """Two shops are made at two times, and no two secrets or references are the same."""
    content = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME", content)
    content = re.sub(r"datetime\.datetime\([^)]*\)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d+:]*", "TIME", content)
    content = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]*", "TIME", content)
    content = re.sub(r"'transaction_id': \d+|, \d+, '(order|stock|user|products)\.", r", '\1.", content)
    return re.sub(r'"reference":"[0-9a-f]+"', '"reference":""', content)


async def furnish(database: Database) -> None:
    names = "users, categories, products, orders, order_items, stock_movements, order_events, outbox, idempotency_keys"
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {names}, credentials, sessions, identities RESTART IDENTITY CASCADE"))
    make = Factory(database)
    ada = await make.user("ada@example.com")
    await make.user("grace@example.com")
    await make.user("admin@example.com", role=Role.ADMIN)
    lamps = await make.category("Lamps")
    lamp, desk = [await make.product(name, stock=20, category=lamps) for name in ('Lamp "1"', "Desk\\ü")]
    await make.order(ada, [(lamp, 2), (desk, 1)])
    order = await make.order(ada, [(lamp, 1)])
    async with database.transaction() as session:
        await session.execute(text("UPDATE orders SET status = 'cancelled' WHERE id = :id"), {"id": order.id})


@pytest.fixture
async def both(database_url: str, database: Database, empty_shop: None) -> AsyncIterator[Both]:
    apps = [create_app(Settings(database_url=database_url, secrets=SECRET, compiler=on)) for on in (True, False)]
    yield Both(database, *apps)
    for app in apps:
        await app.state.accounts.close()
        await app.state.database.close()


def carrier_of(both: Both) -> Any:
    (route,) = [route for route in both.apps["short"].routes if getattr(route, "path", None) == "/graphql"]
    return route.app.carrier  # type: ignore[attr-defined]


def input_of(name: str, values: dict[str, Any]) -> dict[str, Any]:
    input = {"idempotencyKey": "k", **values} if name in KEYED else dict(values)
    if "items" in input:
        input["items"] = [{"productId": id, "quantity": quantity} for id, quantity in input["items"]]
    return input


def document(name: str, success: str, aliases: str = "m") -> str:
    noun = name[0].upper() + name[1:]
    fields = " ".join(
        f"{alias}: {name}(input: $input) {{ kind: __typename ... on {noun}Success {{ {success} }} ...Refusal }}"
        for alias in aliases
    )
    return f"mutation Named($input: {noun}Input!) {{ {fields} }} {REFUSAL}"


@pytest.mark.parametrize("headers", [ADMIN, CUSTOMER, {}], ids=["admin", "customer", "nobody"])
@pytest.mark.parametrize("case", CASES)
async def test_both_ways_answer_the_same_and_leave_the_same(both: Both, case: str, headers: dict[str, str]) -> None:
    name, success, values = CASES[case]
    if headers is CUSTOMER:
        success = success.replace(" actor", "")
    answer = await both.compare(document(name, success), {"input": input_of(name, values)}, headers)
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes == set() if headers is ADMIN else codes <= {"UNAUTHENTICATED", "FORBIDDEN"}


@pytest.mark.parametrize("case", CASES)
async def test_everything_but_a_dry_run_takes_the_short_way(both: Both, database: Database, case: str) -> None:
    await furnish(database)
    carrier = carrier_of(both)
    answer, answers = carrier.answer, []

    async def record(*arguments: Any) -> Any:
        answers.append(await answer(*arguments))
        return answers[-1]

    carrier.answer = record
    name, success, values = CASES[case]
    await both.send("short", document(name, success), {"input": input_of(name, values)}, ADMIN)
    assert (answers == [None]) is bool(values.get("dryRun"))


async def test_several_mutations_are_carried_out_one_after_the_other(both: Both) -> None:
    variables = {"input": input_of("createOrder", {"items": [("prod_1", 9)]})}
    answer = await both.compare(
        document("createOrder", "replayed order { items { product { stockQuantity } } }", "abc"), variables, CUSTOMER
    )
    assert [answer["data"][alias]["replayed"] for alias in "abc"] == [False, True, True]


@pytest.mark.parametrize("skip", [True, False])
async def test_fragments_variables_and_directives_are_understood(both: Both, skip: bool) -> None:
    query = """
      mutation ($id: ID!, $n: Int = 1, $skip: Boolean!) {
        createOrder(input: {idempotencyKey: "1", items: [{productId: $id, quantity: $n}]}) {
          ...Placed @skip(if: $skip) ...Placed ... on CreateOrderSuccess { replayed @include(if: $skip) }
        }
      }
      fragment Placed on CreateOrderSuccess { order { ...Shown items { product { products: name } } } }
      fragment Shown on Order { id items { quantity } ... on Node { id } user @skip(if: $skip) { id } }
    """
    answer = await both.compare(query, {"id": "prod_2", "skip": skip}, CUSTOMER)
    assert answer["data"]["createOrder"]["order"]["items"] == [{"quantity": 1, "product": {"products": "Desk\\ü"}}]


@pytest.mark.parametrize(
    "query",
    [
        'mutation { deleteOrder(input: {orderId: "ord_1"}) { ... on DeleteOrderSuccess { deletedId } } __typename }',
        'mutation { a: cancelOrder(input: {idempotencyKey: "", orderId: "ord_1"}) '
        "{ __typename ... on UserError { code } } }",
        "mutation { createOrder(input: {idempotencyKey: 1, items: []}) { __typename } }",
        'mutation { createOrder(input: {idempotencyKey: "1", items: [{productId: "prod_1", quantity: 99999999999}]}) '
        "{ __typename } }",
        'mutation { updateProductPrice(input: {productId: "prod_1", price: "1e3"}) { __typename } }',
        'mutation A { logout(input: {refreshToken: ""}) { __typename } } mutation B { __typename }',
        'mutation { createUser(input: {email: "\\u0000@a.b", fullName: "x"}) '
        "{ __typename ... on UserError { message } } }",
        'mutation { createOrder(input: {idempotencyKey: "1", items: {productId: "prod_1", quantity: 1}}) '
        "{ ... on CreateOrderSuccess { order { user { orders(first: 101) { nodes { id } } } } } } }",
    ],
)
async def test_what_is_wrong_is_said_in_the_same_words(both: Both, query: str) -> None:
    await both.compare(query, {}, ADMIN)


async def test_a_bug_is_masked_in_the_same_way(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Database, "send", fail)
    answer = await both.compare(
        document("createOrder", "replayed", "ab"),
        {"input": input_of("createOrder", {"items": [("prod_1", 1)]})},
        CUSTOMER,
    )
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_an_order_and_its_payload_are_two_statements(both: Both, database: Database) -> None:
    await furnish(database)
    sent: list[str] = []
    direct = both.apps["short"].state.database.direct_writes
    fetch = direct.fetch

    async def record(sql: str, parameters: Any) -> Any:
        sent.append(sql.split()[0])
        return await fetch(sql, parameters)

    direct.fetch = record
    carrier_of(both)._fetch = record
    variables = {"input": input_of("createOrder", {"items": [("prod_1", 1)]})}
    answer = await both.send(
        "short", document("createOrder", f"order {{ {ORDER} }}".replace(" actor", "")), variables, CUSTOMER
    )
    assert answer.json()["data"]["m"]["order"]["items"][0]["product"]["category"] == {"name": "Lamps"}
    assert sent == ["WITH", "SELECT"]
