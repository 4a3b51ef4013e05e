"""Mutations by the short way and by Strawberry's: the same bytes, and the same rows afterwards."""

from typing import Any

import pytest

from shop_graphql.database import Database
from tests.compiler.both import ADMIN, CUSTOMER, OTHER, PASSWORD, TOKEN, Both, carrier_of, document, furnish, input_of

ORDER = """
  id status totalAmount createdAt version allowedTransitions again: id
  user { id email orders(first: 1) { totalCount { value } nodes { id } } }
  items { id quantity productName unitPrice lineTotal product { id name stockQuantity category { name } } }
  history { status reason actor }
"""
PRODUCT = "id name price stockQuantity sku description archivedAt createdAt version category { id name }"

SIGNED_IN = """
  ... on SignIn { user { id role ...Buyer } accessToken } refreshToken expiresIn
  user { orders(first: 2) { nodes { id items { product { name } } } totalCount { value } } }
"""
ROW = {"sku": "1", "name": "New", "price": "1", "category": "Lamps"}

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
        "outcomes { sku status issues { path message } product { id name category { name } } } "
        "createdCount updatedCount unchangedCount failedCount replayed",
        {"rows": [ROW, {**ROW, "sku": "2", "price": "-1"}, {**ROW, "sku": "3"}], "policy": "SKIP_FAILED"},
    ),
    "upsert only tried": ("upsertProducts", "outcomes { product { id name } }", {"rows": [ROW], "dryRun": True}),
    "upsert of nothing": ("upsertProducts", "outcomes { product { id } }", {"rows": []}),
    "stock of a category": (
        "addCategoryStock",
        "changedCount category { name products(orderBy: [{field: NAME}]) { nodes { name stockQuantity } } }",
        {"categoryId": "cat_1", "quantity": 5},
    ),
    "too little stock in a category": ("addCategoryStock", "category { id }", {"categoryId": "cat_1", "quantity": -21}),
    "change": ("updateProduct", f"product {{ {PRODUCT} }}", {"productId": "prod_1", "description": "", "sku": "L"}),
    "change to null": ("updateProduct", "product { id }", {"productId": "prod_1", "name": None}),
    "change of a category": ("updateCategory", "category { name description }", {"categoryId": "cat_1", "name": "All"}),
    "restoration": ("restoreProduct", "product { archivedAt version }", {"productId": "prod_2"}),
    "deletion of a category in use": ("deleteCategory", "deletedId", {"categoryId": "cat_1"}),
    "deletion of nothing": ("deleteOrder", "deletedId", {"orderId": "prod_1"}),
    "login": ("login", SIGNED_IN, {"email": "ADA@example.com", "password": PASSWORD}),
    "registration": ("register", SIGNED_IN, {"email": "new@example.com", "fullName": "New", "password": PASSWORD}),
    "refresh": ("refresh", SIGNED_IN, {"refreshToken": TOKEN.text}),
    "refresh by nothing": ("refresh", SIGNED_IN, {"refreshToken": "nothing"}),
    "another password": ("changePassword", SIGNED_IN, {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD}!"}),
    "wrong login": ("login", "accessToken", {"email": "ada@example.com", "password": "wrong"}),
    "weak registration": ("register", "accessToken", {"email": "x", "fullName": "", "password": "short"}),
    "sign-out": ("logout", "signedOut", {"refreshToken": "nothing"}),
}


@pytest.mark.parametrize("headers", [ADMIN, CUSTOMER, {}], ids=["admin", "customer", "nobody"])
@pytest.mark.parametrize("case", CASES)
async def test_both_ways_answer_the_same_and_leave_the_same(both: Both, case: str, headers: dict[str, str]) -> None:
    name, success, values = CASES[case]
    if headers is CUSTOMER:
        success = success.replace(" actor", "")
    answer = await both.compare(document(name, success), {"input": input_of(name, values)}, headers)
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    refused = {"BAD_USER_INPUT"} if case == "change to null" else set()
    assert codes == refused if headers is ADMIN else codes - refused <= {"UNAUTHENTICATED", "FORBIDDEN"}


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
    assert (answers == [None]) is bool(values.get("dryRun") or case == "change to null")


