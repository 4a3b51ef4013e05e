"""Documents are weighed before anything else is done with them: exactly, quickly, and each only once."""

import gc
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
    validate,
)

from shop_graphql.api.compiled import RULES
from shop_graphql.api.connections import DEFAULT_LIMIT
from shop_graphql.api.schema import schema
from shop_graphql.compiler.cache import SharedCache
from shop_graphql.compiler.limits import UNLIMITED, Limits
from shop_graphql.compiler.sizes import MAX_PAGE, PAGE
from shop_graphql.compiler.texts import MAX_COSTS, Text, Texts, TooCostly
from shop_graphql.compiler.weighing import Weigher
from shop_graphql.statements.pages import MAX_LIMIT

SCHEMA = schema._schema


def check(document: DocumentNode) -> list[GraphQLError]:
    return validate(SCHEMA, document, RULES)


def text(query: str, **limits: int) -> Text:
    chosen = Limits(**{**vars(UNLIMITED), **limits}) if limits else Limits()
    return Text(query, SCHEMA, check, chosen, SharedCache(10**6))


def refusal(query: str, **limits: int) -> tuple[str, int, int]:
    """Return code, limit and found of the one error of a document."""
    (error,) = text(query, **limits).errors
    extensions: Any = error.extensions
    assert f"{extensions['limit']:,}" in error.message
    return extensions["code"], extensions["limit"], extensions["found"]


def costs(query: str, **variables: Any) -> int:
    return text(query, pairs=0).cost(None, variables)


PRODUCT = 'product(id: "prod_1")'


@pytest.mark.parametrize(
    ("limit", "query", "found", "code"),
    [
        ("length", "{ __typename } # é", 18, "DOCUMENT_TOO_LONG"),
        ("tokens", f"{{ {PRODUCT} {{ id }} }}", 11, "TOO_MANY_TOKENS"),
        ("comments", "#\n#a\n{ __typename } #", 3, "TOO_MANY_COMMENTS"),
        ("depth", f"{{ {PRODUCT} {{ category {{ id }} }} }}", 3, "QUERY_TOO_DEEP"),
        ("depth", f"{{ ...A }} fragment A on Query {{ ... {{ {PRODUCT} {{ ...B }} }} }} {{ me {{ id }} }}"
         " fragment B on Product { category { ...C } } fragment C on Category { id }", 3, "QUERY_TOO_DEEP"),
        ("introspection_depth", "{ __schema { types { fields { name } } } }", 4, "INTROSPECTION_TOO_DEEP"),
        ("introspection_depth", "{ ...A } fragment A on Query { __type(name: \"A\") { ...B } }"
         " fragment B on __Type { ofType { ofType { name } } }", 4, "INTROSPECTION_TOO_DEEP"),
        ("fields", f"{{ {PRODUCT} {{ ...A ...A }} }} fragment A on Product {{ id category {{ id }} }}", 7,
         "TOO_MANY_FIELDS"),
        ("fields", "{ me { id } } fragment A on User { id email }", 4, "TOO_MANY_FIELDS"),
        ("fields", "query A { me { id } } query B { me { id } }", 4, "TOO_MANY_FIELDS"),
        ("aliases", f"{{ a: {PRODUCT} {{ ...A ...A b: id }} }} fragment A on Product {{ b: id }}", 4,
         "TOO_MANY_ALIASES"),
        ("directives", "query @a { me @skip(if: true) @include(if: true) { ...A @skip(if: true) ... @a { id } } }"
         " fragment A on User @a { id @a }", 7, "TOO_MANY_DIRECTIVES"),
        ("root_fields", "{ a: __typename ...A ... { me { id } } } fragment A on Query { me { id } __typename }", 4,
         "TOO_MANY_ROOT_FIELDS"),
        ("mutation_fields", "mutation { a: nothing b: nothing ...A } fragment A on Mutation { c: nothing }", 3,
         "TOO_MANY_MUTATIONS"),
        ("introspections", "{ a: __schema { __typename } ...A } fragment A on Query { __type { name } }", 2,
         "TOO_MUCH_INTROSPECTION"),
        ("pairs", "{ me { id ... { id } ...A email } me { id } } fragment A on User { id }", 7,
         "TOO_MANY_EQUAL_FIELDS"),
    ],
)  # fmt: skip
def test_a_document_may_come_to_a_limit_and_not_go_past_it(limit: str, query: str, found: int, code: str) -> None:
    assert text(query, **{limit: found}).errors == []
    assert refusal(query, **{limit: found - 1}) == (code, found - 1, found)
    assert text(query, **{limit: 0, "cost": 10**6}).errors == []


