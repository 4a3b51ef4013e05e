"""A worker knows when its event loop is held up, and when it has grown too large."""

import asyncio
import os
import signal
import sys
import time

import httpx
import pytest

from shop_graphql import app as app_module
from shop_graphql import pulse as pulse_module
from shop_graphql.app import create_app
from shop_graphql.draining import DRAINING
from shop_graphql.errors import StartupError
from shop_graphql.pulse import MIB, Pulse, memory
from shop_graphql.settings import Settings
from tests.conftest import SECRET


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_memory_is_what_the_kernel_says() -> None:
    before = memory()
    ballast = bytearray(os.urandom(1)) * (50 * MIB)
    assert 40 * MIB < memory() - before < 200 * MIB
    del ballast


async def test_a_blocked_event_loop_shows_in_the_lag() -> None:
    pulse = Pulse()
    async with pulse.beating(lambda: None, every=0.01):
        await asyncio.sleep(0.05)
        assert pulse.lag < 0.5
        time.sleep(1)  # noqa: ASYNC251
        await asyncio.sleep(0.05)
    assert 0.9 < pulse.lag < 5


async def test_whoever_grows_too_large_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_module, "memory", lambda: 100 * MIB)
    told: list[bool] = []
    pulse = Pulse(memory_limit=200)
    async with pulse.beating(lambda: told.append(True), every=0.01):
        await asyncio.sleep(0.05)
        assert not pulse.is_bloated
        monkeypatch.setattr(pulse_module, "memory", lambda: 201 * MIB)
        await asyncio.sleep(0.1)
    assert (told, pulse.is_bloated) == ([True], True)


@pytest.mark.parametrize("is_one_of_several", [True, False])
async def test_a_worker_that_has_grown_too_large_ends_in_order_if_it_will_be_replaced(
    database_url: str, is_one_of_several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(app_module, "parent_process", lambda: object() if is_one_of_several else None)
    monkeypatch.setattr("shop_graphql.app.os.kill", lambda _, number: sent.append(number))
    app = create_app(Settings(database_url=database_url, secrets=SECRET, memory_limit=64_000))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    async with app.router.lifespan_context(app), http:
        assert (await http.get("/ready")).status_code == 200
        monkeypatch.setattr(pulse_module, "memory", lambda: 64_001 * MIB)
        await asyncio.sleep(0.6)
        assert (await http.get("/ready")).status_code == 503
        assert (await http.get("/health")).status_code == 200
    assert sent == ([signal.SIGTERM] if is_one_of_several else [])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
async def test_a_limit_below_what_a_worker_needs_anyway_stops_the_start(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, secrets=SECRET, memory_limit=64))
    with pytest.raises(StartupError, match="SHOP_MEMORY_LIMIT: a worker takes"):
        async with app.router.lifespan_context(app):
            pass


async def test_a_worker_that_is_to_end_says_that_it_is_not_ready(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DRAINING, "has_begun", True)
    app = create_app(Settings(database_url=database_url, secrets=SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert ((await http.get("/ready")).status_code, (await http.get("/health")).status_code) == (503, 200)
    await app.state.accounts.close()
    await app.state.database.close()
