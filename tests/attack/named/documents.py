"""Documents that grow, that contradict themselves, or that try to be something else than they look."""

from collections.abc import Mapping, Sequence

from tests.attack.named.kinds import Attack, Expectation, answered, document, refused, status

INVALID = refused("GRAPHQL_VALIDATION_FAILED")
UNPARSED = refused("GRAPHQL_PARSE_FAILED")
TYPENAME = answered({"__typename": "Query"})
NO_PRODUCT = answered({"product": None})


def _times(pattern: str, count: int, between: str = " ") -> str:
    return between.join(pattern.replace("#", str(number)) for number in range(count))


def _nested(before: str, inner: str, after: str, count: int) -> str:
    return before * count + inner + after * count


def _chain(count: int, spread: str = "...F{0} ...F{0}", last: str = "id") -> str:
    """Return fragments each of which spreads the next one twice."""
    links = [f"fragment F{n} on Product {{ {spread.format(n + 1)} }}" for n in range(count)]
    return " ".join([*links, f"fragment F{count} on Product {{ {last} }}"])


DEEP = "{ " + _nested("products(first: 1) { nodes { category { ", "id", "} } } ", 5) + "}"
OF_TYPES = "type { fields { " * 12 + "name" + " } }" * 12
INTROSPECTION = "{ __schema { types { name fields { name type { name ofType { name } } } } } }"
LISTS = "[" * 20 + "]" * 20
VALUE = 'product(id: "prod_0") { id }'