@pytest.mark.parametrize(
    ("limit", "query", "found"),
    [
        ("nodes", "{ products(first: 3) { nodes { category { id } } edges { node { id } } } }", 3 + 3 + 3 + 3),
        ("nodes", "query ($n: Int = 3) { products(first: $n) { nodes { id } } }", 3),
        ("nodes", '{ nodes(ids: ["a", "b"]) { id } }', 2),
        ("cost", "{ products(first: 100) { nodes { id } totalCount { value } } }", 13),
    ],
)
def test_an_operation_may_hold_and_cost_no_more_than_is_allowed(limit: str, query: str, found: int) -> None:
    assert text(query, **{limit: found}).cost(None, {}) >= 1
    for _ in range(2):  # the second time it is remembered
        with pytest.raises(TooCostly) as refused:
            text(query, **{limit: found - 1}).cost(None, {})
    (error,) = refused.value.errors
    code = "TOO_MANY_NODES" if limit == "nodes" else "QUERY_TOO_COSTLY"
    assert error.extensions == {"code": code, "limit": found - 1, "found": found}


def test_all_limits_that_are_exceeded_are_told() -> None:
    errors = text(f"{{ a: {PRODUCT} {{ b: id }} }}", depth=1, aliases=1, fields=1).errors
    assert [(error.extensions or {})["code"] for error in errors] == [
        "QUERY_TOO_DEEP",
        "TOO_MANY_FIELDS",
        "TOO_MANY_ALIASES",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"specified_by_url": True, "directive_is_repeatable": True, "schema_description": True},
        {"input_value_deprecation": True, "descriptions": False},
    ],
)
def test_the_introspection_of_the_usual_tools_is_within_the_limits(options: dict[str, bool]) -> None:
    introspection = text(get_introspection_query(**options))
    assert (introspection.errors, list(introspection.invalid)) == ([], [])
    assert introspection.cost("IntrospectionQuery", {}) <= 150


# Costs


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        (f"{{ {PRODUCT} {{ id name category {{ name }} }} }}", 1),
        ("{ products { nodes { id } } }", 4),
        ("{ products(first: 50) { nodes { id category { id } } } }", 12),
        ("{ products(last: 50) { edges { cursor node { id } } } }", 12),
        ("{ products(first: null) { nodes { id } } }", 4),
        ("{ products(first: 50) { nodes { a: id b: id name } } }", 17),
        ("{ products(first: 50) { nodes { ...A } } } fragment A on Product { ... { a: id } b: id }", 17),
        ("{ categories(first: 20) { nodes { products(first: 20) { nodes { id } } } } }", 64),
        ("{ products(first: 1) { totalCount { value } aggregate { price { max } } facets { price { max } } } }", 13),
        ("{ ...A ...A } fragment A on Query { products(first: 50) { ...B } } fragment B on ProductConnection"
         " { nodes { id } }", 14),
        ('mutation { createOrder(input: {idempotencyKey: "1", items: []}) { __typename } }', 10),
        ("mutation { a: logout { __typename } b: logout { __typename } }", 20),
        ("subscription { orderChanged { order { id } } }", 3),
        (f"subscription {{ productChanged(ids: {['a'] * 20}) {{ product {{ name }} }} }}".replace("'", '"'), 5),
    ],
)  # fmt: skip
def test_a_cost_is_what_an_answer_can_take(query: str, cost: int) -> None:
    assert costs(query) == cost


