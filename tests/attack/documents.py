"""Operations made of the schema: by hypothesis-graphql, and by Schemathesis, which sends them itself."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, TypeVar

import hypothesis
import schemathesis.graphql
from graphql import GraphQLSchema, build_schema
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations, nodes, queries
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from tests.attack.corpus import ROOT, WHO, body, post
from tests.attack.judging import judge
from tests.attack.shots import PATIENCE, Outcome, Shot
from tests.attack.target import Target
from tests.attack.wire import Reply

T = TypeVar("T")

SDL = ROOT / "schema.graphql"
PORTION = 25
"""How many are made at a time, of one strategy."""

MONEY = st.one_of(st.decimals(-1, 10**6, places=2).map(str), st.text(max_size=8), st.just("19.99"))
IDS = st.one_of(
    st.builds("{}_{}".format, st.sampled_from(["prod", "cat", "user", "ord", "x"]), st.integers(-1, 60)), st.text()
)
SCALARS = {
    "Money": MONEY.map(nodes.String),
    "DateTime": st.one_of(st.datetimes().map(lambda when: f"{when.isoformat()}Z"), st.text()).map(nodes.String),
    "WholeNumber": st.integers().map(str).map(nodes.String),
    "JSON": st.one_of(st.integers().map(nodes.Int), st.text().map(nodes.String), st.booleans().map(nodes.Boolean)),
}


def examples(strategy: st.SearchStrategy[T], seed: str, count: int) -> list[T]:
    """Return at most so many values, the same ones for the same seed."""
    found: list[T] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def find(value: T) -> None:
        found.append(value)

    find()
    return found


def documents(seed: int, count: int) -> Iterator[Shot]:
    """Yield documents of one to three root fields, one in four of which breaks a rule of the schema."""
    for number, query in enumerate(_portions(_document_strategy, f"documents {seed}", count)):
        yield Shot(post(body(query), WHO[number % len(WHO)]))


def _document_strategy(random: Random) -> st.SearchStrategy[str]:
    schema = _schema()
    make, root = random.choice([(queries, schema.query_type), (mutations, schema.mutation_type)])
    assert root is not None
    fields = random.sample(sorted(root.fields), random.choice((1, 1, 2, 3)))
    mode = random.choice([Mode.POSITIVE] * 3 + [Mode.NEGATIVE])
    return make(schema, fields=fields, custom_scalars={**SCALARS, "ID": IDS.map(nodes.String)}, mode=mode)


@cache
def _schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


def _portions(strategy: Callable[[Random], st.SearchStrategy[T]], seed: str, count: int) -> Iterator[T]:
    made, portion = 0, 0
    while made < count:
        name, portion = f"{seed} {portion}", portion + 1
        for value in examples(strategy(Random(name)), name, PORTION)[: count - made]:
            made += 1
            yield value


@dataclass(frozen=True)
class CaseShot(Shot):
    """A case of Schemathesis."""

    case: Case[Any]
    who: bytes

    async def at(self, target: Target) -> Outcome:
        """Let it be sent, and judge the answer."""
        name, _, value = target.filled(self.who).strip().decode().partition(": ")
        response = await asyncio.to_thread(
            self.case.call,
            base_url=f"http://{target.host}:{target.port}/graphql",
            headers={name: value} if name else {},
            timeout=PATIENCE,
        )
        headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
        reply = Reply(response.status_code, headers, response.content)
        return Outcome(str(reply.status), reply.codes, judge(reply, self.data))


def cases(seed: int, count: int) -> Iterator[Shot]:
    """Yield cases for every operation of the schema in turn, such as keep to it and such as do not."""
    for number, case in enumerate(_portions(_case_strategy, f"schemathesis {seed}", count)):
        yield CaseShot(str(case.body).encode(errors="replace"), case, WHO[number % len(WHO)])


def _case_strategy(random: Random) -> st.SearchStrategy[Case[Any]]:
    mode = random.choice([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    strategy: st.SearchStrategy[Case[Any]] = random.choice(_operations()).as_strategy(mode)
    return strategy


@cache
def _operations() -> list[Any]:
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy)
    found = schemathesis.graphql.from_path(SDL).get_all_operations()
    return [operation.ok() for operation in found if isinstance(operation, Ok)]
