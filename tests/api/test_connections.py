"""Connections: every element once and in order, in pages of any size, from both ends, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from shop_graphql.database import Database
from shop_graphql.models import Category, Order, OrderItem, Product, User
from tests.api.conftest import Client
from tests.factories import Factory

PAGE_INFO = "pageInfo { hasPreviousPage hasNextPage startCursor endCursor }"
Page = dict[str, Any]
Ask = Callable[[str], Awaitable[Page]]


@pytest.fixture
async def full_shop(database: Database, empty_shop: None) -> None:
    """A shop with ties in everything that can be sorted by: rows of one transaction share their time."""
    numbers = count(1)
    for _ in range(3):
        async with database.transaction() as session:
            users = [User(email=f"{next(numbers)}@example.com", full_name=name) for name in "bab"]
            categories = [
                Category(name=f"{letter}{next(numbers)}", description=description)
                for letter, description in zip("bca", ("b", None, "a"), strict=True)
            ]
            products = [
                Product(name=name, price=Decimal(index % 2), stock_quantity=index % 3, category=categories[index == 5])
                for index, name in enumerate("cabacé")
            ]
            orders = [Order(user=users[index == 0], total_amount=Decimal(index % 3)) for index in range(6)]
            items = [
                OrderItem(
                    order=order,
                    product=products[0],
                    product_name="P",
                    quantity=1 + index % 3,
                    unit_price=Decimal(index % 2),
                )
                for index, order in enumerate(orders)
            ]
            session.add_all([*users, *categories, *products, *orders, *items])


# Walks


def asker(client: Client, field: str, arguments: str = "") -> Ask:
    """Return a function that asks for one page; `field` may be nested in others."""
    parts = field.split(" > ")

    async def ask(page: str) -> Page:
        selection = f"edges {{ cursor node {{ id }} }} nodes {{ id }} {PAGE_INFO}"
        query = f"{' { '.join(parts)}({page} {arguments}) {{ {selection} }}" + " }" * (len(parts) - 1)
        data = await client.ask(f"{{ {query} }}")
        for part in parts:
            data = data[part.partition("(")[0]]
        found: Page = data
        return found

    return ask


async def walk(ask: Ask, size: int, *, backwards: bool = False) -> list[str]:
    """Return the ids that a client meets who turns all pages, checking what each page says of itself."""
    found: list[str] = []
    limit, place, more = ("last", "before", "hasPreviousPage") if backwards else ("first", "after", "hasNextPage")
    page = await ask(f"{limit}: {size}")
    while True:
        ids = [edge["node"]["id"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert page["nodes"] == [{"id": id} for id in ids]
        assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
        assert info["hasNextPage" if backwards else "hasPreviousPage"] is (found != [])
        found = ids + found if backwards else found + ids
        if not info[more]:
            return found
        assert len(ids) == size
        page = await ask(f'{limit}: {size}, {place}: "{info["startCursor" if backwards else "endCursor"]}"')


OF_CATEGORY, OF_USER, OF_PRODUCT = (
    ('category(by: {id: "cat_4"}) > products', "products WHERE category_id = 4"),
    ('user(by: {id: "user_4"}) > orders', "orders WHERE user_id = 4"),
    ('product(id: "prod_7") > orderItems', "order_items WHERE product_id = 7"),
)
DEFAULTS = {
    ("users", "users"): "created_at DESC, id DESC",
    ("categories", "categories"): "name, id",
    ("products", "products"): "created_at DESC, id DESC",
    ("orders", "orders"): "created_at DESC, id DESC",
    OF_CATEGORY: "created_at DESC, id DESC",
    OF_USER: "created_at DESC, id DESC",
    OF_PRODUCT: "id DESC",
}
ORDERS = {
    ("users", "users"): [
        "created_at, id",
        "created_at DESC, id DESC",
        "full_name, id",
        "full_name DESC, created_at, id DESC",
    ],
    ("categories", "categories"): [
        "name, id",
        "name DESC, id DESC",
        "created_at, id",
        "created_at DESC, name, id DESC",
        "description, id",
        "description DESC, id DESC",
        "description, name DESC, id",
        "description DESC, created_at, id DESC",
        "created_at, description, id",
        "created_at, description DESC, id",
    ],
    ("products", "products"): [
        "created_at, id",
        "name, id",
        "name DESC, id DESC",
        "price, id",
        "price DESC, id DESC",
        "stock_quantity, id",
        "price, name, id",
        "name, price DESC, id",
        "stock_quantity DESC, name, id DESC",
        "price DESC, name, created_at DESC, id DESC",
    ],
    ("orders", "orders"): [
        "created_at, id",
        "total_amount DESC, id DESC",
        "total_amount, created_at DESC, id",
    ],
    OF_CATEGORY: ["name, id", "price, name DESC, id", "stock_quantity DESC, price, id DESC"],
    OF_USER: ["created_at, id", "total_amount, created_at, id"],
    OF_PRODUCT: ["quantity DESC, id DESC", "unit_price, quantity DESC, id"],
}
PREFIXES = {"users": "user", "categories": "cat", "orders": "ord", "products": "prod", "order_items": "item"}


def order_by(order: str) -> str:
    """Return the argument that asks for an order of SQL, less the id that is appended to it."""
    keys = [key.split() for key in order.split(", ")[:-1]]
    return (
        "orderBy: [" + " ".join(f"{{field: {key.upper()} direction: {(*way, 'ASC')[0]}}}" for key, *way in keys) + "]"
    )


async def sorted_ids(database: Database, rows: str, order: str) -> list[str]:
    async with database.transaction() as session:
        ids = (await session.scalars(text(f"SELECT id FROM {rows} ORDER BY {order}"))).all()
    return [f"{PREFIXES[rows.split()[0]]}_{id}" for id in ids]


@pytest.mark.parametrize(
    ("field", "rows", "order"), [(*place, order) for place, orders in ORDERS.items() for order in orders]
)
async def test_a_walk_finds_every_element_once_and_in_order_from_either_end(
    client: Client, full_shop: None, database: Database, field: str, rows: str, order: str
) -> None:
    expected = await sorted_ids(database, rows, order)
    assert len(expected) >= 5
    ask = asker(client, field, order_by(order))
    assert await walk(ask, 4) == expected
    assert await walk(ask, 4, backwards=True) == expected
    assert await walk(ask, 100) == expected


@pytest.mark.parametrize(
    ("type_name", "place", "elsewhere"),
    [
        ("UserSortField", ("users", "users"), set()),
        ("CategorySortField", ("categories", "categories"), set()),
        ("ProductSortField", ("products", "products"), {"RELEVANCE"}),
        ("OrderSortField", ("orders", "orders"), set()),
        ("OrderItemSortField", OF_PRODUCT, {"CREATED_AT"}),
    ],
)
async def test_every_key_to_sort_by_is_walked(
    client: Client, type_name: str, place: tuple[str, str], elsewhere: set[str]
) -> None:
    data = await client.ask(f'{{ __type(name: "{type_name}") {{ enumValues {{ name }} }} }}')
    walked = {key.split()[0].upper() for order in ORDERS[place] for key in order.split(", ")[:-1]}
    assert {value["name"] for value in data["__type"]["enumValues"]} == walked | elsewhere


async def test_every_list_has_an_order_of_its_own(client: Client, full_shop: None, database: Database) -> None:
    for (field, rows), order in DEFAULTS.items():
        expected = await sorted_ids(database, rows, order)
        assert await walk(asker(client, field), 4) == expected
        assert await walk(asker(client, field, "orderBy: []"), 4, backwards=True) == expected


async def test_order_items_are_sorted_by_when_they_were_recorded(
    client: Client, full_shop: None, database: Database
) -> None:
    field, rows = OF_PRODUCT
    for direction in ("ASC", "DESC"):
        ask = asker(client, field, f"orderBy: {{field: CREATED_AT direction: {direction}}}")
        assert await walk(ask, 4) == await sorted_ids(database, rows, f"id {direction}")


async def test_of_a_key_that_is_repeated_the_first_counts(client: Client, full_shop: None, database: Database) -> None:
    keys = "orderBy: [{field: PRICE} {field: PRICE direction: DESC} {field: CREATED_AT} {field: PRICE}]"
    assert await walk(asker(client, "products", keys), 4) == await sorted_ids(
        database, "products", "price, created_at, id"
    )


async def test_a_walk_may_take_steps_of_any_size(client: Client, full_shop: None) -> None:
    ask = asker(client, "users")
    whole = await walk(ask, 100)
    assert len(whole) == 9
    for size in (1, 2, 3, 8, 9, 10):
        assert await walk(ask, size) == await walk(ask, size, backwards=True) == whole


async def test_names_that_are_awkward_in_a_cursor_have_their_place(client: Client, make: Factory) -> None:
    category = await make.category()
    names = ["💥" * 200, '"', "\\", "a\tb\r\nc", "'; --", "é", "e\u0301", "\u202e", "%", "a" * 200, " ", "{}", "\x7e"]
    for name in names:
        await make.product(name, category=category)
    ask = asker(client, "products", "orderBy: [{field: NAME}, {field: PRICE}]")
    whole = await walk(ask, 100)
    assert len(set(whole)) == len(names)
    assert await walk(ask, 2) == await walk(ask, 3, backwards=True) == whole


# Page info


async def test_pages_say_what_lies_on_either_side(client: Client, make: Factory) -> None:
    for _ in range(5):
        await make.user()
    ask = asker(client, "users", "orderBy: {field: CREATED_AT}")
    cursors = [edge["cursor"] for edge in (await ask("first: 5"))["edges"]]

    async def see(page: str) -> tuple[str, bool, bool]:
        found = await ask(page)
        ids = "".join(node["id"].removeprefix("user_") for node in found["nodes"])
        info = found["pageInfo"]
        ends = [cursors[int(id) - 1] for id in (ids[:1], ids[-1:]) if id] or [None, None]
        assert [info["startCursor"], info["endCursor"]] == ends
        return ids, info["hasPreviousPage"], info["hasNextPage"]

    assert await see("first: 2") == ("12", False, True)
    assert await see(f'first: 2, after: "{cursors[1]}"') == ("34", True, True)
    assert await see(f'first: 2, after: "{cursors[2]}"') == ("45", True, False)
    assert await see(f'first: 2, after: "{cursors[3]}"') == ("5", True, False)
    assert await see(f'first: 2, after: "{cursors[4]}"') == ("", True, False)
    assert await see("last: 2") == ("45", True, False)
    assert await see(f'last: 2, before: "{cursors[3]}"') == ("23", True, True)
    assert await see(f'last: 2, before: "{cursors[2]}"') == ("12", False, True)
    assert await see(f'last: 2, before: "{cursors[1]}"') == ("1", False, True)
    assert await see(f'last: 2, before: "{cursors[0]}"') == ("", False, True)
    assert await see("") == ("12345", False, False)
    assert await see("first: 5") == await see("last: 5") == ("12345", False, False)


async def test_after_and_before_together_cut_a_list_at_both_ends(client: Client, make: Factory) -> None:
    length = 4
    for _ in range(length):
        await make.user()
    arguments = "orderBy: {field: CREATED_AT}"
    cursors = [edge["cursor"] for edge in (await asker(client, "users", arguments)("first: 4"))["edges"]]
    pages: dict[str, str] = {}
    expected: dict[str, Page] = {}
    for after in (None, *range(length)):
        for before in (None, *range(length)):
            between = list(range(0 if after is None else after + 1, length if before is None else before))
            for limit in ("first", "last"):
                for size in (1, 2, length):
                    name = f"p{len(pages)}"
                    places = "" if after is None else f'after: "{cursors[after]}" '
                    places += "" if before is None else f'before: "{cursors[before]}" '
                    selection = f"nodes {{ id }} {PAGE_INFO}"
                    pages[name] = f"{name}: users({limit}: {size} {places} {arguments}) {{ {selection} }}"
                    page = between[:size] if limit == "first" else between[-size:]
                    cut = len(page) < len(between)
                    expected[name] = {
                        "nodes": [{"id": f"user_{index + 1}"} for index in page],
                        "pageInfo": {
                            "hasPreviousPage": after is not None or (cut and limit == "last"),
                            "hasNextPage": before is not None or (cut and limit == "first"),
                            "startCursor": cursors[page[0]] if page else None,
                            "endCursor": cursors[page[-1]] if page else None,
                        },
                    }
    assert len(pages) == 150
    assert await client.ask("{" + " ".join(pages.values()) + "}") == expected


async def test_a_cursor_outlives_its_element(client: Client, make: Factory, database: Database) -> None:
    for _ in range(3):
        await make.user()
    ask = asker(client, "users", "orderBy: {field: CREATED_AT}")
    first, second, third = [edge["cursor"] for edge in (await ask("first: 3"))["edges"]]
    async with database.transaction() as session:
        await session.execute(delete(User).where(User.id != 2))
    expected = {
        f'after: "{first}"': (["user_2"], False, False),
        f'before: "{third}"': (["user_2"], False, False),
        f'after: "{second}"': ([], True, False),
        f'before: "{second}"': ([], False, True),
        f'after: "{third}"': ([], True, False),
    }
    for page, (ids, previous, following) in expected.items():
        found = await ask(page)
        assert found["nodes"] == [{"id": id} for id in ids]
        assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (previous, following)


EMPTY = {
    "edges": [],
    "nodes": [],
    "pageInfo": {"hasPreviousPage": False, "hasNextPage": False, "startCursor": None, "endCursor": None},
    "totalCount": {"value": 0, "precision": "EXACT"},
}
WHOLE = f"edges {{ cursor node {{ id }} }} nodes {{ id }} {PAGE_INFO} totalCount {{ value precision }}"


async def test_an_empty_list_is_an_empty_page(client: Client) -> None:
    roots = ("users", "categories", "products", "orders")
    fields = " ".join(f"{root} {{ {WHOLE} }} {root}Backwards: {root}(last: 1) {{ {WHOLE} }}" for root in roots)
    data = await client.ask(f"{{ {fields} }}")
    assert data == {name: EMPTY for root in roots for name in (root, f"{root}Backwards")}


async def test_a_parent_without_children_has_an_empty_page(client: Client, make: Factory) -> None:
    await make.user()
    await make.product()
    await make.category("Empty")
    data = await client.ask(f"""{{
      user(by: {{id: "user_1"}}) {{ orders {{ {WHOLE} }} }}
      product(id: "prod_1") {{ orderItems {{ {WHOLE} }} }}
      category(by: {{name: "Empty"}}) {{ products {{ {WHOLE} }} }}
    }}""")
    assert data == {"user": {"orders": EMPTY}, "product": {"orderItems": EMPTY}, "category": {"products": EMPTY}}


async def test_a_page_has_20_elements_unless_told_otherwise(client: Client, make: Factory) -> None:
    category = await make.category()
    for _ in range(21):
        await make.product(category=category)
    data = await client.ask("""{
      products { nodes { id } pageInfo { hasNextPage } }
      category(by: {id: "cat_1"}) { products { nodes { id } pageInfo { hasNextPage } } }
    }""")
    page = {"nodes": [{"id": f"prod_{id}"} for id in range(21, 1, -1)], "pageInfo": {"hasNextPage": True}}
    assert data == {"products": page, "category": {"products": page}}


# Counts


@pytest.mark.parametrize(
    ("arguments", "value", "precision"),
    [
        ("", 7, "EXACT"),
        ("(upTo: 1000000)", 7, "EXACT"),
        ("(upTo: 8)", 7, "EXACT"),
        ("(upTo: 7)", 7, "EXACT"),
        ("(upTo: 6)", 6, "AT_LEAST"),
        ("(upTo: 1)", 1, "AT_LEAST"),
        ("(upTo: 0)", 0, "AT_LEAST"),
    ],
)
async def test_a_count_is_exact_up_to_where_counting_ends(
    client: Client, make: Factory, arguments: str, value: int, precision: str
) -> None:
    category = await make.category()
    for _ in range(7):
        await make.product(category=category)
    await make.category("Empty")
    total = f"totalCount{arguments} {{ value precision }}"
    data = await client.ask(f"""{{
      products(first: 2) {{ {total} }}
      categories(orderBy: {{field: CREATED_AT}}) {{ nodes {{ products(last: 1) {{ {total} }} }} }}
    }}""")
    seven = {"totalCount": {"value": value, "precision": precision}}
    none = {"totalCount": {"value": 0, "precision": "EXACT"}}
    assert data == {"products": seven, "categories": {"nodes": [{"products": seven}, {"products": none}]}}


async def test_a_count_is_of_the_whole_list_wherever_the_page_is(client: Client, make: Factory) -> None:
    for _ in range(3):
        await make.user()
    cursor = (await client.ask("{ users(first: 1) { pageInfo { endCursor } } }"))["users"]["pageInfo"]["endCursor"]
    for arguments in ("first: 1", f'after: "{cursor}"', f'before: "{cursor}"', f'last: 1, before: "{cursor}"'):
        data = await client.ask(f"{{ users({arguments}) {{ totalCount {{ value precision }} }} }}")
        assert data["users"]["totalCount"] == {"value": 3, "precision": "EXACT"}


async def test_counts_to_different_ends_stand_side_by_side(client: Client, make: Factory) -> None:
    for _ in range(3):
        await make.user()
    data = await client.ask(
        "{ users { a: totalCount(upTo: 1) { value precision } b: totalCount(upTo: 5) { value precision } } }"
    )
    assert data["users"] == {"a": {"value": 1, "precision": "AT_LEAST"}, "b": {"value": 3, "precision": "EXACT"}}


# Many parents

Seen = tuple[list[str], bool, bool, int]


async def test_every_parent_has_a_page_of_its_own(client: Client, make: Factory) -> None:
    for length in (0, 1, 3):
        category = await make.category(f"C{length}")
        for index in range(length):
            await make.product(f"P{length}{index}", category=category)

    async def see(page: str) -> list[Seen]:
        data = await client.ask(
            f"{{ categories {{ nodes {{ products({page} orderBy: {{field: NAME}})"
            " { nodes { name } pageInfo { hasPreviousPage hasNextPage } totalCount { value } } } } }"
        )
        return [
            (
                [product["name"] for product in node["products"]["nodes"]],
                node["products"]["pageInfo"]["hasPreviousPage"],
                node["products"]["pageInfo"]["hasNextPage"],
                node["products"]["totalCount"]["value"],
            )
            for node in data["categories"]["nodes"]
        ]

    none: Seen = ([], False, False, 0)
    one: Seen = (["P10"], False, False, 1)
    assert await see("first: 2") == [none, one, (["P30", "P31"], False, True, 3)]
    assert await see("last: 2") == [none, one, (["P31", "P32"], True, False, 3)]
    data = await client.ask('{ category(by: {name: "C3"}) { products(orderBy: {field: NAME}) { edges { cursor } } } }')
    cursor = data["category"]["products"]["edges"][0]["cursor"]
    after = await see(f'first: 1, after: "{cursor}"')
    assert after == [none, ([], True, False, 1), (["P31"], True, True, 3)]


# Statements

EDGES = {
    "category": ("products", "category { name }"),
    "products": ("categories", "products { nodes { name } }"),
    "products-whole": ("categories", f"products(first: 1) {{ {WHOLE} }}"),
    "stats": ("categories", "stats { productCount totalValue averagePrice }"),
    "stats-category": ("categories", "stats { category { name } }"),
    "orders": ("users", "orders { nodes { status } }"),
    "user": ("orders", "user { fullName }"),
    "items": ("orders", "items { quantity }"),
    "orderItems": ("products", "orderItems { nodes { quantity } }"),
    "items-order": ("orders", "items { order { status } }"),
    "items-product": ("orders", "items { product { name } }"),
    "items-product-category": ("orders", "items { product { category { name } } }"),
}
COSTS = {"stats-category": 3, "items-order": 3, "items-product": 3, "items-product-category": 4}
"""Statements for the parents and each level below them; two unless it stands here."""


@pytest.fixture
async def crowd(database: Database, empty_shop: None) -> None:
    """A hundred of everything, the n-th of each belonging to the n-th of the others."""
    async with database.transaction() as session:
        for table, columns, values in (
            ("users", "email, full_name", "n || '@example.com', 'Ada'"),
            ("categories", "name", "'C' || n"),
            ("products", "name, price, category_id", "'P', 1, n"),
            ("orders", "user_id, total_amount", "n, 1"),
            ("order_items", "order_id, product_id, product_name, quantity, unit_price", "n, n, 'P', 1, 1"),
        ):
            insert = f"INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1, 100) AS n"
            await session.execute(text(insert))


async def test_an_edge_costs_as_many_statements_for_a_hundred_parents_as_for_one(
    client: Client, crowd: None, statements: list[str]
) -> None:
    for name, (root, edge) in EDGES.items():
        for parents in (1, 100):
            statements.clear()
            data = await client.ask(f"{{ {root}(first: {parents}) {{ nodes {{ {edge} }} }} }}")
            assert len(data[root]["nodes"]) == parents
            assert len(statements) == COSTS.get(name, 2), name


async def test_the_figures_of_all_categories_cost_one_statement_and_their_categories_another(
    client: Client, crowd: None, statements: list[str]
) -> None:
    data = await client.ask("{ categoryStats { productCount category { name } } }")
    assert (len(data["categoryStats"]), len(statements)) == (100, 2)


async def test_a_deep_query_costs_a_statement_for_each_level(
    client: Client, crowd: None, statements: list[str]
) -> None:
    item = "product { name category { name } } order { id }"
    await client.ask(f"{{ users(first: 100) {{ nodes {{ fullName orders {{ nodes {{ items {{ {item} }} }} }} }} }} }}")
    assert len(statements) == 6


@pytest.mark.parametrize(
    ("places", "length"),
    [((None, None), 2), ((10, None), 2), ((None, 90), 2), ((10, 90), 2), ((10, 12), 1), ((10, 11), 0), ((90, 10), 0)],
)
@pytest.mark.parametrize("limit", ["first", "last"])
async def test_whatever_is_asked_of_one_connection_is_one_statement(
    client: Client,
    crowd: None,
    statements: list[str],
    limit: str,
    places: tuple[int | None, int | None],
    length: int,
) -> None:
    edges = (await client.ask("{ products(first: 100) { edges { cursor } } }"))["products"]["edges"]
    arguments = [f"{limit}: 2"]
    for place, index in zip(("after", "before"), places, strict=True):
        arguments += [] if index is None else [f'{place}: "{edges[index]["cursor"]}"']
    statements.clear()
    selection = f"{WHOLE} few: totalCount(upTo: 5) {{ value }}"
    data = await client.ask(f"{{ products({', '.join(arguments)}) {{ {selection} }} }}")
    assert (len(data["products"]["nodes"]), len(statements)) == (length, 1)


async def test_equal_connections_share_a_statement(client: Client, crowd: None, statements: list[str]) -> None:
    await client.ask(
        "{ a: users { nodes { id } } b: users(first: 20) { totalCount { value } pageInfo { endCursor } } }"
    )
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("selection", "counts", "probes"),
    [
        ("nodes { id }", 0, 0),
        (f"edges {{ cursor node {{ id }} }} nodes {{ id }} {PAGE_INFO}", 0, 0),
        ("totalCount { value }", 1, 0),
        ("a: totalCount { value } b: totalCount(upTo: 10000) { precision }", 1, 0),
    ],
)
async def test_nothing_is_read_that_was_not_asked_for(
    client: Client, crowd: None, statements: list[str], selection: str, counts: int, probes: int
) -> None:
    await client.ask(f"{{ products(first: 2) {{ {selection} }} }}")
    (statement,) = statements
    assert (statement.count("count("), statement.count("EXISTS")) == (counts, probes)
    assert ("products.name" in statement) is (counts == 0)


async def test_a_connection_of_which_nothing_is_asked_reads_nothing(
    client: Client, crowd: None, statements: list[str]
) -> None:
    assert await client.ask("{ products { __typename } }") == {"products": {"__typename": "ProductConnection"}}
    assert statements == []


# Others write while a client walks

names = st.sampled_from(["a", "b", "c"])
changes = st.lists(st.one_of(names, st.integers(0, 30)), max_size=3)


@pytest.fixture
async def shelf(database: Database, empty_shop: None) -> Category:
    return await Factory(database).category()


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    start=st.lists(names, min_size=1, max_size=8),
    turns=st.lists(changes, max_size=8),
    size=st.integers(1, 3),
    backwards=st.booleans(),
    arguments=st.sampled_from(
        [
            "orderBy: {field: NAME}",
            "orderBy: {field: NAME, direction: DESC}",
            "orderBy: [{field: PRICE}, {field: NAME, direction: DESC}]",
            "",
        ]
    ),
)
async def test_a_walk_finds_all_that_stays_and_nothing_twice_while_others_insert_and_delete(
    client: Client,
    database: Database,
    shelf: Category,
    start: list[str],
    turns: list[list[str | int]],
    size: int,
    backwards: bool,
    arguments: str,
) -> None:
    """A change is the name of a product to insert or the number of one to delete."""

    async def change(name_or_number: str | int) -> None:
        async with database.transaction() as session:
            if isinstance(name_or_number, str):
                session.add(Product(name=name_or_number, price=Decimal(1), category_id=shelf.id))
            else:
                ids = (await session.scalars(select(Product.id).order_by(Product.id))).all()
                await session.execute(delete(Product).where(Product.id.in_(ids[name_or_number:][:1])))

    async def present() -> set[str]:
        async with database.transaction() as session:
            return {f"prod_{id}" for id in await session.scalars(select(Product.id))}

    async with database.transaction() as session:
        await session.execute(delete(Product))
    for name in start:
        await change(name)
    there_from_the_start = await present()
    pending = iter(turns)
    ask = asker(client, "products", arguments)

    async def ask_while_others_write(page: str) -> Page:
        found = await ask(page)
        for name_or_number in next(pending, ()):
            await change(name_or_number)
        return found

    found: list[str] = []
    limit, place, end = ("last", "before", "startCursor") if backwards else ("first", "after", "endCursor")
    page = await ask_while_others_write(f"{limit}: {size}")
    while page["nodes"]:
        found += [node["id"] for node in page["nodes"]]
        page = await ask_while_others_write(f'{limit}: {size}, {place}: "{page["pageInfo"][end]}"')
    assert len(found) == len(set(found))
    assert there_from_the_start & await present() <= set(found)
