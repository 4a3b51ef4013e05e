"""Whatever a client sends: a refusal it can read, null or an error with a code, and never a changed row."""

import base64
import json
import re
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shop_graphql.database import Database
from shop_graphql.models import Category, Order, OrderItem, Product, User
from tests.api.conftest import Client
from tests.api.mutating import Values, document, done, invalid, keyed, mutate, path, refused, tables, unknown
from tests.factories import Factory

LEAK = re.compile(
    r"INTERNAL_SERVER_ERROR|sqlalchemy|asyncpg|postgres|Traceback|SELECT |INSERT |UPDATE |\[SQL|\$1|Decimal\(|\wError:"
    r"|object has no|sys\.|codec|recursion|digits\) for integer",
    re.IGNORECASE,
)
NOVEL = {"name": "Novel", "price": "5.00", "category": {"id": "cat_1"}}


@pytest.fixture(autouse=True)
async def shop(database: Database, empty_shop: None, http: httpx.AsyncClient) -> None:
    """A shop with one of everything, whose responses are searched for what is nobody's business."""
    novel = Product(name="Novel", price=Decimal(5), stock_quantity=1000, category=Category(name="Books"))
    order = Order(user=User(email="ada@example.com", full_name="Ada"), total_amount=Decimal(5))
    async with database.transaction() as session:
        session.add(OrderItem(order=order, product=novel, product_name="Novel", quantity=1, unit_price=Decimal(5)))

    async def search(response: httpx.Response) -> None:
        await response.aread()
        assert LEAK.search(response.text) is None, response.text
        assert response.status_code < 500

    http.event_hooks["response"].append(search)


@pytest.fixture
async def unchanged(shop: None, database: Database) -> AsyncIterator[None]:
    before = await tables(database)
    yield
    assert await tables(database) == before


# Ids

MALFORMED = [
    *("", "_", "1", "_1", "prod", "prod_", "prod_0", "prod_-1", "prod_+1", "prod_01", "prod_1.0", "prod_1e0"),
    *("prod_0x1", "prod_1_000", "prod_\uff11", "prod_\u0661", "prod_1\n", "prod_1\x00", "\x00prod_1", " prod_1"),
    *("prod_1 ", "PROD_1", "prod-1", "product_1", "prod_1,prod_1", "prod_1' OR '1'='1", "UHJvZHVjdDox"),
    *("prod_9223372036854775808", "prod_99999999999999999999", "prod_" + "9" * 5000),
]
ID_INPUTS: list[tuple[str, str, tuple[str | int, ...], str, Values]] = [
    ("updateProductPrice", "product", ("productId",), "prod", {"price": 1}),
    ("addCategoryStock", "category", ("categoryId",), "cat", {"quantity": 1}),
    ("deleteProduct", "product", ("productId",), "prod", {}),
    ("deleteCategory", "category", ("categoryId",), "cat", {}),
    ("deleteOrder", "order", ("orderId",), "ord", {}),
    ("createOrder", "user", ("userId",), "user", {"items": [{"productId": "prod_1", "quantity": 1}]}),
    ("createOrder", "product", ("items", 0, "productId"), "prod", {"userId": "user_1"}),
    ("createProduct", "category", ("category", "id"), "cat", {"name": "N", "price": 1}),
]


def input_with(steps: tuple[str | int, ...], value: Any, others: Values) -> Values:
    """Return the input `others` with `value` at `steps`."""
    match steps:
        case ("items", 0, "productId"):
            return {**others, "items": [{"productId": value, "quantity": 1}]}
        case ("category", *deeper):
            for step in reversed(deeper):
                value = {step: value}
            return {**others, "category": value}
        case _:
            return {**others, str(steps[0]): value}


@pytest.mark.usefixtures("unchanged")
async def test_a_malformed_id_names_nothing_wherever_it_is_looked_up(client: Client) -> None:
    for id in MALFORMED:
        data = await client.ask(
            """query ($id: ID!) {
              node(id: $id) { id } nodes(ids: [$id]) { id }
              user(by: {id: $id}) { id } category(by: {id: $id}) { id } product(id: $id) { id } order(id: $id) { id }
            }""",
            id=id,
        )
        nothing = {"node": None, "nodes": [None], "user": None, "category": None, "product": None, "order": None}
        assert data == nothing, id


