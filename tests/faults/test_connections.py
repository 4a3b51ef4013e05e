"""Clients that never finish, that are too many, or that stay when the server ends."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from shop_graphql import serving
from shop_graphql.draining import DRAINING, draining
from shop_graphql.protocol import Guarded
from shop_graphql.serving import Limits, Serving

REQUEST = b"GET / HTTP/1.1\r\nhost: shop\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answer after the whole request has come in, and tell what came."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    names = b",".join(name for name, _ in scope["headers"])
    headers = [(b"content-length", b"5"), (b"x-length", b"%d" % length), (b"x-headers", names)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def make_hello() -> Any:
    return hello


class Running:
    def __init__(self, server: serving._Server, port: int) -> None:
        self.server = server
        self.port = port

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer

    async def ask(self) -> str:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{self.port}/")).text


@asynccontextmanager
async def running(how: Serving, app: str = "tests.faults.test_connections:make_hello") -> AsyncIterator[Running]:
    """Run a real server in this event loop, without its handlers of signals."""
    config = serving._Config(app, how, factory=True, lifespan="off")
    with serving.listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        server = serving._Server(config)
        task = asyncio.create_task(server._serve([socket.socket(fileno=socket.dup(listener.fileno()))]))
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield Running(server, port)
        finally:
            server.should_exit = True
            await task


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", REQUEST, b"POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 9\r\n\r\nabc"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
async def test_a_request_that_never_comes_in_whole_is_ended(sent: bytes) -> None:
    async with running(Serving(Limits(head_timeout=0.3))) as shop:
        reader, writer = await shop.connect(sent)
        async with asyncio.timeout(3):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()
        assert Guarded.unfinished == {}


async def test_a_trickle_of_bytes_does_not_keep_a_request_alive() -> None:
    async with running(Serving(Limits(head_timeout=0.4))) as shop:
        reader, writer = await shop.connect(REQUEST)
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(3):
            while not reading.done():
                writer.write(b"x-more: 1\r\n")
                await asyncio.sleep(0.05)
        with suppress(ConnectionError):  # what was on its way when it was closed
            assert (await reading).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_connection_that_is_used_again_and_again_stays_open() -> None:
    async with running(Serving(Limits(head_timeout=1))) as shop:
        reader, writer = await shop.connect()
        for _ in range(4):
            writer.write(REQUEST + b"\r\n")
            assert await reader.readuntil(b"hello")
            await asyncio.sleep(0.6)
        writer.close()


async def test_half_open_connections_keep_nobody_out() -> None:
    async with running(Serving(Limits(head_timeout=30, connections=20))) as shop:
        slow = [await shop.connect(b"POST ") for _ in range(90)]
        assert await shop.ask() == "hello"
        assert len(shop.server.server_state.connections) <= 20
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 no request\r\n\r\n", b"GET / HTTP/1.1\r\nhost shop\r\n\r\n"])
async def test_a_request_with_garbage_behind_it_is_answered_all_the_same(garbage: bytes) -> None:
    async with running(Serving(Limits())) as shop:
        reader, writer = await shop.connect(REQUEST + b"\r\n" + garbage)
        answer = await asyncio.wait_for(reader.read(), 3)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"hello")
        assert answer.count(b"HTTP/1.1") == 1


@pytest.fixture
def delay(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(DRAINING, "has_begun", False)
    monkeypatch.setattr(DRAINING, "delay", 0.5)
    return 0.5


async def test_sigterm_lets_a_server_serve_on_for_a_while(delay: float) -> None:
    async with running(Serving()) as shop:
        draining(shop.server.handle_exit)(signal.SIGTERM, None)
        assert DRAINING.has_begun
        assert await shop.ask() == "hello"
        await asyncio.sleep(delay + 0.4)
        shop.server._captured_signals.clear()
        with pytest.raises(httpx.TransportError):
            await shop.ask()


async def test_a_second_sigterm_ends_a_server_at_once(delay: float) -> None:
    async with running(Serving()) as shop:
        drain = draining(shop.server.handle_exit)
        drain(signal.SIGTERM, None)
        assert not shop.server.should_exit
        drain(signal.SIGTERM, None)
        assert shop.server.should_exit
        await asyncio.sleep(delay + 0.1)
        shop.server._captured_signals.clear()


async def test_without_a_delay_sigterm_ends_a_server_at_once(delay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DRAINING, "delay", 0.0)
    async with running(Serving()) as shop:
        draining(shop.server.handle_exit)(signal.SIGTERM, None)
        shop.server._captured_signals.clear()
        assert shop.server.should_exit


async def test_a_connection_taken_just_before_the_end_has_one_request_answered(
    delay: float,
) -> None:
    async with running(Serving()) as shop:
        used, fresh, idle = await shop.connect(REQUEST + b"\r\n"), await shop.connect(), await shop.connect()
        assert (await used[0].readuntil(b"hello")).count(b"connection: close") == 0
        DRAINING.has_begun = True
        used[1].write(REQUEST + b"\r\n")
        assert (await used[0].read()).count(b"connection: close") == 1
        shop.server.should_exit = True
        await asyncio.sleep(0.3)
        fresh[1].write(REQUEST + b"\r\n")
        async with asyncio.timeout(3):
            assert (await fresh[0].read()).endswith(b"hello")
            assert await idle[0].read() == b""
        for _, writer in (used, fresh, idle):
            writer.close()