@pytest.mark.parametrize(
    ("value", "cost"),
    [(50, 7), (1, 2), (0, 2), (-1, 2), (101, 12), (10**9, 12), (None, 4), ("50", 4), (True, 4), ({"a": 1}, 4)],
)
def test_a_variable_says_what_a_page_costs_whatever_it_is(value: Any, cost: int) -> None:
    query = "query ($n: Int) { products(first: $n) { nodes { id } } }"
    assert costs(query, n=value) == cost
    assert costs(query.replace("($n: Int)", "($n: Int = 50)"), n=value) == cost
    assert costs(query.replace("($n: Int)", "($n: Int = 50)")) == 7


def test_a_page_is_as_long_as_connections_make_it() -> None:
    assert (PAGE, MAX_PAGE) == (DEFAULT_LIMIT, MAX_LIMIT)


def test_the_cost_is_that_of_the_operation_that_is_named() -> None:
    both = text("query A { me { id } } query B($ids: [ID!]!) { nodes(ids: $ids) { id } } mutation C { logout { a } }")
    named = [both.cost(name, {"ids": ["a"] * 90}) for name in ("A", "B", "C", "D", None)]
    assert named == [1, 10, 10, 1, 1]


def test_costs_are_remembered_for_some_values_only() -> None:
    weighed = text("query ($n: Int) { products(first: $n) { nodes { id } } }")
    for number in range(10 * MAX_COSTS):
        weighed.cost(str(number), {"n": number})
    assert len(weighed._costs) == MAX_COSTS


# Documents that are made to take long


def chain(spreads: str, length: int) -> str:
    """Return a query of fragments each of which spreads the next one."""
    fragments = [f"fragment F{n} on Product {{ {spreads.replace('F', f'F{n + 1}')} }}" for n in range(length)]
    return f"{{ {PRODUCT} {{ ...F0 }} }} {' '.join(fragments)} fragment F{length} on Product {{ id }}"