@pytest.mark.usefixtures("unchanged")
async def test_an_id_of_another_type_names_nothing(client: Client) -> None:
    lookups = {
        "user": "user(by: {id: $id}) { id }",
        "cat": "category(by: {id: $id}) { id }",
        "prod": "product(id: $id) { id }",
        "ord": "order(id: $id) { id }",
    }
    for prefix, lookup in lookups.items():
        for id in ("user_1", "cat_1", "prod_1", "ord_1", "item_1"):
            (found,) = (await client.ask(f"query ($id: ID!) {{ {lookup} }}", id=id)).values()
            assert found == ({"id": id} if id.startswith(prefix) else None)


@pytest.mark.parametrize(
    ("name", "noun", "steps", "prefix", "others"), ID_INPUTS, ids=[f"{name}-{noun}" for name, noun, *_ in ID_INPUTS]
)
@pytest.mark.usefixtures("unchanged")
async def test_a_mutation_takes_a_malformed_foreign_or_unknown_id_for_one_that_names_nothing(
    client: Client, name: str, noun: str, steps: tuple[str | int, ...], prefix: str, others: Values
) -> None:
    own = [id.replace("prod", prefix) for id in MALFORMED[::2]]
    foreign = [f"{other}_1" for other in ("user", "cat", "prod", "ord", "item") if other != prefix]
    for id in [*own, *foreign, f"{prefix}_2", f"{prefix}_9223372036854775807"]:
        assert await mutate(client, name, **input_with(steps, id, others)) == unknown(noun, id, *steps)


@pytest.mark.usefixtures("unchanged")
async def test_a_number_is_an_id_that_names_nothing(client: Client) -> None:
    data = await client.ask("query ($id: ID!) { node(id: 1) { id } product(id: $id) { id } }", id=1)
    assert data == {"node": None, "product": None}
    assert await mutate(client, "deleteProduct", productId=1) == unknown("product", "1", "productId")


@pytest.mark.parametrize("id", [1.5, True, [], {}, None])
@pytest.mark.usefixtures("unchanged")
async def test_what_is_neither_text_nor_a_whole_number_is_no_id(client: Client, id: Any) -> None:
    error = await client.fail("query ($id: ID!) { node(id: $id) { id } }", id=id)
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_a_hundred_ids_are_answered_and_one_more_is_refused(client: Client) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await client.ask(query, ids=["prod_1"] * 100))["nodes"] == [{"id": "prod_1"}] * 100
    assert await client.fail(query, ids=["prod_1"] * 101) == {
        "message": "At most 100 ids can be asked for at once; these are 101.",
        "locations": [{"line": 1, "column": 24}],
        "path": ["nodes"],
        "extensions": {"code": "BAD_USER_INPUT"},
    }


# Pages

CONNECTIONS = [
    "users",
    "categories",
    "products",
    "orders",
    'category(by: {id: "cat_1"}) { products',
    'user(by: {id: "user_1"}) { orders',
    'product(id: "prod_1") { orderItems',
]


def connection(field: str, arguments: str) -> str:
    """Return the selection of a connection with these arguments."""
    return f"{field}({arguments}) {{ nodes {{ id }} }} {'}' * field.count(') {')}"


@pytest.mark.parametrize("field", CONNECTIONS)
@pytest.mark.usefixtures("unchanged")
async def test_a_page_has_from_1_to_100_elements_of_one_end(client: Client, field: str) -> None:
    place = re.findall(r"(\w+)(?:\(| \{|$)", field)
    for argument in ("first", "last"):
        for allowed in (1, 100):
            data = await client.ask(f"{{ {connection(field, f'{argument}: {allowed}')} }}")
            assert '"nodes": [{"id": ' in json.dumps(data)
        for limit in (0, -1, 101, -(2**31), 2**31 - 1):
            error = await client.fail(f"{{ {connection(field, f'{argument}: {limit}')} }}")
            assert error["message"] == f"{argument} must be from 1 to 100; it is {limit}."
            assert error["path"] == [place[0]] if len(place) == 1 else [place[0], place[-1]]
            assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    error = await client.fail(f"{{ {connection(field, 'first: 1, last: 1')} }}")
    assert (error["message"], error["extensions"]["code"]) == ("Give either first or last, not both.", "BAD_USER_INPUT")


@pytest.mark.parametrize("field", ["products", 'category(by: {id: "cat_1"}) { products'])
@pytest.mark.usefixtures("unchanged")
async def test_null_stands_for_an_argument_that_is_absent(client: Client, field: str) -> None:
    arguments = "first: null, after: null, last: null, before: null, orderBy: null"
    assert "errors" not in await client.send(f"{{ {connection(field, arguments)} }}")