_FRAGMENTS: Mapping[str, tuple[str, Expectation]] = {
    "circular": ("{ ...A } fragment A on Query { ...A }", INVALID),
    "circular-by-two": ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", INVALID),
    "circular-by-a-hundred": (
        "{ ...F0 } "
        + _times("fragment F# on Query { ...F#x }", 100).replace("x }", " }")
        + " fragment F on Query { id }",
        INVALID,
    ),
    "circular-below-a-field": (
        "{ product(id: 1) { ...A } } fragment A on Product { category { products { nodes { ...A } } } }",
        INVALID,
    ),
    "circular-and-unused": ("{ __typename } fragment A on Query { ...A }", INVALID),
    "doubling-30-times": (f'{{ product(id: "prod_0") {{ ...F0 }} }} {_chain(30)}', refused("TOO_MANY_FIELDS")),
    "doubling-80-times": (f'{{ product(id: "prod_0") {{ ...F0 }} }} {_chain(80)}', refused("TOO_MANY_FIELDS")),
    "doubling-with-aliases": (
        f'{{ product(id: "prod_0") {{ ...F0 }} }} {_chain(20, last="a: id b: id")}',
        refused("TOO_MANY_FIELDS", "TOO_MANY_ALIASES"),
    ),
    "tripling-inline": ("{ " + _nested("... { __typename ", "", "} ", 200) + "}", UNPARSED),
    "inline-900-deep": ("{ " + _nested("... { ", "__typename ", "} ", 900) + "}", UNPARSED),
    "unknown": ("{ ...Nobody }", INVALID),
    "spread-on": ("{ ...on }", UNPARSED),
    "named-on": ("{ ...on } fragment on on Query { __typename }", UNPARSED),
    "on-a-scalar": ("{ ...A } fragment A on String { length }", INVALID),
    "on-an-input": ("{ ...A } fragment A on ProductWhere { ids }", INVALID),
    "on-an-unknown-type": ("{ ...A } fragment A on Admin { password }", INVALID),
    "type-confusion": ('{ node(id: "prod_1") { ... on Mutation { logout(input: {}) { __typename } } } }', INVALID),
    "user-as-a-product": ('{ product(id: "user_1") { ... on User { email } } }', INVALID),
    "product-as-a-user": ('{ node(id: "<<product>>") { ... on User { email } } }', answered({"node": {}})),
    "mutation-in-a-query": ("query { ...A } fragment A on Mutation { __typename }", INVALID),
    "unused": ("{ __typename } " + _times("fragment F# on Query { __typename }", 100), INVALID),
    "same-name-twice": ("{ ...A } fragment A on Query { __typename } fragment A on Query { me { id } }", INVALID),
    "on-every-type": (
        '{ node(id: "<<product>>") { id ' + _times("... on Product { id } ... on Node { id }", 40) + " } }",
        refused("TOO_MANY_EQUAL_FIELDS"),
    ),
    "spread-300-times": (
        "{ " + "...A " * 300 + "} fragment A on Query { __typename }",
        refused("TOO_MANY_ROOT_FIELDS"),
    ),
    "variables-in-a-fragment": ("{ ...A } fragment A($a: Int) on Query { __typename }", UNPARSED),
}
_AMOUNTS: Mapping[str, tuple[str, Expectation]] = {
    "101-aliases": ("{ " + _times("a#: __typename", 101) + " }", refused("TOO_MANY_ROOT_FIELDS", "TOO_MANY_ALIASES")),
    "100-aliases-of-a-search": (
        "{ " + _times('a#: products(where: {search: "x"}) { nodes { id } }', 100) + " }",
        refused("TOO_MANY_ROOT_FIELDS", "TOO_MANY_ALIASES"),
    ),
    "field-500-times": ('{ product(id: "prod_0") { ' + "id " * 500 + "} }", refused("TOO_MANY_EQUAL_FIELDS")),
    "typename-1400-times": (
        "{ " + "__typename " * 1400 + "}",
        refused("TOO_MANY_FIELDS", "TOO_MANY_ROOT_FIELDS"),
    ),
    "field-10000-times": ("{ " + "a " * 8000 + "}", refused("TOO_MANY_TOKENS")),
    "too-long": ("{ " + "__typename " * 2000 + "}", refused("DOCUMENT_TOO_LONG")),
    "conflicts": (
        "{ " + _times('x: product(id: "prod_#") { id }', 60) + " }",
        refused("TOO_MANY_ROOT_FIELDS", "TOO_MANY_ALIASES"),
    ),
    "overlapping-bomb": (
        '{ product(id: "prod_0") { ' + "category { products { nodes { category { id } } } } " * 60 + "} }",
        refused("TOO_MANY_EQUAL_FIELDS"),
    ),
    "directives-unknown": ("{ __typename " + "@a " * 300 + "}", refused("TOO_MANY_DIRECTIVES")),
    "directives-known": ("{ __typename " + "@include(if: true) " * 100 + "}", refused("TOO_MANY_DIRECTIVES")),
    "directives-repeated": ("{ __typename @skip(if: false) @skip(if: false) }", INVALID),
    "directives-unknown-few": ("{ __typename @aa @ab @ac }", INVALID),
    "directives-on-the-operation": ("query @a @b(c: 1) { __typename }", INVALID),
    "directives-on-variables": ("query ($a: Int @skip(if: true)) { __typename }", INVALID),
    "deep": (DEEP, refused("QUERY_TOO_DEEP")),
    "deep-and-unbalanced": ("{ a " * 900, UNPARSED),
    "only-opening": ("{" * 1500, UNPARSED),
    "nested-lists": (f"{{ nodes(ids: {LISTS}) {{ id }} }}", INVALID),
    "nested-lists-900": ("{ nodes(ids: " + "[" * 900 + "]" * 900 + ") { id } }", UNPARSED),
    "nested-objects-300": ("{ products(where: " + "{not: " * 300 + "{}" + "}" * 300 + ") { nodes { id } } }", UNPARSED),
    "products-of-products": (
        "{ products(first: 100) { nodes { category { products(first: 100) { nodes { id } } } } } }",
        refused("TOO_MANY_NODES", "QUERY_TOO_COSTLY"),
    ),
    "one-text-58000-times": (
        "{ products(first: 100) { nodes { category { products(first: 20) { nodes { "
        + _times("a#: description", 29)
        + " } } } } } }",
        refused("QUERY_TOO_COSTLY"),
    ),
    "mutations-in-a-row": (
        "mutation { " + _times("a#: logout(input: {refreshToken: 1}) { __typename }", 6) + " }",
        refused("TOO_MANY_MUTATIONS"),
    ),
    "comments": ("#\n" * 300 + "{ __typename }", refused("TOO_MANY_COMMENTS")),
    "one-long-comment": ("{ __typename } #" + "x" * 16_000, TYPENAME),
    "commas": ("{ __typename " + "," * 15_000 + "}", TYPENAME),
    "1000-operations": (_times("query A# { __typename }", 390), refused("OPERATION_RESOLUTION_FAILURE")),
    "names-of-10000": ("{ " + "a" * 10_000 + " }", INVALID),
    "string-of-15000": ('{ product(id: "' + "a" * 15_000 + '") { id } }', NO_PRODUCT),
    "integer-of-5000-digits": ("{ products(first: " + "9" * 5000 + ") { nodes { id } } }", INVALID),
    "float-of-5000-digits": ("{ products(first: 1." + "9" * 5000 + ") { nodes { id } } }", INVALID),
    "exponent-of-a-billion": ("{ products(first: 1e1000000000) { nodes { id } } }", INVALID),
    "variables-of-300": ("query (" + _times("$v#: Int", 300) + ") { __typename }", INVALID),
    "defaults-deep": (
        "query ($w: ProductWhere = " + "{not: " * 99 + "{}" + "}" * 99 + ") { products(where: $w) { nodes { id } } }",
        status(200),
    ),
}
_INTROSPECTION: Mapping[str, tuple[str, Expectation]] = {
    "three-times": ("{ " + _times("a#: __schema { types { name } }", 3) + " }", refused("TOO_MUCH_INTROSPECTION")),
    "types-by-aliases": (
        "{ " + _times('a#: __type(name: "Query") { name }', 20) + " }",
        refused("TOO_MUCH_INTROSPECTION"),
    ),
    "circular": ("{ __schema { types { fields { " + OF_TYPES + " } } } }", refused("INTROSPECTION_TOO_DEEP")),
    "in-a-fragment": (
        "{ ...A ...A ...A } fragment A on Query { __schema { types { name } } }",
        refused("TOO_MUCH_INTROSPECTION"),
    ),
    "of-a-secret-type": ('{ __type(name: "pg_catalog") { name } }', answered({"__type": None})),
    "below-a-field": ('{ product(id: "prod_0") { __schema { types { name } } } }', INVALID),
    "by-mutation": ("mutation { __schema { types { name } } }", INVALID),
    "typename-of-the-schema": ("{ __schema { __typename } }", answered({"__schema": {"__typename": "__Schema"}})),
    "of-possible-types": (
        "{ __schema { types { possibleTypes { possibleTypes { possibleTypes { name } } } } } }",
        INVALID,
    ),
}
_WORDS: Mapping[str, tuple[str, Expectation]] = {
    "subscription": ("subscription { orderChanged { orderId } }", refused("SUBSCRIPTION_TRANSPORT")),
    "defer": ("{ __typename ... @defer { me { id } } }", INVALID),
    "stream": ('{ nodes(ids: ["prod_1"]) @stream(initialCount: 0) { id } }', INVALID),
    "live": ("query @live { __typename }", INVALID),
    "export": ('{ me { id @export(as: "x") } }', INVALID),
    "proto": ("{ __proto__ { admin } }", INVALID),
    "constructor": ("{ constructor }", INVALID),
    "class": ("{ __class__ { __mro__ } }", INVALID),
    "python-attributes": ('{ product(id: "<<product>>") { row from_row model } }', INVALID),
    "federation": ("{ _service { sdl } _entities(representations: []) { __typename } }", INVALID),
    "debug": ("{ __debug _debug { sql } }", INVALID),
    "schema-definition": ("schema { query: Query } type Query { a: Int }", refused("OPERATION_RESOLUTION_FAILURE")),
    "type-beside-a-query": ("{ __typename } type Admin { password: String }", INVALID),
    "extend-beside-a-query": ("{ __typename } extend type Query { secrets: String }", INVALID),
    "empty-selection": ("{ }", UNPARSED),
    "empty-selection-below": ('{ product(id: "x") { } }', UNPARSED),
    "object-without-fields": ('{ product(id: "x") }', INVALID),
    "scalar-with-fields": ('{ product(id: "x") { id { id } } }', INVALID),
    "sql": ("SELECT * FROM users", UNPARSED),
    "sql-in-a-name": ("{ products'; DROP TABLE users; -- }", UNPARSED),
    "byte-order-mark": ("\ufeff{ __typename }", TYPENAME),
    "byte-order-mark-inside": ("{ \ufeff __typename \ufeff }", TYPENAME),
    "nul": ("{ __typename \0 }", UNPARSED),
    "bell": ("{ __typename \x07 }", UNPARSED),
    "control-in-a-comment": ("{ __typename } # \x07\x7f", status(200)),
    "right-to-left": ("{ \u202e__typename }", UNPARSED),
    "zero-width-space": ("{ __type\u200bname }", UNPARSED),
    "cyrillic-name": ("{ __typen\u0430me }", UNPARSED),
    "full-width": ("\uff5b __typename \uff5d", UNPARSED),
    "emoji": ("{ \U0001f600 }", UNPARSED),
    "bidi-in-a-comment": ("{ __typename # \u202e } admin {\n}", TYPENAME),
    "escape-braces": ('{ product(id: "\\u{70}rod_0") { id } }', NO_PRODUCT),
    "escape-beyond-unicode": ('{ product(id: "\\u{110000}") { id } }', UNPARSED),
    "escape-surrogate": ('{ product(id: "\\ud800") { id } }', UNPARSED),
    "escape-surrogate-braces": ('{ product(id: "\\u{d800}") { id } }', UNPARSED),
    "escape-swapped-surrogates": ('{ product(id: "\\udc00\\ud800") { id } }', UNPARSED),
    "escape-nul": ('{ product(id: "\\u0000") { id } }', NO_PRODUCT),
    "escape-open": ('{ product(id: "\\u{', UNPARSED),
    "escape-long": ('{ product(id: "\\u{' + "0" * 5000 + '70}") { id } }', UNPARSED),
    "string-open": ('{ product(id: "', UNPARSED),
    "block-string-open": ('{ product(id: """', UNPARSED),
    "block-string": ('{ product(id: """\n  prod_0\n""") { id } }', NO_PRODUCT),
    "block-string-of-newlines": ('{ product(id: """' + "\n" * 15_000 + '""") { id } }', NO_PRODUCT),
    "block-string-of-quotes": ('{ product(id: """' + '\\"""' * 1000 + '""") { id } }', NO_PRODUCT),
    "newline-in-a-string": ('{ product(id: "a\nb") { id } }', UNPARSED),
    "minus": ("{ products(first: -) { nodes { id } } }", UNPARSED),
    "leading-zero": ("{ products(first: 01) { nodes { id } } }", UNPARSED),
    "dollar": ("query ($: Int) { __typename }", UNPARSED),
    "variable-as-a-field": ("query ($a: Int) { $a }", UNPARSED),
    "variable-as-a-default": ("query ($a: Int, $b: Int = $a) { products(first: $b) { nodes { id } } }", UNPARSED),
    "two-anonymous": ("{ __typename } { __typename }", refused("OPERATION_RESOLUTION_FAILURE")),
    "anonymous-and-named": ("{ __typename } query A { __typename }", refused("OPERATION_RESOLUTION_FAILURE")),
    "no-operation": ("fragment A on Query { __typename }", refused("OPERATION_RESOLUTION_FAILURE")),
    "argument-twice": ("{ products(first: 1, first: 100) { nodes { id } } }", INVALID),
    "object-key-twice": ('{ products(where: {search: "a", search: "b"}) { nodes { id } } }', INVALID),
    "variable-twice": ("query ($a: Int, $a: Int) { products(first: $a) { nodes { id } } }", INVALID),
    "variable-of-an-output-type": ("query ($a: Product) { __typename }", INVALID),
    "variable-unknown": ("{ products(first: $n) { nodes { id } } }", INVALID),
    "description": ('"about" query A { __typename }', status(200)),
}


def _all(kind: str, rows: Mapping[str, tuple[str, Expectation]]) -> list[Attack]:
    return [document(f"{kind}/{name}", query, expects) for name, (query, expects) in rows.items()]


ATTACKS: Sequence[Attack] = [
    *_all("fragment", _FRAGMENTS),
    *_all("amount", _AMOUNTS),
    *_all("introspection", _INTROSPECTION),
    *_all("word", _WORDS),
]