EVIL = {
    "fields that double": (chain("...F ...F", 170), "TOO_MANY_FIELDS"),
    "fields that double in depth": (chain("category { products { nodes { ...F ...F } } }", 60), "QUERY_TOO_DEEP"),
    "pages in pages": (f"{'{ products(first: 100) { nodes { category ' * 8}{{ id }}{'}}}' * 8}", "QUERY_TOO_DEEP"),
    "a cycle": (
        f"{{ {PRODUCT} {{ ...F }} }} fragment F on Product {{ category {{ products {{ nodes {{ ...F }} }} }} }}",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a cycle nobody spreads": (
        "{ me { id } } fragment F on User { ...G } fragment G on User { orders { nodes { user { ...F } } } }",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "equal fields": (f"{{ {PRODUCT} {{ {'category{name} ' * 380} }} }}", "TOO_MANY_EQUAL_FIELDS"),
    "equal fields side by side": (
        f"{{ {PRODUCT} {{ {' '.join('category{' + 'name ' * 9 + '}' for _ in range(40))} }} }}",
        "TOO_MANY_EQUAL_FIELDS",
    ),
    "equal fields of a fragment nobody spreads": (
        f"{{ me {{ id }} }} fragment F on User {{ {'email ' * 900} }}",
        "TOO_MANY_EQUAL_FIELDS",
    ),
    "depth": ("{ a " * 900 + "}" * 900, None),
    "empty selections": (f"{{ {PRODUCT} {{ }} }}", "GRAPHQL_PARSE_FAILED"),
    "empty": ("{ }", "GRAPHQL_PARSE_FAILED"),
    "operations over fragments": (
        " ".join(f"query Q{n} {{ ...F0 }}" for n in range(150))
        + chain("...F", 95)[len(f"{{ {PRODUCT} {{ ...F0 }} }}") :].replace("Product", "Query"),
        None,
    ),
    "arguments": (f"{{ products(where: {{or: [{'{}, ' * 900}]}}) {{ nodes {{ id }} }} }}", None),
    "comments": ("{ me { id } }" + "#\n" * 8000, "TOO_MANY_COMMENTS"),
    "a long name": ("{ " + "a" * 16_000 + " }", None),
    "long": ("{ me { id } }" + " " * 100_000, "DOCUMENT_TOO_LONG"),
}


@pytest.mark.parametrize("name", EVIL)
def test_a_document_made_to_take_long_is_dealt_with_at_once(name: str) -> None:
    query, code = EVIL[name]
    gc.collect()
    gc.disable()  # all the tests' garbage is nothing that the document makes
    try:
        before = time.thread_time()
        evil = text(query)
        list(evil.invalid)
        assert time.thread_time() - before < 0.5
    finally:
        gc.enable()
    if code is not None:
        assert code in {(error.extensions or {}).get("code") for error in evil.errors}


def test_numbers_that_nobody_can_read_are_cut_off() -> None:
    ((error),) = text(chain("...F ...F", 170)).errors
    assert error.extensions == {"code": "TOO_MANY_FIELDS", "limit": 1000, "found": 10**9}
    assert error.message.startswith("The document has more than 999,999,999 fields")


def test_a_chain_of_fragments_longer_than_the_stack_is_too_deep() -> None:
    assert refusal(chain("...F", 2000), depth=10)[0] == "QUERY_TOO_DEEP"


def test_without_a_limit_of_fields_that_of_pairs_ends_the_walk() -> None:
    query = chain("a: category { products { nodes { ...F } } } b: category { products { nodes { ...F } } }", 30)
    assert refusal(query, pairs=2000)[:2] == ("TOO_MANY_EQUAL_FIELDS", 2000)


# The walk and what it stands for


def spread(rng: Random, fragments: int) -> str:
    """Return a random document of fragments that spread later ones."""

    def selections(first: int, depth: int) -> str:
        parts = []
        for _ in range(rng.randint(1, 3)):
            kind = rng.randrange(5)
            if kind == 0 and first < fragments:
                parts.append(f"...F{rng.randrange(first, fragments)} {rng.choice(['', '@skip(if: true)'])}")
            elif kind == 1 and depth:
                parts.append(f"... on Category {{ {selections(first, depth - 1)} }}")
            elif kind == 2 and depth:
                page = f"products(first: {rng.randint(1, 5)})"
                inner = selections(first, depth - 1)
                parts.append(f"p{rng.randrange(3)}: {page} {{ nodes {{ category {{ {inner} }} }} }}")
            else:
                parts.append(rng.choice(["id", "name", "a: id", "name @include(if: true)"]))
        return " ".join(parts)

    named = [f"fragment F{n} on Category {{ {selections(n + 1, 2)} }}" for n in range(fragments)]
    return f'{{ category(by: {{id: "1"}}) {{ {selections(0, 2)} }} }} {" ".join(named)}'


def counted(document: DocumentNode) -> Counter[str]:
    """Return the figures of a document, with every fragment walked wherever it is spread."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    found: Counter[str] = Counter()

    def walk(node: SelectionSetNode, depth: int, times: int) -> None:
        for part in node.selections:
            found["directives"] += len(part.directives or ())
            if isinstance(part, FieldNode):
                found["fields"] += 1
                found["aliases"] += part.alias is not None
                found["depth"] = max(found["depth"], depth)
                inner = times
                if part.name.value == "products":
                    (first,) = part.arguments or ()
                    assert isinstance(first.value, IntValueNode)
                    inner *= int(first.value.value)
                found["nodes"] += times * (part.name.value in ("category", "nodes"))
                if part.selection_set:
                    walk(part.selection_set, depth + 1, inner)
            else:
                inside = part.selection_set if isinstance(part, InlineFragmentNode) else None
                walk(inside or fragments[part.name.value].selection_set, depth, times)  # type: ignore[attr-defined]

    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            walk(node.selection_set, 1, 1)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_walk_that_enters_each_fragment_once_finds_what_one_does_that_enters_it_everywhere(seed: int) -> None:
    document = parse(spread(Random(seed), 6))
    named = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    figures = Weigher(SCHEMA, named, {}).operation(document.definitions[0])  # type: ignore[arg-type]
    expected = counted(document)
    assert {name: getattr(figures, name) for name in ("depth", "fields", "aliases", "directives", "nodes")} == {
        name: expected[name] for name in ("depth", "fields", "aliases", "directives", "nodes")
    }


# Once


def test_a_document_is_read_once_valid_or_not() -> None:
    checked: list[DocumentNode] = []

    def counting(document: DocumentNode) -> list[GraphQLError]:
        checked.append(document)
        return []

    texts = Texts(SCHEMA, counting, Limits())
    for query in ("{ me { id } }", "{ nothing }"):
        assert {id(texts.read(query)) for _ in range(3)} == {id(texts.known(query))}
        for _ in range(3):
            assert texts.read(query).invalid == []
    assert len(checked) == 2
    for query in ("{", "{ me }" * 3000, "{ a " * 100 + "}" * 100):
        assert texts.read(query) is texts.read(query)
        assert texts.read(query).invalid is texts.read(query).errors
    assert len(checked) == 2


def test_a_document_that_was_let_go_is_parsed_again_for_whoever_needs_it() -> None:
    texts = Texts(SCHEMA, check, Limits(), size=60_000)
    kept = texts.read("query ($n: Int) { products(first: $n) { nodes { id } } }")
    first = kept.ast
    assert first is not None
    assert kept.ast is first
    for number in range(30):
        texts.read(f"{{ a{number}: me {{ id }} }}")
    assert kept.ast is not first
    assert kept.ast == first
    assert (kept.cost(None, {"n": 10}), kept.cost(None, {"n": 100}), kept.invalid) == (3, 12, [])


@pytest.mark.parametrize(
    "query",
    [
        "{ a%d: me { id } }",
        "{ a%d }",
        "{ a%d(",
        '{ product(id: "a", b: %d) { id } }',
    ],
)
def test_of_many_documents_little_is_kept_that_a_garbage_collection_has_to_look_at(query: str) -> None:
    texts = Texts(SCHEMA, check, Limits())

    def kept_after(numbers: range) -> int:
        for number in numbers:
            text = texts.read(query % number)
            assert text.errors or text.cost(None, {})
            assert text.invalid or "me" in query
        texts._asts._held.clear()
        gc.collect()
        return len(gc.get_objects())

    assert -kept_after(range(10)) + kept_after(range(10, 110)) < 25 * 100


REFUSED = [
    "{ a ",
    "{ a " * 1500,
    "#\n" * 101 + "{ a }",
    "{ a b }" * 1500,
    "{ me { } }",
    "{ ...F } fragment F on Query { ...F }",
]


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_remembered_of_a_refused_text_holds_on_to_no_parser_and_no_node(query: str) -> None:
    (error,) = text(query).errors
    assert (error.__traceback__, error.__context__, error.nodes) == (None, None, None)


def test_the_texts_that_are_kept_are_bounded_by_their_size_and_by_their_number() -> None:
    texts = Texts(SCHEMA, check, Limits(), size=100_000)
    for number in range(200):
        texts.read(f"{{ a{number} }}")
    assert texts.known("{ a199 }") is not None
    assert texts.known("{ a0 }") is None
    assert len(texts._texts._held) < 50
    texts.read("{ a199 }" + " " * 100_000)
    assert texts.known("{ a199 }") is None


def test_a_document_that_is_let_go_of_leaves_no_garbage() -> None:
    gc.collect()
    gc.disable()
    try:
        query = "{ a { b(c: [1, {d: $e}]) @f } ...g } fragment g on Query { a { b } }"
        text(query)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_introspection_costs_more_beside_other_fields() -> None:
    def cost(query: str) -> int:
        return Texts(schema._schema, check, Limits()).read(query).cost(None, {})

    assert cost("{ __schema { queryType { name } types { name } } }") == 3
    assert cost("{ __typename __schema { queryType { name } types { name } } }") == 4
    assert cost("{ me { id } __schema { queryType { name } types { name } } }") == 82
    assert cost("{ ...f } fragment f on Query { __schema { queryType { name } types { name } } }") == 81
