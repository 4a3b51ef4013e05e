"""Plans are made once for each document, role and shape of values, and hold nothing of the values."""

import asyncio
import threading
import time
import weakref
from typing import Any

import pytest
from graphql import OperationType

from shop_graphql.access import Role
from shop_graphql.api.compiled import Declared, texts
from shop_graphql.compiler.cache import Cache
from shop_graphql.compiler.compiler import Compiler
from shop_graphql.compiler.plans import Plan, make
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.compiler.texts import PER_CHARACTER
from shop_graphql.statements.visibility import VIEWER

PRODUCT = "query ($id: ID!) { product(id: $id) { name } }"
PRODUCTS = """
query ($where: ProductWhere, $orderBy: [ProductSort!], $first: Int, $after: String) {
  products(where: $where, orderBy: $orderBy, first: $first, after: $after) { nodes { id } }
}
"""


class Plans:
    """A compiler, and how many plans it has made."""

    def __init__(self, limit: int = 2**20) -> None:
        self.compiler = Compiler(texts(), Declared(), limit)

    def plan(self, query: str, role: Role | None, user: int | None = 7, **variables: Any) -> tuple[Plan, list[Any]]:
        return asyncio.run(self.compiler.plan(query, None, variables, role, {VIEWER: user}))

    def sql(self, query: str, role: Role | None = Role.STAFF, **variables: Any) -> str:
        return self.plan(query, role, **variables)[0].sql

    def parameters(self, query: str, role: Role | None = Role.STAFF, **variables: Any) -> list[Any]:
        return self.plan(query, role, **variables)[1]

    @property
    def made(self) -> int:
        return self.compiler.stats.misses


@pytest.fixture
def plans() -> Plans:
    return Plans()


