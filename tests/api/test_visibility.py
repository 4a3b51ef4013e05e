"""What a viewer may not see looks like what does not exist: in edges, filters, counts, figures and refusals."""

from dataclasses import dataclass

import httpx
import pytest
from graphql import parse

from shop_graphql.access import Role
from shop_graphql.api.authorization import Walk
from shop_graphql.api.schema import schema
from shop_graphql.database import Database
from shop_graphql.models import Order, Product, User
from tests.api.conftest import Client
from tests.api.mutating import mutate, tables, unknown
from tests.conftest import signed_in
from tests.factories import Factory

EMPTY = {"nodes": [], "totalCount": {"value": 0, "precision": "EXACT"}}


@dataclass(frozen=True)
class Shop:
    """Ada and Grace have ordered the lamp, Grace the chair as well; nobody has ordered the table."""

    http: httpx.AsyncClient
    users: list[User]
    products: list[Product]
    orders: list[Order]

    def of(self, user: int, role: Role = Role.CUSTOMER) -> Client:
        return Client(self.http, signed_in(self.users[user].id, role))

    @property
    def anybody(self) -> Client:
        return Client(self.http)


@pytest.fixture
async def shop(anonymous_http: httpx.AsyncClient, make: Factory) -> Shop:
    ada, grace = await make.user("ada@example.com"), await make.user("grace@example.com")
    lamp, chair, table = [await make.product(name, price="10.00") for name in ("Lamp", "Chair", "Table")]
    orders = [
        await make.order(ada, [(lamp, 1)]),
        await make.order(grace, [(lamp, 2), (chair, 1)]),
        await make.order(grace, [(chair, 3)]),
    ]
    return Shop(anonymous_http, [ada, grace], [lamp, chair, table], orders)


async def test_lists_counts_and_figures_are_of_one_s_own_orders(shop: Shop) -> None:
    text = """{ orders { nodes { id } totalCount { value } aggregate { totalAmount { min max sum } } } }"""
    assert await shop.of(0).ask(text) == {
        "orders": {
            "nodes": [{"id": "ord_1"}],
            "totalCount": {"value": 1},
            "aggregate": {"totalAmount": {"min": "10.00", "max": "10.00", "sum": "10.00"}},
        }
    }
    found = (await shop.of(0, Role.STAFF).ask(text))["orders"]
    assert [node["id"] for node in found["nodes"]] == ["ord_3", "ord_2", "ord_1"]
    assert found["aggregate"] == {"totalAmount": {"min": "10.00", "max": "30.00", "sum": "70.00"}}


async def test_no_filter_finds_somebody_else_s_orders(shop: Shop) -> None:
    for where in (
        '{ids: ["ord_1", "ord_2", "ord_3"]}',
        '{or: [{userId: "user_2"}, {userId: "user_1"}]}',
        '{productId: "prod_1"}',
        '{not: {userId: "user_2"}}',
        '{totalAmount: {gte: "0"}}',
    ):
        found = await shop.of(0).ask(f"{{ orders(where: {where}) {{ nodes {{ id }} }} }}")
        assert found == {"orders": {"nodes": [{"id": "ord_1"}]}}
    assert await shop.of(0).ask('{ orders(where: {userId: "user_2"}) { nodes { id } totalCount { value } } }') == {
        "orders": {"nodes": [], "totalCount": {"value": 0}}
    }


async def test_products_are_ordered_or_not_as_far_as_the_viewer_can_tell(shop: Shop) -> None:
    text = "{ products(where: {everOrdered: true}, orderBy: [{field: NAME}]) { nodes { name } totalCount { value } } }"
    for client, names in (
        (shop.anybody, []),
        (shop.of(0), ["Lamp"]),
        (shop.of(1), ["Chair", "Lamp"]),
        (shop.of(0, Role.STAFF), ["Chair", "Lamp"]),
    ):
        found = (await client.ask(text))["products"]
        assert [node["name"] for node in found["nodes"]] == names
        assert found["totalCount"] == {"value": len(names)}
        never = await client.ask("{ products(where: {everOrdered: false}) { totalCount { value } } }")
        assert never["products"]["totalCount"]["value"] == 3 - len(names)


async def test_facets_and_aggregates_of_products_agree_with_the_filter(shop: Shop) -> None:
    text = """{ products(where: {everOrdered: true}) {
        aggregate { price { sum } } facets { categories { count } prices(bounds: ["5"]) { count } } } }"""
    for client, count in ((shop.anybody, 0), (shop.of(0), 1), (shop.of(1), 2)):
        found = (await client.ask(text))["products"]
        assert found["aggregate"]["price"]["sum"] == f"{10 * count}.00"
        assert sum(facet["count"] for facet in found["facets"]["categories"]) == count
        assert [facet["count"] for facet in found["facets"]["prices"]] == [0, count]


