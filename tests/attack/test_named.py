"""Every quick attack by its name, on a real server; and that the server is none the worse for all of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from shop_graphql import migration
from tests.attack.ground import furnished
from tests.attack.named import QUICK
from tests.attack.named.buckets import BUCKETS, COUNTING
from tests.attack.named.kinds import Attack
from tests.attack.target import Target
from tests.chaos.judge import Judge
from tests.chaos.server import Server, server
from tests.conftest import temporary_database

AT_ONCE = 12
BY_NAME = {attack.name: attack for attack in QUICK}
BUG = ("Traceback", "Bug ", "Exception in ASGI", "Task exception", "never retrieved", "ERROR:")


@dataclass
class Aftermath:
    """What came of the attacks that were chosen, and what was attacked."""

    complaints: dict[str, list[str]]
    target: Target
    shop: Server
    url: str


@contextmanager
def served(server_url: str, **environment: str) -> Iterator[tuple[Server, str]]:
    """Start a server on a database of its own."""
    with temporary_database(server_url) as url:
        migration.upgrade(url)
        with server(url, 1, **environment) as running:
            yield running, url


@pytest.fixture(scope="module")
def shop(server_url: str) -> Iterator[tuple[Server, str]]:
    with served(server_url) as started:
        yield started


@pytest.fixture
def counting(server_url: str) -> Iterator[Server]:
    with served(server_url, **COUNTING) as (running, _):
        yield running


async def carried_out(attack: Attack, target: Target, turn: asyncio.Semaphore) -> list[str]:
    async with turn:
        try:
            async with asyncio.timeout(30):
                return await attack.against(target)
        except Exception as error:
            return [f"it could not be carried out: {error!r}"]


@pytest.fixture(scope="module")
async def aftermath(shop: tuple[Server, str], request: pytest.FixtureRequest) -> Aftermath:
    """Carry out the attacks whose tests were chosen, many at once."""
    asked = [item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")]
    chosen = [BY_NAME[name] for name in asked if name in BY_NAME]
    running, url = shop
    await running.wait()
    target, turn = await furnished(Target.at(running.address)), asyncio.Semaphore(AT_ONCE)
    outcomes = await asyncio.gather(*(carried_out(attack, target, turn) for attack in chosen))
    names = (attack.name for attack in chosen)
    return Aftermath(dict(zip(names, outcomes, strict=True)), target, running, url)


def test_there_are_hundreds_of_attacks_each_with_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(QUICK) > 1000


@pytest.mark.parametrize("name", BY_NAME)
async def test_the_server_deals_rightly_with(aftermath: Aftermath, name: str) -> None:
    assert aftermath.complaints[name] == []


async def test_afterwards_the_server_answers_as_before(aftermath: Aftermath) -> None:
    reply = await aftermath.target.graphql('{ product(id: "<<product>>") { price category { name } } }')
    named = {"name": f"Lamps {aftermath.target.names['mark']}"}
    assert reply.json() == {"data": {"product": {"price": "9.50", "category": named}}}


async def test_afterwards_the_server_is_healthy_and_holds_on_to_nothing(aftermath: Aftermath) -> None:
    health = (await aftermath.target.http("GET", "/health")).json()
    assert (health["status"], health["requests"], health["connections"]) == ("ok", 0, 0)
    assert (await aftermath.target.http("GET", "/ready")).status == 200
    assert health["memoryBytes"] < 500 * 2**20


async def test_no_attack_has_found_a_bug(aftermath: Aftermath) -> None:
    said = aftermath.shop.said()
    assert [line for line in said.splitlines() if any(word in line for word in BUG)] == []


async def test_afterwards_every_order_is_what_it_was(aftermath: Aftermath) -> None:
    judge = Judge(aftermath.url)
    assert await judge.inconsistencies() == []
    await judge.close()
    query = '{ a: order(id: "<<own>>") { status totalAmount } b: order(id: "<<foreign>>") { status totalAmount } }'
    pending = {"status": "PENDING", "totalAmount": "19.00"}
    reply = await aftermath.target.graphql(query, {}, aftermath.target.admin)
    assert reply.json() == {"data": {"a": pending, "b": pending}}


async def test_a_server_that_counts_costs_refuses_floods(counting: Server) -> None:
    await counting.wait()
    target, complaints = Target.at(counting.address), {}
    for attack in BUCKETS:
        complaints[attack.name] = await attack.against(target)
        await asyncio.sleep(0.5)
    assert complaints == {attack.name: [] for attack in BUCKETS}
