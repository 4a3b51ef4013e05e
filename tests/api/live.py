"""The shop on a real server and a real socket, and clients that speak graphql-transport-ws and server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, cast

import httpx
import uvicorn
from starlette.applications import Starlette
from uvicorn._types import ASGIApplication
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from shop_graphql import serving
from shop_graphql.app import create_app
from shop_graphql.commands.server import how_to_serve
from shop_graphql.settings import Settings
from tests.conftest import SECRET, assert_no_leak

PROTOCOL = "graphql-transport-ws"
WAIT = 10
"""Seconds after which a test gives up."""


class Live:
    """A server that runs in this process."""

    def __init__(self, app: Starlette, server: uvicorn.Server, running: asyncio.Task[None], port: int) -> None:
        self.app = app
        self.port = port
        self.authority = f"127.0.0.1:{port}"
        self._server = server
        self._running = running

    @property
    def connections(self) -> set[Any]:
        """The connections that the server has not let go of."""
        return self._server.server_state.connections

    async def stop(self) -> None:
        """Stop as a signal does."""
        self._server.should_exit = True
        await asyncio.wait_for(asyncio.shield(self._running), WAIT)

    @asynccontextmanager
    async def socket(self, headers: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator["Socket"]:
        """Open a WebSocket on which nothing was said yet."""
        options = {"subprotocols": [PROTOCOL], **options}
        url = f"ws://{self.authority}/graphql"
        async with connect(url, additional_headers=headers, proxy=None, **options) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def client(self, headers: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator["Socket"]:
        """Open a WebSocket and say who is at its end."""
        async with self.socket(headers, **options) as socket:
            await socket.send(type="connection_init")
            assert await socket.receive() == {"type": "connection_ack"}
            yield socket

    def stream(
        self, query: str, headers: Mapping[str, str] | None = None, **variables: Any
    ) -> AbstractAsyncContextManager["Stream"]:
        """Subscribe to server-sent events."""
        return self.stream_of({"query": query, "variables": variables}, headers)

    @asynccontextmanager
    async def stream_of(
        self, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> AsyncIterator["Stream"]:
        """Do so by any body."""
        async with httpx.AsyncClient(base_url=f"http://{self.authority}", timeout=WAIT, trust_env=False) as http:
            accept = {"accept": "text/event-stream", **(headers or {})}
            async with http.stream("POST", "/graphql", json=content, headers=accept) as response:
                yield Stream(response)

    async def are_gone(self) -> None:
        """Wait until no connection is open and nobody watches."""
        await until(lambda: not len(self.app.state.listeners) and not len(self.app.state.watches))


class Socket:
    """A client of the protocol, message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def subscribe(self, id: str, query: str, /, **variables: Any) -> None:
        await self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})

    async def receive(self) -> dict[str, Any]:
        text = await asyncio.wait_for(self.connection.recv(), WAIT)
        assert isinstance(text, str), "messages are text"
        assert_no_leak(text)
        message: dict[str, Any] = json.loads(text)
        return message

    async def next(self) -> Any:
        """Return the data of the next event."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def is_silent(self, seconds: float = 0.4) -> bool:
        """Tell whether nothing comes for a while in which something would."""
        try:
            await asyncio.wait_for(self.connection.recv(), seconds)
        except TimeoutError:
            return True
        return False

    async def closed(self) -> int | None:
        """Return the code with which the server closes, whatever it says before."""
        async with asyncio.timeout(WAIT):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        return self.connection.close_code


class Stream:
    """A response that is a stream of events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> tuple[str, Any]:
        """Return the kind and the data of the next event; "" for the end, ":" for a sign of life."""
        lines = []
        async with asyncio.timeout(WAIT):
            async for line in self._lines:
                if not line:
                    break
                lines.append(line)
        if not lines or lines == [":"]:
            return (lines or [""])[0], None
        assert_no_leak("\n".join(lines))
        kind, data = (line.partition(": ")[2] for line in lines)
        return kind, json.loads(data) if data else None

    async def next(self) -> Any:
        """Return the body of the next event."""
        kind, body = await self.event()
        while kind == ":":
            kind, body = await self.event()
        assert kind == "next", kind
        return body


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def live(database_url: str, *, port: int = 0, **settings: Any) -> AsyncIterator[Live]:
    """Serve the shop inside the block."""
    chosen = Settings(database_url=database_url, secrets=SECRET, **settings)
    app = create_app(chosen)
    with serving.listening("127.0.0.1", port, chosen.send_timeout) as listener:
        how = how_to_serve(chosen)
        config = serving._Config(
            cast(ASGIApplication, app), how, lifespan="on", log_config=None, timeout_graceful_shutdown=5
        )
        server = serving._Server(config)
        running = asyncio.create_task(server._serve([listener]))
        await until(lambda: server.started or running.done())
        assert server.started
        served = Live(app, server, running, listener.getsockname()[1])
        try:
            yield served
        finally:
            await served.stop()
