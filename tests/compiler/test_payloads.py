"""Payloads: how many statements they take, what is kept of them, and what becomes of those that cannot be read."""

import gc
import logging
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from shop_graphql.access import Role
from shop_graphql.api.compiled import compiler, texts
from shop_graphql.compiler.payloads import Place
from shop_graphql.deferred import Given
from shop_graphql.reading import ReadSession
from tests.api.mutating import tables
from tests.compiler.both import ADMIN, CUSTOMER, PASSWORD, Both, carrier_of, document, furnish, input_of

PLACED = "order { id items { product { name category { name } } } user { email } history { status } }"
ONE = input_of("createOrder", {"items": [("prod_1", 1)]})
TOO_MUCH = input_of("createOrder", {"items": [("prod_1", 99), ("prod_2", 99)]})
TWO = f"""
mutation ($input: CreateOrderInput!) {{
  a: createOrder(input: $input) {{ __typename ... on CreateOrderSuccess {{ {PLACED} }} }}
  b: cancelOrder(input: {{idempotencyKey: "b", orderId: "ord_1"}}) {{ __typename }}
}}
"""
SHORTAGES = """
mutation ($input: CreateOrderInput!) {
  a: createOrder(input: $input) { ... on OutOfStockError { shortages { requested product { name } } } }
  b: createOrder(input: $input) { ... on UserError { code } }
}
"""
SIGNED_IN = f"""
mutation {{
  login(input: {{email: "ada@example.com", password: "{PASSWORD}"}}) {{
    ... on SignIn {{ user {{ email orders {{ nodes {{ id }} }} }} }}
  }}
}}
"""

Fetch = Callable[[str, Any], Any]


def replaced(both: Both, monkeypatch: pytest.MonkeyPatch, fetch: Fetch) -> None:
    """Let `fetch` read the payloads of the short way."""
    monkeypatch.setattr(carrier_of(both), "_fetch", fetch)


@pytest.mark.parametrize(
    ("success", "input", "statements"),
    [
        ("order { id totalAmount status allowedTransitions } replayed", ONE, 0),
        ("order { items { product { name } } }", ONE, 1),
        (PLACED, ONE, 1),
        (f"order {{ user {{ orders {{ totalCount {{ value }} }} }} }} again: {PLACED}", ONE, 1),
        (PLACED, TOO_MUCH, 1),
        (PLACED, {**ONE, "items": []}, 0),
    ],
    ids=["nothing to read", "an edge", "edges", "edges of aliases", "a refusal with products", "a refusal without any"],
)
async def test_a_payload_is_one_statement_at_the_most(
    both: Both, monkeypatch: pytest.MonkeyPatch, success: str, input: dict[str, Any], statements: int
) -> None:
    carrier = carrier_of(both)
    fetch, sent = carrier._fetch, []

    async def record(sql: str, parameters: Any) -> Any:
        sent.append(sql)
        return await fetch(sql, parameters)

    replaced(both, monkeypatch, record)
    answer = await both.compare(document("createOrder", success), {"input": input}, CUSTOMER)
    assert "errors" not in answer
    assert len(sent) == statements


async def test_postgresql_plans_a_payload_alike_for_any_number_of_objects(both: Both) -> None:
    made = compiler(texts())
    mutation, given = await made.mutation(
        document("createOrder", "order { items { id } }"), None, {"input": ONE}, Role.ADMIN
    )
    payload = await made.payload(mutation.document, Place("m", "CreateOrderSuccess"), Role.ADMIN, given)
    plan = payload.plan
    assert plan is not None
    lines = both.apps["short"].state.database.direct_writes.lines
    one, many = [await lines(f"EXPLAIN {plan.sql}", [[1] * number]) for number in (1, 50)]
    assert one == many


@pytest.mark.parametrize(
    ("query", "input", "path"),
    [
        (document("createOrder", PLACED), ONE, ["m", "order"]),
        (TWO, ONE, ["a", "order"]),
        (SHORTAGES, TOO_MUCH, ["a", "shortages", 0, "product"]),
        (SIGNED_IN, None, ["login", "user", "orders", "nodes"]),
    ],
    ids=["an order", "the first of two", "products that may be null", "a sign-in"],
)
async def test_a_payload_that_cannot_be_read_is_told_as_resolvers_do_and_nothing_is_done_twice(
    both: Both, monkeypatch: pytest.MonkeyPatch, query: str, input: Any, path: list[Any]
) -> None:
    async def unreachable(*_: Any) -> Any:
        raise ConnectionRefusedError

    replaced(both, monkeypatch, unreachable)
    monkeypatch.setattr(ReadSession, "execute", unreachable)
    answer = await both.compare(query, {"input": input} if input else {}, CUSTOMER)
    assert answer["errors"][0]["path"][: len(path)] == path
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAVAILABLE"}


