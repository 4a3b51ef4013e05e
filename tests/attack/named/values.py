"""Values of scalars and arguments that no honest client sends: ids, amounts, times, cursors, filters, pages."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.attack.named.kinds import Attack, Expectation, answered, document, refused, sound

BAD = refused("BAD_USER_INPUT")
INVALID_CURSOR = refused("INVALID_CURSOR")

BY_ID = "query ($id: ID!) { product(id: $id) { name } node(id: $id) { id } category(by: {id: $id}) { name } }"
NOTHING = answered({"product": None, "node": None, "category": None})
_IDS: Mapping[str, str] = {
    "empty": "",
    "only-a-number": "1",
    "without-a-number": "prod_",
    "zero": "prod_0",
    "negative": "prod_-1",
    "sign": "prod_+1",
    "leading-zero": "prod_01",
    "exponent": "prod_1e0",
    "hexadecimal": "prod_0x1",
    "underscore": "prod_1_0",
    "arabic-digit": "prod_\u0661",
    "full-width-digit": "prod_\uff11",
    "superscript": "prod_\u00b2",
    "newline": "prod_1\n",
    "nul": "prod_1\0",
    "space": " prod_1",
    "capitals": "PROD_1",
    "64-bits": "prod_9223372036854775808",
    "100-digits": "prod_" + "9" * 100,
    "60000-digits": "prod_" + "9" * 60_000,
    "sql-or": "prod_1' OR '1'='1",
    "sql-union": "prod_0 UNION ALL TABLE users --",
    "sql-drop": "prod_1'; DROP TABLE products; --",
    "sql-sleep": "prod_1; CALL pg_sleep(10)",
    "sql-comment": "prod_1/**/",
    "percent": "prod_%",
    "format": "prod_%s%n{0}",
    "dollar-parameter": "$1",
    "relay": "UHJvZHVjdDox",
    "nosql": '{"$gt": ""}',
    "path": "../../../etc/passwd",
    "url": "http://127.0.0.1/latest/meta-data",
    "jndi": "${jndi:ldap://127.0.0.1/x}",
    "template": "{{7*7}}",
    "emoji": "prod_\U0001f600",
    "right-to-left": "\u202eprod_1",
}
_NO_IDS: Mapping[str, Any] = {
    "null": None,
    "float": 1.5,
    "true": True,
    "list": ["prod_1"],
    "object": {"id": "prod_1"},
}

SEARCH = "query ($text: String!) { products(where: {search: $text}) { nodes { id } totalCount { value } } }"
_SEARCHES: Mapping[str, str] = {
    "like": "%",
    "like-underscores": "_" * 200,
    "backslash": "\\",
    "backslashes": "\\" * 200,
    "quote": "'",
    "quotes": "'''\"\"\"" * 20,
    "tsquery-operators": "& | ! <-> ( ) :* <1000000>",
    "tsquery-open": "((((((((((a",
    "tsquery-prefix": ":*",
    "tsquery-weights": "a:ABCD & b:*",
    "websearch-minus": "-" * 200,
    "websearch-or": "or or or OR",
    "websearch-quotes": '"' * 199,
    "regex": "(a+)+$",
    "regex-bomb": "(.*)*" * 30,
    "sql": "'; DROP TABLE products; --",
    "sql-cast": "'::int",
    "dollar-quotes": "$$ $a$ $$",
    "only-spaces": " " * 50,
    "empty": "",
    "emoji": "\U0001f600" * 50,
    "combining": "e" + "\u0301" * 150,
    "zalgo": "\u0489" * 200,
    "right-to-left": "\u202elamp\u202c",
    "one-letter": "a",
    "stop-words": "the a of and",
    "nul": "a\0b",
    "control": "\x01\x02",
    "turkish": "\u0130\u0131",
    "ligature": "\ufdfa" * 20,
    "number": "9" * 200,
    "url": "https://user:pass@host:1/a?b=c#d",
    "e-mail": "a@b." * 20,
    "html": "<script>alert(1)</script>",
    "hyphens": "a-" * 90,
}

PAGE = (
    "query ($first: Int, $last: Int, $after: String, $before: String) "
    "{ products(first: $first, last: $last, after: $after, before: $before) { nodes { id } pageInfo { endCursor } } }"
)


def _cursor(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


_PAGES: Mapping[str, tuple[Mapping[str, Any], Expectation]] = {
    "first-zero": ({"first": 0}, BAD),
    "first-negative": ({"first": -1}, BAD),
    "first-101": ({"first": 101}, BAD),
    "first-a-billion": ({"first": 10**9}, BAD),
    "first-32-bits": ({"first": 2**31}, BAD),
    "first-64-bits": ({"first": 2**63}, BAD),
    "first-float": ({"first": 1.5}, BAD),
    "first-whole-float": ({"first": 1e0}, sound),
    "first-huge-float": ({"first": 1e308}, BAD),
    "first-negative-zero": ({"first": -0.0}, BAD),
    "first-text": ({"first": "10"}, BAD),
    "first-true": ({"first": True}, BAD),
    "first-a-list": ({"first": [1]}, BAD),
    "first-and-last": ({"first": 1, "last": 1}, BAD),
    "last-a-billion": ({"last": 10**9}, BAD),
    "all-null": ({"first": None, "last": None, "after": None, "before": None}, sound),
    "cursor-empty": ({"after": ""}, INVALID_CURSOR),
    "cursor-nonsense": ({"after": "nonsense"}, INVALID_CURSOR),
    "cursor-not-ascii": ({"after": "\u00e9\U0001f600"}, INVALID_CURSOR),
    "cursor-huge": ({"after": "A" * 100_000}, INVALID_CURSOR),
    "cursor-of-sql": ({"after": _cursor(b"' OR 1=1 --")}, INVALID_CURSOR),
    "cursor-of-pickle": ({"after": _cursor(b"cos\nsystem\n(S'id'\ntR.")}, INVALID_CURSOR),
    "cursor-of-an-offset": ({"after": base64.b64encode(b"arrayconnection:10").decode()}, INVALID_CURSOR),
    "cursor-of-null": ({"after": _cursor(None)}, INVALID_CURSOR),
    "cursor-of-a-number": ({"after": _cursor(7)}, INVALID_CURSOR),
    "cursor-of-an-empty-list": ({"after": _cursor([])}, INVALID_CURSOR),
    "cursor-of-lists": ({"after": _cursor(b"[" * 1400)}, INVALID_CURSOR),
    "cursor-of-an-object": ({"after": _cursor({"id": 1})}, INVALID_CURSOR),
    "cursor-of-another-list": ({"after": _cursor(["0123456789ab", "2026-01-01T00:00:00Z", 1])}, INVALID_CURSOR),
    "cursor-of-nan": ({"after": _cursor(b'["a", NaN]')}, INVALID_CURSOR),
    "cursor-gzip": ({"after": _cursor(b"\x1f\x8b\x08\0\0\0\0\0")}, INVALID_CURSOR),
    "both-cursors": ({"after": "a", "before": "b"}, INVALID_CURSOR),
}

LIST = """
query ($where: ProductWhere, $orderBy: [ProductSort!]) { products(where: $where, orderBy: $orderBy) { nodes { id } } }
"""


def _nested(key: str, depth: int) -> Any:
    where: Any = {"inStock": True}
    for _ in range(depth):
        where = {key: where} if key == "not" else {key: [where]}
    return where


_FILTERS: Mapping[str, tuple[Mapping[str, Any], Expectation]] = {
    "1000-ids": ({"where": {"ids": [f"prod_{n}" for n in range(1000)]}}, BAD),
    "100-ids-of-other-types": ({"where": {"ids": ["user_1"] * 100}}, sound),
    "no-ids": ({"where": {"ids": []}}, sound),
    "ids-with-null": ({"where": {"ids": [None]}}, BAD),
    "ids-nested": ({"where": {"ids": [["prod_1"]]}}, BAD),
    "not-25-deep": ({"where": _nested("not", 25)}, BAD),
    "not-6-deep": ({"where": _nested("not", 6)}, BAD),
    "and-14-deep": ({"where": _nested("and", 14)}, BAD),
    "or-of-1000": ({"where": {"or": [{"inStock": True}] * 1000}}, BAD),
    "or-of-none": ({"where": {"or": []}}, sound),
    "and-of-none": ({"where": {"and": []}}, sound),
    "not-of-nothing": ({"where": {"not": {}}}, sound),
    "wide-and-deep": ({"where": {"or": [{"and": [{"or": [{"inStock": True}] * 9}] * 9}] * 9}}, BAD),
    "contradictory": ({"where": {"price": {"gt": "10", "lt": "1"}, "inStock": True, "not": {"inStock": True}}}, sound),
    "price-nan": ({"where": {"price": {"gt": "NaN"}}}, BAD),
    "price-infinite": ({"where": {"price": {"lt": "Infinity"}}}, BAD),
    "price-exponent": ({"where": {"price": {"lt": "1e3"}}}, BAD),
    "price-huge-exponent": ({"where": {"price": {"lt": "1e5000000"}}}, BAD),
    "price-float": ({"where": {"price": {"lt": 1.5}}}, BAD),
    "price-too-precise": ({"where": {"price": {"lt": "1.001"}}}, BAD),
    "price-60000-digits": ({"where": {"price": {"lt": "9" * 60_000}}}, BAD),
    "price-negative": ({"where": {"price": {"lt": "-1"}}}, sound),
    "price-of-a-list": ({"where": {"price": {"lt": ["1"]}}}, BAD),
    "price-hexadecimal": ({"where": {"price": {"lt": "0x1"}}}, BAD),
    "price-arabic": ({"where": {"price": {"lt": "\u0661"}}}, BAD),
    "price-with-a-newline": ({"where": {"price": {"lt": "1\n"}}}, BAD),
    "stock-64-bits": ({"where": {"stockQuantity": {"lt": 2**40}}}, BAD),
    "stock-text": ({"where": {"stockQuantity": {"lt": "1"}}}, BAD),
    "time-before-time": ({"where": {"createdAt": {"gt": "0000-00-00T00:00:00Z"}}}, BAD),
    "time-year-1": ({"where": {"createdAt": {"gt": "0001-01-01T00:00:00Z"}}}, sound),
    "time-year-1-east": ({"where": {"createdAt": {"gt": "0001-01-01T00:00:00+14:00"}}}, BAD),
    "time-year-9999-west": ({"where": {"createdAt": {"gt": "9999-12-31T23:59:59-14:00"}}}, BAD),
    "time-year-10000": ({"where": {"createdAt": {"gt": "10000-01-01T00:00:00Z"}}}, BAD),
    "time-leap-second": ({"where": {"createdAt": {"gt": "2016-12-31T23:59:60Z"}}}, BAD),
    "time-february-30": ({"where": {"createdAt": {"gt": "2026-02-30T00:00:00Z"}}}, BAD),
    "time-without-zone": ({"where": {"createdAt": {"gt": "2026-01-01T00:00:00"}}}, BAD),
    "time-zone-of-99": ({"where": {"createdAt": {"gt": "2026-01-01T00:00:00+99:00"}}}, BAD),
    "time-number": ({"where": {"createdAt": {"gt": 1764000000}}}, BAD),
    "time-infinity": ({"where": {"createdAt": {"gt": "infinity"}}}, BAD),
    "time-now": ({"where": {"createdAt": {"gt": "now"}}}, BAD),
    "time-long": ({"where": {"createdAt": {"gt": "2026-01-01T00:00:00." + "0" * 9999 + "Z"}}}, BAD),
    "name-like": ({"where": {"name": {"startsWith": "%_\\"}}}, answered({"products": {"nodes": []}})),
    "name-sql": ({"where": {"name": {"eq": "' OR ''='"}}}, answered({"products": {"nodes": []}})),
    "name-nul": ({"where": {"name": {"eq": "\0"}}}, answered({"products": {"nodes": []}})),
    "name-surrogate-pair": ({"where": {"name": {"startsWith": "\U0001f600"}}}, answered({"products": {"nodes": []}})),
    "name-of-100000": ({"where": {"name": {"startsWith": "a" * 100_000}}}, answered({"products": {"nodes": []}})),
    "name-null": ({"where": {"name": {"eq": None, "startsWith": None}}}, sound),
    "unknown-key": ({"where": {"password": "x"}}, BAD),
    "operator-key": ({"where": {"$where": "1"}}, BAD),
    "a-text": ({"where": "1=1"}, BAD),
    "a-list": ({"where": [{}]}, BAD),
    "order-by-sql": ({"orderBy": [{"field": "id; DROP TABLE users"}]}, BAD),
    "order-by-a-column": ({"orderBy": [{"field": "password_hash"}]}, BAD),
    "order-by-direction-sql": ({"orderBy": [{"field": "NAME", "direction": "ASC; --"}]}, BAD),
    "order-by-100": ({"orderBy": [{"field": "NAME"}] * 100}, sound),
    "order-by-nothing": ({"orderBy": []}, sound),
    "order-by-relevance-of-nothing": ({"orderBy": [{"field": "RELEVANCE"}]}, BAD),
    "search-of-10000": ({"where": {"search": "a " * 5000}}, BAD),
}

_ARGUMENTS: Mapping[str, tuple[str, Mapping[str, Any], Expectation]] = {
    "101-ids": ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["prod_1"] * 101}, BAD),
    "9000-ids": (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": ["prod_1"] * 9000},
        BAD,
    ),
    "count-negative": ("{ products { totalCount(upTo: -1) { value } } }", {}, BAD),
    "count-too-far": ("query ($n: Int!) { products { totalCount(upTo: $n) { value } } }", {"n": 2**31 - 1}, BAD),
    "facets-many": ("query ($n: Int!) { products { facets { categories(first: $n) { count } } } }", {"n": 10**6}, BAD),
    "facets-of-1000-bounds": (
        "query ($b: [Money!]!) { products { facets { prices(bounds: $b) { count } } } }",
        {"b": [str(n) for n in range(1000)]},
        BAD,
    ),
    "facets-of-no-bounds": ("{ products { facets { prices(bounds: []) { count } } } }", {}, BAD),
    "facets-unordered": ('{ products { facets { prices(bounds: ["9", "1"]) { count } } } }', {}, BAD),
    "one-of-none": ("{ category(by: {}) { id } }", {}, refused("GRAPHQL_VALIDATION_FAILED")),
    "one-of-two": ('{ category(by: {id: "cat_1", name: "x"}) { id } }', {}, refused("GRAPHQL_VALIDATION_FAILED")),
    "one-of-null": ("query ($by: CategoryBy!) { category(by: $by) { id } }", {"by": {"id": None}}, BAD),
    "one-of-two-by-variables": (
        "query ($by: CategoryBy!) { category(by: $by) { id } }",
        {"by": {"id": "cat_1", "name": "x"}},
        BAD,
    ),
    "category-by-sql": (
        "query ($by: CategoryBy!) { category(by: $by) { id } }",
        {"by": {"name": "' OR ''='"}},
        answered({"category": None}),
    ),
    "variable-missing": ("query ($id: ID!) { product(id: $id) { id } }", {}, BAD),
    "variable-in-other-case": ("query ($id: ID!) { product(id: $id) { id } }", {"ID": "prod_1"}, BAD),
    "skip-by-a-text": ("query ($s: Boolean!) { __typename @skip(if: $s) }", {"s": "true"}, BAD),
    "skip-hides-a-right": (
        "query ($s: Boolean!) { __typename users @skip(if: $s) { nodes { id } } }",
        {"s": True},
        answered({"__typename": "Query"}),
    ),
    "skip-hides-a-right-only": (
        "query ($s: Boolean!) { __typename users @skip(if: $s) { nodes { id } } }",
        {"s": False},
        refused("UNAUTHENTICATED"),
    ),
    "include-hides-depth": (
        "query ($i: Boolean!) { "
        + "products(first: 1) @include(if: $i) { nodes { category { " * 5
        + "id"
        + " } } }" * 5
        + " }",
        {"i": False},
        refused("QUERY_TOO_DEEP"),
    ),
    "include-hides-cost": (
        "query ($i: Boolean!, $n: Int) { categories(first: $n) @include(if: $i) "
        "{ nodes { products(first: $n) { nodes { id } } } } }",
        {"i": True, "n": 100},
        refused("TOO_MANY_NODES", "QUERY_TOO_COSTLY"),
    ),
    "cost-by-a-variable": (
        "query ($n: Int) { categories(first: $n) { nodes { products(first: $n) { nodes { id } } } } }",
        {"n": 10**9},
        refused("TOO_MANY_NODES", "QUERY_TOO_COSTLY"),
    ),
    "cost-by-a-negative-variable": (
        "query ($n: Int, $m: Int) { categories(first: $n) { nodes { products(first: $m) { nodes { id } } } } }",
        {"n": -(10**6), "m": 100},
        BAD,
    ),
    "cost-by-a-default": (
        "query ($n: Int = 100) { categories(first: $n) { nodes { products(first: $n) { nodes { id } } } } }",
        {},
        refused("TOO_MANY_NODES", "QUERY_TOO_COSTLY"),
    ),
}

ATTACKS: Sequence[Attack] = [
    *(document(f"id/{name}", BY_ID, NOTHING, id=id) for name, id in _IDS.items()),
    *(document(f"id/{name}", BY_ID, BAD, id=id) for name, id in _NO_IDS.items()),
    *(document(f"search/{name}", SEARCH, sound, text=text) for name, text in _SEARCHES.items()),
    *(document(f"page/{name}", PAGE, expects, **sent) for name, (sent, expects) in _PAGES.items()),
    *(document(f"filter/{name}", LIST, expects, **sent) for name, (sent, expects) in _FILTERS.items()),
    *(document(f"argument/{name}", query, expects, **sent) for name, (query, sent, expects) in _ARGUMENTS.items()),
]
