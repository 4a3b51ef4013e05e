"""Attempts to sign in: counted exactly, in memory and in valkey, and never not at all."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from shop_graphql.auth import Attempts
from shop_graphql.auth.windows import Count, MemoryWindows
from shop_graphql.errors import TooManyAttempts
from shop_graphql.values import Rate
from tests.auth.valkey_server import ValkeyServer

HERE = "192.0.2.1"

Make = Callable[[str, str], Attempts]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty_valkey(server: ValkeyServer) -> ValkeyServer:
    assert server.command("FLUSHALL") == b"+OK\r\n"
    return server


@pytest.fixture(params=["memory", "valkey"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Make attempts with limits per account and per address, in memory and in valkey."""
    url = request.getfixturevalue("empty_valkey").url if request.param == "valkey" else None
    made: list[Attempts] = []

    def make(per_account: str, per_address: str) -> Attempts:
        made.append(Attempts(url, per_account, per_address))
        return made[-1]

    yield make
    for attempts in made:
        await attempts.close()


async def spent(attempts: Attempts, account: str, address: str, times: int) -> int:
    """Return how many of so many attempts at once were let through."""
    results = await asyncio.gather(*(attempts.spend(account, address) for _ in range(times)), return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), TooManyAttempts}
    return results.count(None)


async def refusal(attempts: Attempts, account: str, address: str = HERE) -> TooManyAttempts:
    with pytest.raises(TooManyAttempts) as error:
        await attempts.spend(account, address)
    return error.value


async def test_an_account_has_so_many_attempts_and_no_more(make: Make) -> None:
    attempts = make("3/minute", "100/minute")
    for _ in range(3):
        await attempts.spend("ada@example.com", HERE)
    error = await refusal(attempts, "ada@example.com")
    assert error.retry_after in {59, 60}
    assert str(error) == f"Too many attempts; try again in {error.retry_after} seconds."
    await attempts.spend("bob@example.com", HERE)


async def test_an_address_has_so_many_attempts_and_no_more(make: Make) -> None:
    attempts = make("100/minute", "3/hour")
    for n in range(3):
        await attempts.spend(f"{n}@example.com", HERE)
    assert (await refusal(attempts, "4@example.com")).retry_after in {3599, 3600}
    await attempts.spend("4@example.com", "192.0.2.2")


async def test_the_longer_wait_is_told(make: Make) -> None:
    attempts = make("1/minute", "1/hour")
    await attempts.spend("ada", HERE)
    assert (await refusal(attempts, "ada")).retry_after in {3599, 3600}
    assert (await refusal(attempts, "ada", "192.0.2.2")).retry_after in {59, 60}


async def test_of_a_hundred_at_once_exactly_as_many_pass_as_there_are(make: Make) -> None:
    attempts = make("10/minute", "1000/minute")
    assert await spent(attempts, "ada", HERE, 100) == 10
    assert await spent(attempts, "ada", "192.0.2.2", 100) == 0
    attempts = make("1000/hour", "10/hour")
    assert await spent(attempts, "bob", "192.0.2.3", 100) == 10


async def test_what_is_refused_costs_nothing(make: Make) -> None:
    attempts = make("10/minute", "12/minute")
    assert await spent(attempts, "ada", HERE, 100) == 10
    assert await spent(attempts, "bob", HERE, 100) == 2
    # The address has none left; what it wanted of the account was not taken.
    assert await spent(attempts, "bob", "192.0.2.2", 100) == 8


async def test_attempts_come_back_when_their_time_is_over(make: Make) -> None:
    attempts = make("2/second", "100/minute")
    assert await spent(attempts, "ada", HERE, 5) == 2
    error = await refusal(attempts, "ada")
    assert error.retry_after == 1
    assert str(error) == "Too many attempts; try again in 1 second."
    await asyncio.sleep(1.05)
    assert await spent(attempts, "ada", HERE, 5) == 2


async def test_the_window_moves(make: Make) -> None:
    attempts = make("2/2seconds", "100/minute")
    await attempts.spend("ada", HERE)
    await asyncio.sleep(1.2)
    await attempts.spend("ada", HERE)
    await asyncio.sleep(0.9)
    assert await spent(attempts, "ada", HERE, 5) == 1


async def test_a_success_forgives_the_account_and_not_the_address(make: Make) -> None:
    attempts = make("3/minute", "5/minute")
    assert await spent(attempts, "ada", HERE, 3) == 3
    await attempts.forgive("ada")
    assert await spent(attempts, "ada", HERE, 3) == 2
    await attempts.forgive("nobody")


