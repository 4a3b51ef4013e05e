"""Passwords: hashed beside the event loop, two at a time, and an unknown account takes as long as a known one."""

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError
from argon2.profiles import CHEAPEST

from shop_graphql.auth import Passwords


class WatchedHasher(PasswordHasher):
    """argon2, with the work it did, and which can be held up."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go_on = threading.Event()
        self.go_on.set()
        self.verified: list[tuple[str | bytes, str | bytes]] = []
        self.started = threading.Semaphore(0)
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.started.release()
        try:
            assert self.go_on.wait(10)
            self.verified.append((hash, password))
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.running -= 1


async def until_started(hasher: WatchedHasher, count: int) -> None:
    for _ in range(count):
        assert await asyncio.to_thread(hasher.started.acquire, timeout=10)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(PasswordHasher.from_parameters(CHEAPEST))


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "Correct horse")
    assert not await passwords.verify(stored, "")
    assert await passwords.hash("correct horse") != stored


async def test_a_hash_is_argon2id_with_the_low_memory_profile_of_rfc_9106() -> None:
    assert (await Passwords().hash("x")).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_a_hash_with_other_parameters_is_to_be_made_again(passwords: Passwords) -> None:
    stored = await passwords.hash("x")
    assert not passwords.needs_rehash(stored)
    assert Passwords().needs_rehash(stored)


async def test_the_same_letters_match_however_they_were_composed(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash("caf\u00e9"), "cafe\u0301")


async def test_a_lone_surrogate_is_a_character_like_others(passwords: Passwords) -> None:
    stored = await passwords.hash("a\ud800")
    assert await passwords.verify(stored, "a\ud800")
    assert not await passwords.verify(stored, "a\ud801")


async def test_an_unknown_account_takes_the_same_work() -> None:
    hasher = WatchedHasher()
    passwords = Passwords(hasher)
    assert not await passwords.verify(None, "guess")
    assert not await passwords.verify(None, "guess")
    (first, password), (second, _) = hasher.verified
    assert password == b"guess"
    assert first == second
    assert not hasher.check_needs_rehash(first)


async def test_a_password_that_is_too_long_never_reaches_argon2() -> None:
    hasher = WatchedHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash("a" * 1000)
    assert await passwords.verify(stored, "a" * 1000)
    hasher.verified.clear()
    assert not await passwords.verify(stored, "a" * 1001)
    assert not await passwords.verify(None, "a" * 1001)
    assert [password for _, password in hasher.verified] == [b"", b""]
    with pytest.raises(ValueError, match="1000 characters"):
        await passwords.hash("a" * 1001)


async def test_what_is_no_hash_is_an_error_and_no_wrong_password(passwords: Passwords) -> None:
    with pytest.raises(InvalidHashError):
        await passwords.verify("x", "x")


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    hashing = asyncio.create_task(Passwords().hash("x"))
    ticks = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 3


async def test_two_are_verified_at_once_and_the_others_queue() -> None:
    hasher = WatchedHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash("x")
    hasher.go_on.clear()
    results = asyncio.gather(*(passwords.verify(stored, "x") for _ in range(20)))
    await until_started(hasher, 2)
    hasher.go_on.set()
    assert await results == [True] * 20
    assert hasher.most == 2


async def test_a_cancelled_caller_frees_its_place_only_when_its_thread_has_ended() -> None:
    hasher = WatchedHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash("x")
    hasher.go_on.clear()
    callers = [asyncio.create_task(passwords.verify(stored, "x")) for _ in range(2)]
    await until_started(hasher, 2)
    for caller in callers:
        caller.cancel()
    assert [type(result) for result in await asyncio.gather(*callers, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    third = asyncio.create_task(passwords.verify(stored, "x"))
    await asyncio.sleep(0.05)
    assert hasher.running == 2
    hasher.go_on.set()
    assert await third
    assert hasher.most == 2


async def test_a_caller_cancelled_in_the_queue_costs_no_work() -> None:
    hasher = WatchedHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash("x")
    hasher.go_on.clear()
    working = [asyncio.create_task(passwords.verify(stored, "x")) for _ in range(2)]
    await until_started(hasher, 2)
    queued = asyncio.create_task(passwords.verify(stored, "x"))
    await asyncio.sleep(0)
    queued.cancel()
    await asyncio.gather(queued, return_exceptions=True)
    hasher.go_on.set()
    assert await asyncio.gather(*working) == [True, True]
    assert await passwords.verify(stored, "x")
    assert len(hasher.verified) == 3