def test_a_plan_serves_all_values(plans: Plans) -> None:
    assert len({plans.sql(PRODUCT, id=f"prod_{number}") for number in range(50)}) == 1
    assert plans.parameters(PRODUCT, id="prod_42") == [42]
    assert (plans.made, plans.compiler.stats.entries) == (1, 1)
    assert plans.compiler.stats.hit_rate == 50 / 51


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"first": 3}, {"first": 4}),
        ({"where": {"price": {"gte": "1"}}}, {"where": {"price": {"gte": 2}}}),
        ({"where": {"ids": ["prod_1"]}}, {"where": {"ids": ["x", "prod_2", "prod_3"]}}),
        ({"where": {"name": {"startsWith": "a"}}}, {"where": {"name": {"startsWith": "'; --"}}}),
        ({"where": {"search": "red lamp"}}, {"where": {"search": "blue desk"}}),
        (
            {"where": {"or": [{"sku": {"eq": "a"}}, {"sku": {"eq": "b"}}]}},
            {"where": {"or": [{"sku": {"eq": "c"}}] * 2}},
        ),
    ],
)
def test_values_of_one_shape_share_a_statement(plans: Plans, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert plans.sql(PRODUCTS, **one) == plans.sql(PRODUCTS, **other)
    assert plans.compiler.stats.entries == 1
    assert plans.parameters(PRODUCTS, **one) != plans.parameters(PRODUCTS, **other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"where": {"inStock": True}}),
        ({"where": {"inStock": True}}, {"where": {"inStock": False}}),
        ({"where": {"price": {"gte": "1"}}}, {"where": {"price": {"gt": "1"}}}),
        ({"where": {"search": "lamp"}}, {"where": {"search": "lamp -desk"}}),
        ({"where": {"search": "lamp"}}, {"where": {"search": "\x00"}}),
        ({"where": {"name": {"startsWith": "a"}}}, {"where": {"name": {"startsWith": ""}}}),
        ({"where": {"or": []}}, {"where": {"or": [{}]}}),
        ({"orderBy": [{"field": "NAME"}]}, {"orderBy": [{"field": "PRICE"}]}),
        ({"orderBy": [{"field": "NAME"}]}, {"orderBy": [{"field": "NAME", "direction": "DESC"}]}),
    ],
)
def test_values_of_another_shape_have_another_statement(
    plans: Plans, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert plans.sql(PRODUCTS, **one) != plans.sql(PRODUCTS, **other)


def test_a_plan_tells_which_parameters_vary(plans: Plans) -> None:
    plan, parameters = plans.plan(PRODUCT, Role.STAFF, None, id="prod_42")
    assert (plan.varying, parameters) == ((0,), [42])
    query = "{ products(first: 3) { nodes { id } } me { id } }"
    plan, parameters = plans.plan(query, Role.CUSTOMER)
    assert ([parameters[number] for number in plan.varying], parameters[0]) == ([7], 3)


def test_each_role_has_its_own_plan(plans: Plans) -> None:
    query = "{ orders { nodes { id } } }"
    assert "orders.user_id = $1" in plans.sql(query, Role.CUSTOMER)
    assert plans.parameters(query, Role.CUSTOMER)[0] == 7
    assert "orders.user_id =" not in plans.sql(query, Role.STAFF)
    with pytest.raises(NotCompiledError, match="not permitted"):
        plans.sql(query, None)


def test_a_statement_is_the_same_whoever_compiles_it() -> None:
    assert Plans().sql(PRODUCTS, where={"search": "lamp"}) == Plans().sql(PRODUCTS, where={"search": "lamp"})


def test_no_text_of_a_client_gets_into_a_statement(plans: Plans) -> None:
    evil = "evil'; DROP TABLE products; --"
    query = (
        'query ($q: String) { a: products(where: {search: $q}) { nodes { id } } b: category(by: {name: "%s"}) { id } }'
    )
    sql = plans.sql(query % evil, q=evil)
    assert "evil" not in sql
    assert evil in plans.parameters(query % evil, q=evil)


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    plans = Plans(limit=100_000)
    for number in range(200):
        plans.sql(f"{{ p{number}: product(id: 1) {{ id }} }}")
        plans.sql(PRODUCT, id="prod_1")
    assert plans.compiler.stats.bytes <= 100_000 * 2 / 3
    assert 1 < plans.compiler.stats.entries < 200
    made = plans.made
    plans.sql(PRODUCT, id="prod_2")
    assert plans.made == made
    plans.sql("{ p0: product(id: 1) { id } }")
    assert plans.made == made + 1


def test_searches_of_many_forms_are_forgotten_too() -> None:
    plans = Plans(limit=400_000)
    for number in range(1, 60):
        plans.sql(PRODUCTS, where={"search": "a " * number + "b"})
        assert plans.compiler.stats.bytes <= 400_000 * 2 / 3


@pytest.mark.parametrize(
    ("query", "variables", "reason"),
    [
        ("{", {}, "not valid"),
        ("{ nothing }", {}, "not valid"),
        ('mutation { logout(input: {refreshToken: ""}) { __typename } }', {}, "another kind of operation"),
        ("query A { __typename } query B { __typename }", {}, "not one operation"),
        ("{ __typename }", {}, "nothing is asked of the database"),
        ("{ __schema { types { name } } }", {}, "__schema is introspection"),
        ("{ exportUserData }", {}, "only a resolver knows Query.exportUserData"),
        ("query ($id: ID!) { product(id: $id) { id } }", {}, "a bad value of a variable"),
        ("query ($id: ID!) { product(id: $id) { id } }", {"id": {}}, "a bad value of a variable"),
        ("{ products(first: 101) { nodes { id } } }", {}, "a bad argument"),
        ("query ($n: Int) { products(first: $n) { totalCount { value } } }", {"n": 0}, "a bad argument"),
        ("query ($c: String) { products(after: $c) { nodes { id } } }", {"c": "x"}, "a bad argument"),
    ],
)
def test_the_resolvers_answer_what_a_statement_cannot(
    plans: Plans, query: str, variables: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotCompiledError, match=reason):
        plans.sql(query, **variables)


@pytest.mark.parametrize(
    "query",
    [
        "{ products { nodes { category " * 20 + "{ id }" + "} } }" * 20,
        "{" + " ".join(f"p{number}: product(id: 1) {{ id }}" for number in range(600)) + "}",
    ],
    ids=["deep", "wide"],
)
def test_what_is_too_much_for_a_statement_is_left_to_the_resolvers(plans: Plans, query: str) -> None:
    with pytest.raises(NotCompiledError, match="too much for one statement"):
        plans.sql(query)


def test_a_bad_value_spoils_no_plan(plans: Plans) -> None:
    with pytest.raises(NotCompiledError):
        plans.sql(PRODUCTS, first=101)
    with pytest.raises(NotCompiledError):
        plans.sql(PRODUCTS, after="x", first=1)
    assert plans.sql(PRODUCTS, first=100)


def test_a_bug_in_the_compiler_is_logged_and_left_to_the_resolvers(
    plans: Plans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("shop_graphql.compiler.compiler.make", broken)
    for _ in range(2):
        with pytest.raises(NotCompiledError, match="a bug"):
            plans.sql(PRODUCT, id="prod_1")
    assert [record.getMessage() for record in caplog.records] == ["Bug in the compiler, which the resolvers cover up"]


WORDS = " ".join(f"w{number}" for number in range(10))
SEARCHES = " ".join(f'a{n}: products(first: 5, where: {{search: "{WORDS}"}}) {{ nodes {{ id }} }}' for n in range(19))


async def test_others_are_served_while_a_large_plan_is_made(plans: Plans) -> None:
    making = asyncio.create_task(plans.compiler.plan(f"{{ {SEARCHES} }}", None, {}, None, {VIEWER: None}))
    turns = 0
    while not making.done():
        await asyncio.sleep(0)
        turns += 1
    plan, _ = making.result()
    assert len(plan.sql) > 50_000
    assert turns > 10


async def test_what_many_want_at_once_is_made_once(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def noted(*arguments: Any) -> Any:
        made.append(arguments)
        return make(*arguments)

    monkeypatch.setattr("shop_graphql.compiler.compiler.make", noted)
    asked = [plans.compiler.plan(PRODUCT, None, {"id": f"prod_{n}"}, None, {VIEWER: None}) for n in range(20)]
    found = await asyncio.gather(*asked)
    assert len({id(plan) for plan, _ in found}) == len(made) == 1
    assert [parameters for _, parameters in found] == [[n] for n in range(20)]


def test_compilers_leave_no_thread_behind(plans: Plans) -> None:
    plans.sql(PRODUCT, id="prod_1")
    before = threading.active_count()
    for _ in range(5):
        Plans().sql(PRODUCT, id="prod_1")
    assert threading.active_count() == before


def test_a_plan_outlives_its_document_and_keeps_it_from_nobody(plans: Plans) -> None:
    query = "{ product(id: 1) { id name } }"
    plans.sql(query)
    before = weakref.ref(plans.compiler._document(query, None, OperationType.QUERY))
    plans.compiler._documents = Cache(0)
    plans.compiler._texts = texts()
    deadline = time.monotonic() + 5
    while before() is not None and time.monotonic() < deadline:  # the thread may be about to let go of it
        time.sleep(0.01)
    assert before() is None
    assert plans.sql(query)
    assert plans.compiler.stats.entries == 1


async def test_a_mutation_is_counted_with_the_document_that_it_holds_on_to(plans: Plans) -> None:
    query = 'mutation { logout(input: {refreshToken: ""}) { __typename } }' + " " * 1000
    await plans.compiler.mutation(query, None, {}, None)
    assert plans.compiler.stats.bytes > len(query) * PER_CHARACTER