async def test_what_was_carried_out_before_a_field_failed_is_done_and_what_follows_is_not(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: Any) -> Any:
        raise ConnectionRefusedError

    replaced(both, monkeypatch, unreachable)
    await furnish(both.database)
    response = await both.send("short", TWO, {"input": ONE}, CUSTOMER)
    assert response.json()["data"] is None
    orders = (await tables(both.database))["orders"]
    assert [(order[0], order[2].value) for order in orders] == [(1, "pending"), (2, "cancelled"), (3, "pending")]


@pytest.mark.parametrize("query", [document("createOrder", PLACED), SHORTAGES])
@pytest.mark.parametrize("input", [ONE, TOO_MUCH])
@pytest.mark.parametrize("fault", ["refused", "impossible", "cut short"])
async def test_a_bug_in_a_statement_is_covered_up_by_the_resolvers(
    both: Both, monkeypatch: pytest.MonkeyPatch, query: str, input: Any, fault: str
) -> None:
    async def faulty(*_: Any) -> str:
        if fault == "refused":
            raise asyncpg.UndefinedTableError("no such table")
        return "\x01" if fault == "impossible" else ""

    replaced(both, monkeypatch, faulty)
    assert "errors" not in await both.compare(query, {"input": input}, CUSTOMER)


async def test_a_bug_in_a_statement_is_logged(
    both: Both, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def faulty(*_: Any) -> str:
        raise asyncpg.UndefinedTableError("no such table")

    caplog.set_level(logging.ERROR, "shop_graphql")
    replaced(both, monkeypatch, faulty)
    await furnish(both.database)
    await both.send("short", document("createOrder", PLACED), {"input": ONE}, CUSTOMER)
    assert caplog.messages == ["Bug in a payload's statement, which the resolvers cover up"]


async def test_an_object_that_the_schema_does_not_allow_is_told_as_resolvers_do(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = carrier_of(both)
    payload = carrier._payload

    async def without_status(request: Any, root: Any, value: Any) -> Any:
        value.order.row.total_amount = None
        return await payload(request, root, value)

    monkeypatch.setattr(carrier, "_payload", without_status)
    await furnish(both.database)
    response = await both.send("short", document("createOrder", "order { id totalAmount }"), {"input": ONE}, CUSTOMER)
    (error,) = response.json()["errors"]
    assert (response.json()["data"], error["path"]) == (None, ["m", "order", "totalAmount"])
    assert len((await tables(both.database))["orders"]) == 3


async def test_a_mutation_that_was_posted_is_not_carried_out_by_get(both: Both) -> None:
    await furnish(both.database)
    query = 'mutation { deleteOrder(input: {orderId: "ord_1"}) { __typename } }'
    await both.send("short", query.replace("ord_1", "ord_2"), {}, ADMIN)
    await both.send("short", query, {}, {})
    before = await tables(both.database)
    response = await both.get("short", query, ADMIN)
    assert response.status_code == 405
    assert await tables(both.database) == before


async def test_the_number_of_items_makes_no_other_payload() -> None:
    made = compiler(texts())
    query = document("createOrder", PLACED)
    for number in range(1, 20):
        input = input_of("createOrder", {"items": [("prod_1", 1)] * number})
        await made.mutation(query, None, {"input": input}, Role.CUSTOMER)
    assert made.stats.entries == 1


async def test_nothing_is_kept_of_the_values_of_a_request() -> None:
    made = compiler(texts())
    variables = {"input": {"email": "ada@example.com", "password": "never to be kept"}}
    query = document("login", "user { orders(first: 3) { nodes { id } } }")
    mutation, given = await made.mutation(query, None, variables, None)
    payload = await made.payload(mutation.document, Place("m", "LoginSuccess"), Role.CUSTOMER, given)
    assert payload.plan is not None
    del given
    gc.collect()
    kept = [given for given in gc.get_objects() if isinstance(given, Given) and "never to be kept" in repr(dict(given))]
    assert kept == []