async def test_items_of_a_product_are_those_of_one_s_own_orders(shop: Shop) -> None:
    text = """{ product(id: "prod_1") { orderItems {
        nodes { quantity order { id user { id orders { totalCount { value } } } } }
        totalCount { value precision } pageInfo { hasNextPage } } } }"""
    assert (await shop.anybody.ask(text))["product"]["orderItems"] == {**EMPTY, "pageInfo": {"hasNextPage": False}}
    found = (await shop.of(0).ask(text))["product"]["orderItems"]
    assert found["totalCount"]["value"] == 1
    assert found["nodes"] == [
        {"quantity": 1, "order": {"id": "ord_1", "user": {"id": "user_1", "orders": {"totalCount": {"value": 1}}}}}
    ]
    assert (await shop.of(1, Role.STAFF).ask(text))["product"]["orderItems"]["totalCount"]["value"] == 2


async def test_a_cursor_of_staff_leads_a_customer_to_nothing_but_their_own(shop: Shop) -> None:
    page = await shop.of(0, Role.STAFF).ask("{ orders(first: 1) { pageInfo { endCursor } } }")
    cursor = page["orders"]["pageInfo"]["endCursor"]
    found = await shop.of(0).ask(f'{{ orders(after: "{cursor}") {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }} }}')
    assert found == {"orders": {"nodes": [{"id": "ord_1"}], "pageInfo": {"hasPreviousPage": False}}}


async def test_somebody_else_is_nobody(shop: Shop) -> None:
    text = """{ a: user(by: {id: "user_2"}) { id } b: user(by: {email: "grace@example.com"}) { id }
        c: node(id: "user_2") { id } d: nodes(ids: ["ord_2", "user_1", "ord_99", "item_2"]) { id }
        e: exportUserData(userId: "user_2") f: order(id: "ord_2") { id } }"""
    nothing = dict.fromkeys("abcef")
    assert await shop.of(0).ask(text) == {**nothing, "d": [None, {"id": "user_1"}, None, None]}


async def test_mutations_refuse_what_is_not_one_s_own_as_what_does_not_exist(shop: Shop, database: Database) -> None:
    before = await tables(database)
    ada = shop.of(0)
    cancel = await mutate(ada, "cancelOrder", orderId="ord_2")
    assert cancel == unknown("order", "ord_2", "orderId")
    assert await mutate(ada, "cancelOrder", orderId="ord_99") == unknown("order", "ord_99", "orderId")
    items = [{"productId": "prod_1", "quantity": 1}]
    assert await mutate(ada, "createOrder", userId="user_2", items=items) == unknown("user", "user_2", "userId")
    assert await tables(database) == before


async def test_two_people_can_use_the_same_key(shop: Shop) -> None:
    items = [{"productId": "prod_1", "quantity": 1}]
    placed = [
        await mutate(client, "createOrder", "order { id } replayed", idempotencyKey="1", items=items)
        for client in (shop.of(0), shop.of(1), shop.of(0))
    ]
    assert [(order["order"]["id"], order["replayed"]) for order in placed] == [
        ("ord_4", False),
        ("ord_5", False),
        ("ord_4", True),
    ]


async def test_who_did_it_is_remembered_in_history_ledger_and_outbox(shop: Shop, database: Database) -> None:
    items = [{"productId": "prod_1", "quantity": 1}]
    await mutate(shop.of(0), "createOrder", items=items)
    await mutate(shop.of(1, Role.STAFF), "cancelOrder", orderId="ord_4")
    await mutate(shop.of(1, Role.STAFF), "addCategoryStock", categoryId="cat_1", quantity=1)
    staff = shop.of(1, Role.STAFF)
    told = await staff.ask(
        '{ order(id: "ord_4") { history { actor } } '
        'product(id: "prod_1") { stockMovements(last: 9) { nodes { kind actor } } } }'
    )
    assert [event["actor"] for event in told["order"]["history"]] == ["user_1", "user_2"]
    assert [(move["kind"], move["actor"]) for move in told["product"]["stockMovements"]["nodes"]] == [
        ("ADJUSTMENT", "user_2"),
        ("RETURN", "user_2"),
        ("ORDER", "user_1"),
    ]
    events = [(row[2], row[-2]) for row in (await tables(database))["outbox"]]
    assert events == [("order.placed", "user_1"), ("order.cancelled", "user_2"), ("stock.added", "user_2")]


def test_a_walk_enters_each_fragment_once() -> None:
    """A document whose fragments double at each step expands to 2^40 fields."""
    steps = [f"fragment F{n} on Category {{ a: id ...F{n + 1} ...F{n + 1} }}" for n in range(40)]
    text = "{ categories { nodes { ...F0 } } } " + " ".join(steps) + " fragment F40 on Category { name }"
    found = Walk(schema._schema, parse(text), None, {}).fields()
    assert set(found) == {
        ("Query", "categories"),
        ("CategoryConnection", "nodes"),
        ("Category", "id"),
        ("Category", "name"),
    }
