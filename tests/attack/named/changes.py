"""Inputs of mutations that would break the shop, or whoever reads of it later: amounts, stock, keys, texts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.attack.named.kinds import Attack, Expectation, Scripted, document, refused, unions
from tests.attack.target import Target, judge

BAD = refused("BAD_USER_INPUT")
WRONG = unions("ValidationError")
UNKNOWN = unions("NotFoundError")
SHORT = unions("OutOfStockError")
ITEM = {"productId": "<<product>>", "quantity": 1}

Rows = Mapping[str, tuple[Mapping[str, Any], Expectation]]


def mutation(name: str) -> str:
    """Return a mutation of one field that tells the type of its result."""
    noun = name[0].upper() + name[1:]
    return (
        f"mutation ($input: {noun}Input!) {{ {name}(input: $input) "
        "{ __typename ... on UserError { code message otherErrors { message } } } }"
    )


_ORDERS: Rows = {
    "quantity-0": ({"items": [{**ITEM, "quantity": 0}]}, WRONG),
    "quantity-negative": ({"items": [{**ITEM, "quantity": -1}]}, WRONG),
    "quantity-1000": ({"items": [{**ITEM, "quantity": 1000}]}, WRONG),
    "quantity-a-billion": ({"items": [{**ITEM, "quantity": 10**9}]}, WRONG),
    "quantity-32-bits": ({"items": [{**ITEM, "quantity": 2**31}]}, BAD),
    "quantity-float": ({"items": [{**ITEM, "quantity": 0.5}]}, BAD),
    "quantity-text": ({"items": [{**ITEM, "quantity": "1"}]}, BAD),
    "quantity-null": ({"items": [{**ITEM, "quantity": None}]}, BAD),
    "quantities-that-overflow": ({"items": [{**ITEM, "quantity": 999}] * 50}, WRONG),
    "quantities-that-cancel": ({"items": [{**ITEM, "quantity": 2}, {**ITEM, "quantity": -1}]}, WRONG),
    "no-items": ({"items": []}, WRONG),
    "items-null": ({"items": None}, BAD),
    "items-an-object": ({"items": {"0": ITEM}}, BAD),
    "51-products": ({"items": [{"productId": f"prod_{n}", "quantity": 1} for n in range(1, 52)]}, WRONG),
    "2000-items": ({"items": [ITEM] * 2000}, WRONG),
    "product-unknown": ({"items": [{"productId": "prod_999999999", "quantity": 1}]}, UNKNOWN),
    "product-of-another-type": ({"items": [{"productId": "<<customer>>", "quantity": 1}]}, UNKNOWN),
    "product-by-sql": ({"items": [{"productId": "prod_1' OR 1=1 --", "quantity": 1}]}, UNKNOWN),
    "price-from-the-client": ({"items": [{**ITEM, "unitPrice": "0.01"}]}, BAD),
    "total-from-the-client": ({"items": [ITEM], "totalAmount": "0.01"}, BAD),
    "status-from-the-client": ({"items": [ITEM], "status": "COMPLETED"}, BAD),
    "expected-total-negative": ({"items": [ITEM], "expectedTotal": "-9.50"}, unions("PriceChangedError")),
    "expected-total-nan": ({"items": [ITEM], "expectedTotal": "NaN"}, BAD),
    "expected-total-too-precise": ({"items": [ITEM], "expectedTotal": "9.500"}, BAD),
    "expected-total-exponent": ({"items": [ITEM], "expectedTotal": "95e-1"}, BAD),
    "user-unknown": ({"items": [ITEM], "userId": "user_999999999"}, UNKNOWN),
    "user-null-byte": ({"items": [ITEM], "userId": "user_1\0"}, UNKNOWN),
    "key-empty": ({"items": [ITEM], "idempotencyKey": ""}, WRONG),
    "key-of-spaces": ({"items": [ITEM], "idempotencyKey": "   "}, WRONG),
    "key-of-300": ({"items": [ITEM], "idempotencyKey": "k" * 300}, WRONG),
    "key-of-100000": ({"items": [ITEM], "idempotencyKey": "k" * 100_000}, WRONG),
    "key-with-nul": ({"items": [ITEM], "idempotencyKey": "a\0b"}, WRONG),
    "key-with-a-newline": ({"items": [ITEM], "idempotencyKey": "a\r\nBug 0123 at None"}, WRONG),
    "key-a-number": ({"items": [ITEM], "idempotencyKey": 1}, BAD),
    "key-null": ({"items": [ITEM], "idempotencyKey": None}, BAD),
    "dry-run-a-text": ({"items": [ITEM], "dryRun": "true"}, BAD),
}
_PRODUCTS: Rows = {
    "price-nan": ({"price": "NaN"}, BAD),
    "price-infinity": ({"price": "Infinity"}, BAD),
    "price-exponent": ({"price": "1e3"}, BAD),
    "price-exponent-of-millions": ({"price": "1e5000000"}, BAD),
    "price-too-precise": ({"price": "1.005"}, BAD),
    "price-float": ({"price": 1.1}, BAD),
    "price-negative": ({"price": "-0.01"}, WRONG),
    "price-too-high": ({"price": "100000000.00"}, BAD),
    "price-a-billion": ({"price": 10**9}, WRONG),
    "price-of-digits": ({"price": "1" * 5000}, BAD),
    "price-of-other-digits": ({"price": "\u0661\u0662"}, BAD),
    "price-with-a-comma": ({"price": "1,50"}, BAD),
    "price-with-spaces": ({"price": " 1 "}, BAD),
    "price-with-a-currency": ({"price": "$1"}, BAD),
    "price-underscore": ({"price": "1_0"}, BAD),
    "stock-negative": ({"stockQuantity": -1}, WRONG),
    "stock-too-high": ({"stockQuantity": 2**31 - 1}, WRONG),
    "stock-64-bits": ({"stockQuantity": 2**63}, BAD),
    "name-empty": ({"name": ""}, WRONG),
    "name-of-spaces": ({"name": " \t\u3000"}, WRONG),
    "name-of-10000": ({"name": "n" * 10_000}, WRONG),
    "name-with-nul": ({"name": "a\0b"}, WRONG),
    "name-with-escape": ({"name": "\x1b[2J"}, WRONG),
    "name-with-a-bell": ({"name": "\x07"}, WRONG),
    "name-a-number": ({"name": 1}, BAD),
    "name-a-list": ({"name": ["x"]}, BAD),
    "description-of-20001": ({"description": "d" * 20_001}, WRONG),
    "sku-of-65": ({"sku": "s" * 65}, WRONG),
    "sku-taken": ({"sku": "lamp-<<mark>>"}, unions("AlreadyExistsError")),
    "category-unknown": ({"category": {"id": "cat_999999999"}}, UNKNOWN),
    "category-of-two-kinds": ({"category": {"id": "<<category>>", "new": {"name": "x"}}}, BAD),
    "category-of-none": ({"category": {}}, BAD),
    "category-taken": ({"category": {"new": {"name": "Lamps <<mark>>"}}}, unions("AlreadyExistsError")),
    "unknown-field": ({"id": "prod_1", "version": 7}, BAD),
    "prototype": ({"__proto__": {"price": "0"}}, BAD),
}
_OTHERS: Sequence[tuple[str, str, Mapping[str, Any], Expectation]] = [
    ("stock/delta-below-zero", "adjustStock", {"productId": "<<product>>", "delta": -(2**31)}, WRONG),
    ("stock/delta-of-all", "adjustStock", {"productId": "<<product>>", "delta": -(10**9)}, SHORT),
    ("stock/delta-overflow", "adjustStock", {"productId": "<<product>>", "delta": 2**31 - 1}, WRONG),
    ("stock/delta-64-bits", "adjustStock", {"productId": "<<product>>", "delta": 2**40}, BAD),
    ("stock/delta-zero", "adjustStock", {"productId": "<<product>>", "delta": 0}, WRONG),
    ("stock/reason-of-10000", "adjustStock", {"productId": "<<product>>", "delta": 1, "reason": "r" * 10_000}, WRONG),
    ("stock/reason-with-nul", "adjustStock", {"productId": "<<product>>", "delta": 1, "reason": "\0"}, WRONG),
    ("stock/category-overflow", "addCategoryStock", {"categoryId": "<<category>>", "quantity": 2**31 - 1}, WRONG),
    ("stock/category-unknown", "addCategoryStock", {"categoryId": "cat_0", "quantity": 1}, UNKNOWN),
    (
        "version/negative",
        "updateProduct",
        {"productId": "<<product>>", "expectedVersion": -1},
        unions("VersionConflictError"),
    ),
    (
        "version/huge",
        "updateProduct",
        {"productId": "<<product>>", "expectedVersion": 2**31 - 1},
        unions("VersionConflictError"),
    ),
    ("version/64-bits", "updateProduct", {"productId": "<<product>>", "expectedVersion": 2**40}, BAD),
    ("delete/product-in-use", "deleteProduct", {"productId": "<<product>>"}, unions("InUseError")),
    ("delete/category-in-use", "deleteCategory", {"categoryId": "<<category>>"}, unions("InUseError")),
    ("delete/order-of-another-type", "deleteOrder", {"orderId": "<<product>>"}, UNKNOWN),
    ("delete/user-of-another-type", "eraseUser", {"userId": "<<own>>"}, UNKNOWN),
    ("user/email-without-at", "createUser", {"email": "nobody", "fullName": "N"}, WRONG),
    ("user/email-with-crlf", "createUser", {"email": "a@b.c\r\nbcc: d@e.f", "fullName": "N"}, WRONG),
    ("user/email-of-300", "createUser", {"email": "a" * 300 + "@example.com", "fullName": "N"}, WRONG),
    (
        "user/email-taken-in-capitals",
        "createUser",
        {"email": "ADA-<<mark>>@EXAMPLE.COM", "fullName": "N"},
        unions("AlreadyExistsError"),
    ),
    ("user/role-unknown", "createUser", {"email": "a@b.c", "fullName": "N", "role": "ROOT"}, BAD),
    ("user/password-short", "createUser", {"email": "a@b.c", "fullName": "N", "password": "x"}, WRONG),
    ("user/password-of-100000", "createUser", {"email": "a@b.c", "fullName": "N", "password": "x" * 100_000}, WRONG),
    ("user/password-hash", "createUser", {"email": "a@b.c", "fullName": "N", "passwordHash": "x"}, BAD),
    ("bulk/no-rows", "upsertProducts", {"rows": []}, WRONG),
    (
        "bulk/251-rows",
        "upsertProducts",
        {"rows": [{"sku": f"{n}", "name": "n", "price": 1, "category": "c"} for n in range(251)]},
        WRONG,
    ),
    (
        "bulk/same-sku-twice",
        "upsertProducts",
        {"rows": [{"sku": "a", "name": "n", "price": 1, "category": "Lamps <<mark>>"}] * 2},
        WRONG,
    ),
    (
        "bulk/csv-formula",
        "upsertProducts",
        {"dryRun": True, "rows": [{"sku": "=cmd|x", "name": "=1+1", "price": 1, "category": "Lamps <<mark>>"}]},
        unions("UpsertProductsSuccess"),
    ),
]
_KEYED = {"createOrder", "createProduct", "adjustStock", "addCategoryStock", "upsertProducts"}

TEXTS: Mapping[str, str] = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "closing-script": "</script><svg/onload=alert(1)>",
    "javascript-url": "javascript:alert(1)//",
    "template": "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "jndi": "${jndi:ldap://127.0.0.1:1/x}",
    "shell": "$(id) `id` | id; id",
    "format": "%s%n%x {0} {self.__class__}",
    "sql": "'; DROP TABLE products; --",
    "sql-escape": "\\'; TRUNCATE orders; --",
    "json": '","admin":true,"x":"',
    "newlines": "a\nb\tc",
    "percent-crlf": "%0d%0aset-cookie: a=b",
    "entities": "&lt;b&gt; &#0; &amp;",
    "emoji": "\U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea",
    "right-to-left": "\u202e\u0645\u0631\u062d\u0628\u0627",
    "combining": "Z\u0351\u0346\u0310a\u0301",
    "line-separators": "a\u2028b\u2029c",
    "bom": "a\ufeffb",
    "private-use": "\ue000\uf8ff\U0010fffd",
    "noncharacter": "\ufdd0\uffff",
    "csv": "=HYPERLINK(1)",
}
STORE = (
    "mutation ($input: UpdateCategoryInput!) { updateCategory(input: $input) "
    "{ ... on UpdateCategorySuccess { category { name description } } ... on UserError { message } } }"
)
READ = (
    "query ($name: String!) { category(by: {name: $name}) { name description products { nodes { id } } } "
    "categories(where: {name: {eq: $name}}) { nodes { description } totalCount { value } } }"
)


def _stored(text: str) -> Any:
    async def script(target: Target) -> list[str]:
        """Store a text, and read it back by resolvers and by compiled statements."""
        name = f"{text} {uuid4().hex[:8]}"
        made = await target.graphql(
            "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) "
            "{ ... on CreateCategorySuccess { category { id } } ... on UserError { message } } }",
            {"input": {"name": name, "description": text}},
            target.admin,
        )
        read = await target.graphql(READ, {"name": name})
        sent = json.dumps(text).encode() + text.encode()
        complaints = judge(made, sent) + judge(read, sent)
        wanted = {
            "category": {"name": name, "description": text, "products": {"nodes": []}},
            "categories": {"nodes": [{"description": text}], "totalCount": {"value": 1}},
        }
        found = read.json().get("data")
        if found != wanted:
            complaints.append(f"what was stored is not what is read: {found!r}, and not {wanted!r}: {made.text}")
        if "json" not in read.media_type:
            complaints.append(f"a browser might take it for a page: {read.media_type}")
        return complaints

    return script


def _input(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {**({"idempotencyKey": uuid4().hex} if name in _KEYED else {}), **given}


def _changed(attack: str, name: str, given: Mapping[str, Any], expects: Expectation) -> Attack:
    return document(attack, mutation(name), expects, who="admin", input=_input(name, given))


_PRODUCT = {"name": "A product that is never made", "price": "1.00", "category": {"id": "<<category>>"}}

ATTACKS: Sequence[Attack] = [
    *(
        _changed(f"order/{name}", "createOrder", {"userId": "<<customer>>", **given}, expects)
        for name, (given, expects) in _ORDERS.items()
    ),
    *(
        _changed(f"product/{name}", "createProduct", {**_PRODUCT, **given}, expects)
        for name, (given, expects) in _PRODUCTS.items()
    ),
    *(_changed(attack, name, given, expects) for attack, name, given, expects in _OTHERS),
    *(Scripted(f"stored/{name}", _stored(text)) for name, text in TEXTS.items()),
]