async def test_spellings_of_an_account_share_its_attempts(make: Make) -> None:
    attempts = make("3/minute", "100/minute")
    for account in ("ada@example.com", "ADA@example.com", " \uff41da@example.com "):
        await attempts.spend(account, HERE)
    await refusal(attempts, "Ada@Example.com")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "testclient", True),
        ("testclient", "", False),
        ("a\ud800" * 10_000, "a\ud800" * 10_000, True),
    ],
)
async def test_an_address_of_ipv6_counts_by_its_network(first: str, second: str, same: bool, make: Make) -> None:
    attempts = make("100/minute", "1/minute")
    await attempts.spend("ada", first)
    assert await spent(attempts, "bob", second, 1) == (0 if same else 1)


async def test_accounts_are_not_stored_by_their_names(empty_valkey: ValkeyServer) -> None:
    attempts = Attempts(empty_valkey.url, "10/minute", "10/minute")
    await attempts.spend("ada@example.com", HERE)
    keys = empty_valkey.command("KEYS", "*")
    assert b"shop-graphql:attempts:account:" in keys
    assert b"shop-graphql:attempts:address:192.0.2.1" in keys
    assert b"ada" not in keys
    assert b"example" not in keys
    for key in keys.split():
        if key.startswith(b"shop"):
            left = int(empty_valkey.command("PTTL", key.decode()).strip(b":\r\n"))
            assert 50_000 < left <= 60_000
    await attempts.close()


async def test_two_workers_count_together_in_valkey(empty_valkey: ValkeyServer) -> None:
    workers = [Attempts(empty_valkey.url, "10/minute", "1000/minute") for _ in range(2)]
    counts = await asyncio.gather(*(spent(worker, "ada", HERE, 50) for worker in workers))
    assert sum(counts) == 10
    for worker in workers:
        await worker.close()


async def test_without_valkey_attempts_are_counted_in_memory_and_a_line_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ValkeyServer(tmp_path)
    attempts = Attempts(server.url.replace("://", "://me:password@"), "10/minute", "1000/minute")
    with caplog.at_level(logging.WARNING):
        assert await spent(attempts, "ada", HERE, 100) == 10
        await attempts.forgive("ada")
        assert await spent(attempts, "ada", HERE, 100) == 10
    assert [record.message for record in caplog.records] == [
        "Valkey cannot be reached, so each worker counts attempts by itself: ConnectionError"
    ]
    await attempts.close()


async def test_valkey_counts_again_when_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    attempts = Attempts(server.url, "10/minute", "1000/minute")
    try:
        assert await spent(attempts, "ada", HERE, 100) == 10
        server.stop()
        with caplog.at_level(logging.WARNING):
            assert await spent(attempts, "ada", HERE, 100) == 10
        server.start()
        assert await spent(attempts, "ada", HERE, 100) == 10
        assert b"shop-graphql:attempts:account:" in server.command("KEYS", "*")
    finally:
        server.stop()
        await attempts.close()


async def test_a_valkey_that_does_not_answer_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    attempts = Attempts(f"valkey://127.0.0.1:{silent.getsockname()[1]}/0", "10/minute", "1000/minute")
    with silent, caplog.at_level(logging.WARNING):
        async with asyncio.timeout(5):
            assert await spent(attempts, "ada", HERE, 15) == 10
    assert [record.message for record in caplog.records] == [
        "Valkey cannot be reached, so each worker counts attempts by itself: TimeoutError"
    ]
    await attempts.close()


async def test_a_flood_of_accounts_does_not_fill_the_memory() -> None:
    attempts = Attempts(None, "10/15minutes", "100/15minutes")
    windows = attempts._memory
    for n in range(51_000):
        await attempts.spend(f"{n}@example.com", str(IPv6Address(n << 64)))
    assert len(windows) == 50_000


async def test_an_account_under_attack_is_not_forgotten_in_a_flood() -> None:
    windows = MemoryWindows(capacity=100)
    victim = Count("victim", Rate(1, 60))
    assert await windows.take(victim) == 0
    for n in range(1000):
        assert await windows.take(Count(str(n), Rate(1, 60))) == 0
        if n % 50 == 0:
            assert await windows.take(victim) > 0
    assert await windows.take(Count("999", Rate(1, 60))) > 0
    assert len(windows) == 100


@pytest.mark.parametrize("text", ["", "10", "ten/minute", "-1/minute", "1/fortnight"])
def test_a_limit_is_a_number_within_a_time(text: str) -> None:
    with pytest.raises(ValueError, match="10/15minutes"):
        Attempts(None, text, "1/minute")


def test_valkey_without_its_client_is_a_reason_not_to_start() -> None:
    code = """
import sys
sys.modules["valkey"] = None
from shop_graphql.auth import Attempts
from shop_graphql.errors import StartupError
Attempts(None, "1/minute", "1/minute")
try:
    Attempts("valkey://127.0.0.1:1/0", "1/minute", "1/minute")
except StartupError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "SHOP_VALKEY_URL needs the client of valkey: pip install 'shop-graphql[valkey]'.\n"