async def test_several_mutations_are_carried_out_one_after_the_other(both: Both) -> None:
    variables = {"input": input_of("createOrder", {"items": [("prod_1", 9)]})}
    answer = await both.compare(
        document("createOrder", "replayed order { items { product { stockQuantity } } }", "abc"), variables, CUSTOMER
    )
    assert [answer["data"][alias]["replayed"] for alias in "abc"] == [False, True, True]


async def test_a_replay_shows_its_row_as_it_was_and_what_that_leads_to_as_it_is(both: Both) -> None:
    query = """
      mutation ($order: CreateOrderInput!) {
        a: createOrder(input: $order) { ...Placed }
        b: completeOrder(input: {idempotencyKey: "b", orderId: "ord_3"}) { __typename }
        c: createOrder(input: $order) { ...Placed }
        d: deleteOrder(input: {orderId: "ord_3"}) { __typename }
        e: createOrder(input: $order) { ...Placed }
      }
      fragment Placed on CreateOrderSuccess { order { id status version history { status } user { id } } replayed }
    """
    variables = {"order": input_of("createOrder", {"items": [("prod_1", 1)]})}
    data = (await both.compare(query, variables, ADMIN))["data"]
    assert {(data[alias]["order"]["status"], data[alias]["order"]["version"]) for alias in "ace"} == {("PENDING", 1)}
    history = [[event["status"] for event in data[alias]["order"]["history"]] for alias in "ace"]
    assert history == [["PENDING"], ["PENDING", "COMPLETED"], []]


async def test_whoever_signs_in_sees_the_rest_of_the_answer(both: Both) -> None:
    query = """
      mutation ($login: LoginInput!, $order: CreateOrderInput!, $cancel: CancelOrderInput!) {
        cancelOrder(input: $cancel) { ... on UserError { code } }
        login(input: $login) { ... on SignIn { user { orders { nodes { id user { email } } } } } }
        createOrder(input: $order) { ... on CreateOrderSuccess { order { user { email } } } }
      }
    """
    variables = {
        "login": {"email": "ada@example.com", "password": PASSWORD},
        "order": input_of("createOrder", {"items": [("prod_1", 1)]}),
        "cancel": input_of("cancelOrder", {"orderId": "ord_1"}),
    }
    data = (await both.compare(query, variables, OTHER))["data"]
    assert data["cancelOrder"] == {"code": "NOT_FOUND"}
    assert [order["id"] for order in data["login"]["user"]["orders"]["nodes"]] == ["ord_2", "ord_1"]
    assert data["createOrder"]["order"]["user"] == {"email": "ada@example.com"}


async def test_arguments_within_a_payload_can_be_variables(both: Both) -> None:
    query = """
      mutation ($category: ID!, $first: Int, $search: String, $where: ProductWhere, $after: String) {
        addCategoryStock(input: {idempotencyKey: "1", categoryId: $category, quantity: 1}) {
          ... on AddCategoryStockSuccess {
            category {
              found: products(where: {search: $search}) { nodes { name } }
              products(first: $first, after: $after, where: $where, orderBy: [{field: NAME}]) { edges { cursor } }
            }
          }
        }
      }
    """
    good: list[dict[str, Any]] = [{}, {"first": 1}, {"first": 2, "search": "a -desk"}, {"where": {"ids": ["prod_2"]}}]
    bad: list[dict[str, Any]] = [{"first": 101}, {"search": "lamp", "after": "nonsense"}]
    for values in good:
        answer = await both.compare(query, {"category": "cat_1", **values}, ADMIN)
        assert "errors" not in answer
    for values in bad:
        answer = await both.compare(query, {"category": "cat_1", **values}, ADMIN)
        assert answer["errors"][0]["path"] == ["addCategoryStock", "category", "products"]


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