@pytest.mark.parametrize("up_to", [-1, 1_000_001, 2**31 - 1, -(2**31)])
@pytest.mark.usefixtures("unchanged")
async def test_counting_ends_between_0_and_a_million(client: Client, up_to: int) -> None:
    error = await client.fail("query ($upTo: Int!) { products { totalCount(upTo: $upTo) { value } } }", upTo=up_to)
    assert error == {
        "message": f"upTo must be from 0 to 1000000; it is {up_to}.",
        "locations": [{"line": 1, "column": 34}],
        "path": ["products", "totalCount"],
        "extensions": {"code": "BAD_USER_INPUT"},
    }


@pytest.mark.parametrize(
    "query",
    [
        "query ($n: Int) { products(first: $n) { nodes { id } } }",
        "query ($n: Int!) { products { totalCount(upTo: $n) { value } } }",
        "mutation ($n: Int!) {"
        ' addCategoryStock(input: {idempotencyKey: "k", categoryId: "cat_1", quantity: $n}) { __typename } }',
        'mutation ($n: Int!) { createOrder(input: {idempotencyKey: "k", userId: "user_1", '
        'items: [{productId: "prod_1", quantity: $n}]})'
        " { __typename } }",
    ],
)
@pytest.mark.usefixtures("unchanged")
async def test_what_is_no_integer_of_graphql_is_refused(client: Client, query: str) -> None:
    for value in (2**31, -(2**31) - 1, 1e20, 1.5, "1", True, [1]):
        assert (await client.fail(query, n=value))["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "document",
    [
        "{ products(first: %s) { nodes { id } } }",
        "{ products { totalCount(upTo: -%s) { value } } }",
        "query ($n: Int = %s) { products(first: $n) { nodes { id } } }",
        'mutation { addCategoryStock(input: {idempotencyKey: "k", categoryId: "cat_1", quantity: %s}) { __typename } }',
    ],
)
@pytest.mark.usefixtures("unchanged")
async def test_a_literal_of_more_digits_than_python_reads_is_refused_in_our_own_words(
    client: Client, document: str
) -> None:
    error = await client.fail(document % ("1" * 5000))
    assert error["message"] == "A value here is nothing that its type can hold."
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


# Cursors

BY_NAME, BY_PRICE, BY_TIME, BY_STOCK = (
    f"orderBy: {{field: {field}}}" for field in ("NAME", "PRICE", "CREATED_AT", "STOCK_QUANTITY")
)


def read(cursor: str) -> list[Any]:
    """Return what a cursor carries."""
    content: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return content


def write(content: Any) -> str:
    """Return the cursor that carries `content`."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


async def real_cursor(client: Client, arguments: str = BY_NAME, field: str = "products") -> str:
    data = await client.ask(f"{{ {field}({arguments}) {{ pageInfo {{ endCursor }} }} }}")
    cursor: str = data[field]["pageInfo"]["endCursor"]
    return cursor


async def refuse_cursor(client: Client, cursor: str, arguments: str, message: str) -> None:
    """Assert that a cursor is refused at both ends."""
    for end in ("after", "before"):
        query = f"query ($cursor: String) {{ products({arguments}, {end}: $cursor) {{ nodes {{ id }} }} }}"
        error = await client.fail(query, cursor=cursor)
        assert (error["message"], error["path"], error["extensions"]) == (
            message,
            ["products"],
            {"code": "INVALID_CURSOR"},
        ), cursor


@pytest.mark.usefixtures("unchanged")
async def test_what_is_no_cursor_is_refused(client: Client) -> None:
    real = await real_cursor(client)
    for cursor in (
        "",
        " ",
        "x",
        "\x00",
        "é",
        "💥",
        "null",
        f" {real}",
        f"{real}\n",
        f"{real}\x00\x00\x00\x00",
        f"{real}====",
        f"{real[:8]}!!!!{real[8:]}",
        f"{real[:8]}\x00{real[8:]}",
        real[:-1],
        real[1:],
        real * 2,
        real.swapcase(),
        "A" * 100_000,
        *map(write, (None, 1, "x", {}, [], {"0": 1})),
        base64.urlsafe_b64encode(b"[" * 1400).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b'["\\ud800"]').decode(),
    ):
        await refuse_cursor(client, cursor, BY_NAME, "This is not a cursor of this server.")


@pytest.mark.usefixtures("unchanged")
async def test_a_cursor_of_another_order_or_list_is_refused(client: Client) -> None:
    for field, arguments in (
        ("products", BY_PRICE),
        ("products", BY_TIME),
        ("products", "orderBy: {field: NAME, direction: DESC}"),
        ("products", "orderBy: [{field: NAME}, {field: PRICE}]"),
        ("products", "orderBy: [{field: PRICE}, {field: NAME}]"),
        ("products", "first: 1"),
        ("categories", BY_NAME),
        ("users", "first: 1"),
        ("orders", "first: 1"),
    ):
        cursor = await real_cursor(client, arguments, field)
        message = "This cursor belongs to another list, order or filter; start again without it."
        await refuse_cursor(client, cursor, BY_NAME, message)


FORGED: dict[str, Sequence[Any]] = {
    BY_NAME: [None, 1, 1.5, True, [], {}, ["Novel"], "\x00", "No\x00vel", "No\x1bvel", "\x85"],
    BY_PRICE: [
        *(None, 5, 5.0, True, [], {}, "", "five", "5,00", "0x5", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity"),
        *("1e9", "100000000", "-100000000", "1e5000000", "9" * 1000, "1e999999999999999999999", "\x005"),
    ],
    BY_STOCK: [None, "1", 1.0, True, [], {}, 2**31, -(2**31), 2**63 - 1, 2**63, 10**30],
    BY_TIME: [
        *(None, 0, 1.5, True, [], {}, "", "now", "infinity", "2026-11-23", "2026-11-23T12:00:00"),
        *("2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *("2026-11-23T12:00:00+99:00", "\x002026-11-23T12:00:00Z"),
    ],
}


@pytest.mark.parametrize("arguments", FORGED)
@pytest.mark.usefixtures("unchanged")
async def test_a_cursor_with_forged_values_is_refused(client: Client, arguments: str) -> None:
    fingerprint, value, id = read(await real_cursor(client, arguments))
    no_ids: list[Any] = [None, "1", "", 1.0, True, [1], {}, 2**63, -(2**63), 10**30]
    contents: list[list[Any]] = [
        *([fingerprint, forged, id] for forged in FORGED[arguments]),
        *([fingerprint, value, forged] for forged in no_ids),
        *([fingerprint], [fingerprint, value], [fingerprint, value, id, id]),
    ]
    for content in contents:
        await refuse_cursor(client, write(content), arguments, "This is not a cursor of this server.")


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (BY_NAME, ["x" * 1000, "", "💥"]),
        (BY_PRICE, ["-99999999.99", "0.000001", "1e-5000000", "0e1000000", "0e-100000"]),
        (BY_STOCK, [0, 2**31 - 1, 1 - 2**31]),
        (BY_TIME, ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]),
    ],
)
@pytest.mark.usefixtures("unchanged")
async def test_a_cursor_with_forged_values_of_the_right_kind_is_a_place_in_the_list(
    client: Client, arguments: str, values: list[Any]
) -> None:
    fingerprint, *_ = read(await real_cursor(client, arguments))
    pages = (connection("products", f"{arguments}, {end}: $at") for end in ("after", "before"))
    query = "query ($at: String) {{ a: {} b: {} }}".format(*pages)
    for value in values:
        for id in (1, -(2**63) + 1, 2**63 - 1):
            found = await client.ask(query, at=write([fingerprint, value, id]))
            assert found["a"]["nodes"] + found["b"]["nodes"] == [{"id": "prod_1"}]


# Texts

TEXTS: list[tuple[str, tuple[str, ...], int, Values]] = [
    ("createUser", ("email",), 255, {"fullName": "Ada"}),
    ("createUser", ("fullName",), 200, {"email": "b@example.com"}),
    ("createCategory", ("name",), 100, {}),
    ("createCategory", ("description",), 500, {"name": "Toys"}),
    ("createProduct", ("name",), 200, {"price": 1, "category": {"id": "cat_1"}}),
    ("createProduct", ("description",), 20_000, NOVEL),
    ("createProduct", ("category", "new", "name"), 100, {"name": "N", "price": 1}),
]
END = "@example.com"
CONTROL = "\x00\x00\x00\x01\x08\x0b\x0c\x0e\x1b\x1c\x1e\x1f\x7f\x80\x85\x9f"


def texts(*, required: bool = False) -> pytest.MarkDecorator:
    """Parametrise a test with every text that can be given to a mutation."""
    chosen = [text for text in TEXTS if not (required and text[1] == ("description",))]
    ids = [f"{name}-{'.'.join(steps)}" for name, steps, *_ in chosen]
    return pytest.mark.parametrize(("name", "steps", "limit", "others"), chosen, ids=ids)


def text_of(length: int, steps: tuple[str, ...]) -> str:
    """Return a text of so many characters, outside Unicode's first plane where it may be."""
    return "a" * (length - len(END)) + END if steps == ("email",) else "💥" * length


@texts()
async def test_a_text_of_the_greatest_length_is_stored_whole(
    client: Client, database: Database, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    text = text_of(limit, steps)
    assert await mutate(client, name, **input_with(steps, f" \t{text}\r\n", others)) == done(name)
    stored = [value for rows in (await tables(database)).values() for row in rows for value in row]
    assert text in stored


@texts()
@pytest.mark.usefixtures("unchanged")
async def test_a_text_that_is_one_character_longer_is_refused(
    client: Client, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    created = await mutate(client, name, **input_with(steps, text_of(limit + 1, steps), others))
    assert created == invalid(f"This has {limit + 1} characters; {limit} are allowed.", *steps)


@texts(required=True)
@pytest.mark.usefixtures("unchanged")
async def test_a_blank_text_is_refused(
    client: Client, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    messages = ["This must not be empty.", *["This must be an e-mail address."] * (steps == ("email",))]
    for blank in ("", " ", "\t\r\n", "\u00a0\u2003\u3000"):
        created = await mutate(client, name, **input_with(steps, blank, others))
        issues = [{"path": path(*steps), "message": message} for message in messages]
        assert created == refused("Validation", "; ".join(messages), issues=issues)


@texts()
@pytest.mark.usefixtures("unchanged")
async def test_a_control_character_is_refused_wherever_it_stands(
    client: Client, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    sound = "a" + END
    for index, character in enumerate(CONTROL):
        place = (0, 1, len(sound))[index % 3]
        created = await mutate(client, name, **input_with(steps, sound[:place] + character + sound[place:], others))
        assert created["issues"][0] == {
            "path": path(*steps),
            "message": "This must not contain control characters or broken Unicode.",
        }


@texts()
@pytest.mark.usefixtures("unchanged")
async def test_the_escapes_of_a_literal_are_read_as_strictly(
    client: Client, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    values = re.sub(r'"(\w+)":', r"\1:", json.dumps(keyed(name, input_with(steps, f"aESCAPE{END}", others))))
    query = re.sub(r"\(\$input: \w+!\)", "", document(name)).replace("$input", values)
    for nul in (r"\u0000", r"\u{0}"):
        assert (await client.ask(query.replace("ESCAPE", nul)))[name]["code"] == "VALIDATION"
    for half in (r"\ud800", r"\udfff", r"\udfff\ud800", r"\u{d800}", r"\u{110000}"):
        error = await client.fail(query.replace("ESCAPE", half))
        assert error["message"].startswith("Syntax Error: Invalid Unicode escape sequence")
        assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}


@texts()
@pytest.mark.usefixtures("unchanged")
async def test_half_a_surrogate_pair_in_json_is_no_request(
    http: httpx.AsyncClient, name: str, steps: tuple[str, ...], limit: int, others: Values
) -> None:
    variables = {"input": input_with(steps, f"aESCAPE{END}", others)}
    body = json.dumps({"query": document(name), "variables": variables})
    for half in (r"\ud800", r"\udfff", r"\udfff\ud800"):
        response = await http.post(
            "/graphql", content=body.replace("ESCAPE", half), headers={"content-type": "application/json"}
        )
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"] == {"code": "INVALID_JSON"}


@pytest.mark.usefixtures("unchanged")
async def test_a_text_that_cannot_be_stored_finds_nothing(client: Client) -> None:
    query = "query ($text: String!) { user(by: {email: $text}) { id } category(by: {name: $text}) { id } }"
    nothing = ["", " ", "x" * 100_000, *CONTROL, *(f"Books{character}" for character in CONTROL), "ada@example.com\x00"]
    for text in nothing:
        assert await client.ask(query, text=text) == {"user": None, "category": None}
    literal = r'{ user(by: {email: "ada@example.com\u0000"}) { id } category(by: {name: "\u{0}Books"}) { id } }'
    assert await client.ask(literal) == {"user": None, "category": None}


@pytest.mark.usefixtures("unchanged")
async def test_half_a_surrogate_pair_is_neither_a_key_nor_an_id_nor_a_cursor(client: Client) -> None:
    for selection in (
        'user(by: {email: "HALF"}) { id }',
        'category(by: {name: "HALF"}) { id }',
        'product(id: "prod_1HALF") { id }',
        'node(id: "HALF") { id }',
        'nodes(ids: ["prod_1", "HALF"]) { id }',
        'products(after: "HALF") { nodes { id } }',
        'products(last: 1, before: "HALF") { nodes { id } }',
    ):
        for half in (r"\ud800", r"\udfff", r"\u{dabc}"):
            error = await client.fail(f"{{ {selection.replace('HALF', half)} }}")
            assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}


@pytest.mark.usefixtures("unchanged")
async def test_a_name_is_looked_up_as_a_text_and_not_as_a_pattern_or_sql(client: Client) -> None:
    query = "query ($text: String!) { user(by: {email: $text}) { id } category(by: {name: $text}) { id } }"
    for text in ("%", "_ooks", "Books' OR '1'='1", "Books'; DROP TABLE users; --", "books", "Books ", "{Books}", "$1"):
        assert await client.ask(query, text=text) == {"user": None, "category": None}


@pytest.mark.usefixtures("unchanged")
async def test_a_lookup_takes_exactly_one_key(client: Client) -> None:
    both = {"id": "user_1", "email": "ada@example.com"}
    for by in ({}, {"email": None}, {"id": None}, {**both, "email": None}, both):
        error = await client.fail("query ($by: UserBy!) { user(by: $by) { id } }", by=by)
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


# Money

NO_MONEY: list[Any] = [
    *("", " ", "NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "1e2", "1E2", "1e400", "1e5000000", "1e-5000000"),
    *("0.005", "1.", ".5", "10,00", "1,000", "1_000", " 1", "1 ", "1\n", "\t1", "+1", "--1", "1\x00", "\uff11"),
    *("12345678901", "123456789.01", "00000000001", "9" * 5000, "0x10", "1/2", "$1", "five", "\u0661"),
    *(10**10, -(10**10), 10**19, 1.0, 1.5, 1e300, True, False, [], [1], {}, {"value": 1}),
]
OUT_OF_RANGE: list[Any] = ["-0.01", "-1", -1, "100000000", "100000000.0", 10**8, 10**9, "9999999999", 9_999_999_999]
PRICED: list[tuple[str, Values]] = [
    ("createProduct", {"name": "N", "category": {"id": "cat_1"}}),
    ("updateProductPrice", {"productId": "prod_1"}),
]
MONEY = (
    'Money is a string such as "19.99" or a whole number: at most ten digits, at most two of them behind the point, '
    "no exponent."
)


@pytest.mark.parametrize(("name", "others"), PRICED)
@pytest.mark.usefixtures("unchanged")
async def test_what_is_no_money_is_refused(client: Client, name: str, others: Values) -> None:
    for price in NO_MONEY:
        error = await client.fail(document(name), input=keyed(name, {**others, "price": price}))
        assert error["message"] == f"Variable '$input' has invalid value at .price: {MONEY}", price
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.usefixtures("unchanged")
async def test_a_literal_that_is_no_money_is_refused(client: Client) -> None:
    texts = ('"NaN"', '"1e2"', '"0.005"', '""')
    for literal in (*texts, "1.5", "1e2", "1" * 11, "1" * 5000, "true", "NaN", "[1]", "{a: 1}"):
        error = await client.fail(
            f'mutation {{ updateProductPrice(input: {{productId: "prod_1", price: {literal}}}) {{ __typename }} }}'
        )
        assert (error["message"], error["extensions"]) == (MONEY, {"code": "GRAPHQL_VALIDATION_FAILED"})


@pytest.mark.parametrize(("name", "others"), PRICED)
@pytest.mark.usefixtures("unchanged")
async def test_a_price_out_of_range_is_refused(client: Client, name: str, others: Values) -> None:
    for price in OUT_OF_RANGE:
        result = await mutate(client, name, **others, price=price)
        assert result == invalid("This must be an amount from 0.00 to 99999999.99 in whole cents.", "price"), price


@pytest.mark.parametrize(("name", "others"), PRICED)
async def test_a_price_is_shown_as_it_is_stored(client: Client, name: str, others: Values) -> None:
    for price, shown in (
        *((0, "0.00"), ("0", "0.00"), ("-0", "0.00"), ("-0.00", "0.00"), ("0.01", "0.01"), ("0.1", "0.10")),
        *(("00000001", "1.00"), (99_999_999, "99999999.00"), ("99999999.99", "99999999.99")),
    ):
        changed = await mutate(client, name, "product { id price }", **others, price=price)
        assert changed["product"]["price"] == shown
        stored = await client.ask("query ($id: ID!) { product(id: $id) { price } }", id=changed["product"]["id"])
        assert stored["product"]["price"] == shown


# Stock and orders


@pytest.mark.usefixtures("unchanged")
async def test_a_stock_out_of_range_is_refused(client: Client) -> None:
    for stock in (-1, 1_000_000_001, 2**31 - 1, -(2**31)):
        created = await mutate(client, "createProduct", **NOVEL, stockQuantity=stock)
        assert created == invalid("This must be from 0 to 1000000000.", "stockQuantity")


@pytest.mark.parametrize("stock", [0, 1_000_000_000])
async def test_a_stock_at_the_end_of_the_range_is_stored(client: Client, stock: int) -> None:
    created = await mutate(client, "createProduct", "product { stockQuantity }", **NOVEL, stockQuantity=stock)
    assert created == done("createProduct", product={"stockQuantity": stock})


@pytest.mark.usefixtures("unchanged")
async def test_a_change_of_stock_out_of_range_is_refused(client: Client) -> None:
    span = "This must be from -1000000000 to 1000000000."
    above = "With this the stock of a product would pass 1000000000."
    messages = {
        0: "This must not be 0.",
        1_000_000_000: above,
        999_999_001: above,
        **dict.fromkeys((1_000_000_001, -1_000_000_001, 2**31 - 1, -(2**31)), span),
    }
    for quantity, message in messages.items():
        changed = await mutate(client, "addCategoryStock", categoryId="cat_1", quantity=quantity)
        assert changed == invalid(message, "quantity")


@pytest.mark.parametrize(("quantity", "stock"), [(999_999_000, 1_000_000_000), (-1000, 0)])
async def test_a_change_of_stock_may_go_to_the_end_of_the_range(client: Client, quantity: int, stock: int) -> None:
    selection = "category { products { nodes { stockQuantity } } }"
    changed = await mutate(client, "addCategoryStock", selection, categoryId="cat_1", quantity=quantity)
    assert changed["category"]["products"]["nodes"] == [{"stockQuantity": stock}]


SMALL = "This must be at least 1."


def large(quantity: int) -> str:
    return f"At most 999 of one product can be ordered at once; this comes to {quantity}."


@pytest.mark.usefixtures("unchanged")
async def test_an_order_has_from_1_to_999_of_a_product(client: Client) -> None:
    for quantities, index, message in (
        ([0], 0, SMALL),
        ([-1], 0, SMALL),
        ([-(2**31)], 0, SMALL),
        ([2, -1], 1, SMALL),
        ([1000], 0, large(1000)),
        ([1, 999], 0, large(1000)),
        ([500, 500], 0, large(1000)),
        ([2**31 - 1, 1], 0, large(2**31)),
        ([2**31 - 1] * 3, 0, large(3 * 2**31 - 3)),
    ):
        items = [{"productId": "prod_1", "quantity": quantity} for quantity in quantities]
        placed = await mutate(client, "createOrder", userId="user_1", items=items)
        assert placed == invalid(message, "items", index, "quantity")


async def test_an_order_may_have_999_of_a_product(client: Client) -> None:
    items = [{"productId": "prod_1", "quantity": quantity} for quantity in (998, 1)]
    placed = await mutate(client, "createOrder", "order { items { quantity } }", userId="user_1", items=items)
    assert placed == done("createOrder", order={"items": [{"quantity": 999}]})


@pytest.mark.usefixtures("unchanged")
async def test_more_than_an_integer_holds_is_a_bad_quantity_and_no_shortage(client: Client) -> None:
    items = [{"productId": "prod_1", "quantity": 2**31 - 1}]
    placed = await mutate(client, "createOrder", userId="user_1", items=items)
    assert [error["shortages"][0]["requested"] for error in placed["otherErrors"]] == [2**31 - 1]
    placed = await mutate(client, "createOrder", userId="user_1", items=items * 2)
    assert placed == invalid(large(2**32 - 2), "items", 0, "quantity")


@pytest.mark.usefixtures("unchanged")
async def test_less_than_an_integer_holds_is_a_bad_quantity(client: Client) -> None:
    items = [{"productId": "prod_1", "quantity": -(2**31)}] * 2
    placed = await mutate(client, "createOrder", userId="user_1", items=items)
    issues = [{"path": path("items", index, "quantity"), "message": SMALL} for index in (0, 1)]
    assert placed == refused("Validation", f"{SMALL}; {SMALL}", issues=issues)


@pytest.mark.usefixtures("unchanged")
async def test_an_order_without_items_is_refused(client: Client) -> None:
    placed = await mutate(client, "createOrder", userId="user_1", items=[])
    assert placed == invalid("An order has at least one item.", "items")


async def test_an_order_has_50_different_products_at_most(client: Client, make: Factory, database: Database) -> None:
    category = await make.category()
    for _ in range(50):
        await make.product(category=category)
    before = await tables(database)
    items = [{"productId": f"prod_{id}", "quantity": 1} for id in range(1, 52)]
    placed = await mutate(client, "createOrder", userId="user_1", items=items)
    assert placed == invalid("An order has at most 50 different products, not 51.", "items")
    assert await tables(database) == before
    placed = await mutate(client, "createOrder", "order { items { id } }", userId="user_1", items=items[:50] * 2)
    assert len(placed["order"]["items"]) == 50


async def test_an_order_comes_to_99999999_99_at_most(client: Client, make: Factory, database: Database) -> None:
    await make.product(price="99999999.99", stock=2)
    await make.product(price="0.01")
    before = await tables(database)
    for items, total in (
        ([{"productId": "prod_2", "quantity": 2}], "199999999.98"),
        ([{"productId": "prod_2", "quantity": 1}, {"productId": "prod_3", "quantity": 1}], "100000000.00"),
    ):
        placed = await mutate(client, "createOrder", userId="user_1", items=items)
        assert placed == invalid(f"The order comes to {total}; at most 99999999.99 is possible.", "items")
    assert await tables(database) == before
    items = [{"productId": "prod_2", "quantity": 1}]
    placed = await mutate(client, "createOrder", "order { totalAmount }", userId="user_1", items=items)
    assert placed == done("createOrder", order={"totalAmount": "99999999.99"})


# Inputs of the wrong shape


@pytest.mark.usefixtures("unchanged")
async def test_a_product_has_exactly_one_category(client: Client) -> None:
    categories: list[Any] = [
        *({}, {"id": None}, {"new": None}, {"id": "cat_1", "new": {"name": "Toys"}}, {"id": "cat_1", "new": None}),
        *({"new": {}}, {"new": {"name": None}}, {"name": "Toys"}, {"id": ["cat_1"]}, None, "cat_1", ["cat_1"]),
    ]
    for category in categories:
        error = await client.fail(
            document("createProduct"), input=keyed("createProduct", {**NOVEL, "category": category})
        )
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.usefixtures("unchanged")
async def test_an_input_of_another_shape_is_refused(client: Client) -> None:
    inputs: list[tuple[str, Any]] = [
        ("createUser", None),
        ("createUser", []),
        ("createUser", {"fullName": "Ada"}),
        ("createUser", {"email": 1, "fullName": "Ada"}),
        ("createUser", {"email": "b@example.com", "fullName": None}),
        ("createUser", {"email": "b@example.com", "fullName": "Ada", "id": "user_9"}),
        ("createCategory", {"name": "Toys", "description": 1}),
        ("createProduct", {**NOVEL, "stockQuantity": None}),
        ("createOrder", {"userId": "user_1", "items": None}),
        ("createOrder", {"userId": "user_1", "items": [None]}),
        ("createOrder", {"userId": "user_1", "items": [[]]}),
        ("createOrder", {"userId": "user_1", "items": [{"productId": "prod_1"}]}),
        ("createOrder", {"userId": "user_1", "items": [{"productId": "prod_1", "quantity": None}]}),
    ]
    for name, input in inputs:
        error = await client.fail(document(name), input=keyed(name, input))
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
        assert error["message"].startswith("Variable '$input' ")


@pytest.mark.usefixtures("unchanged")
async def test_an_order_by_of_another_shape_is_refused(client: Client) -> None:
    query = "query ($orderBy: [ProductSort!]) { products(orderBy: $orderBy) { nodes { id } } }"
    null = {"field": "NAME", "direction": None}
    for order_by in ("NAME", {"field": "name"}, {"field": "ID"}, {"direction": "ASC"}, null, [None]):
        error = await client.fail(query, orderBy=order_by)
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.usefixtures("unchanged")
async def test_a_key_to_sort_by_may_be_repeated_without_end(client: Client) -> None:
    keys = [{"field": "NAME"}, {"field": "PRICE", "direction": "DESC"}] * 1000
    query = "query ($orderBy: [ProductSort!]) { products(orderBy: $orderBy) { nodes { id } } }"
    assert await client.ask(query, orderBy=keys) == {"products": {"nodes": [{"id": "prod_1"}]}}
