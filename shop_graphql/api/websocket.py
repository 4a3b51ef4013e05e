"""Subscriptions over a WebSocket, by the protocol graphql-transport-ws.

Strawberry's own handler ends in exceptions on frames that are odd enough (an id that is a list, a payload that is
null), and sends errors unmasked.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from shop_graphql.accounts import Accounts
from shop_graphql.api.bad_request import BAD_REQUEST, BadRequest
from shop_graphql.api.context import Who
from shop_graphql.api.cross_origin import may_connect
from shop_graphql.api.failures import BAD_USER_INPUT, is_unavailable, request_error
from shop_graphql.api.http import GraphQLEndpoint
from shop_graphql.api.listeners import Crowded, Ending, Listeners, authorization_of, refused, seconds_left
from shop_graphql.api.messages import (
    BAD_MESSAGE,
    BROKEN,
    FORBIDDEN,
    ID_TAKEN,
    INIT_TIMEOUT,
    INIT_TWICE,
    PROTOCOL,
    RESTARTING,
    TRY_LATER,
    UNAUTHORIZED,
    UNKNOWN_PROTOCOL,
    Closed,
    Message,
    id_of,
    parsed,
    payload_of,
)
from shop_graphql.api.requests import Operation, headers_of, read_operation
from shop_graphql.api.subscribing import Refused, Subscriptions
from shop_graphql.auth import ProviderUnavailable
from shop_graphql.errors import InvalidToken
from shop_graphql.settings import Settings

MAX_REASON = 123
"""Bytes that a reason for closing can have."""

logger = logging.getLogger("shop_graphql")


class Gone(Exception):
    """The client has ended the connection."""


class WebSocketEndpoint:
    """The ASGI application for WebSockets at /graphql."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        endpoint: GraphQLEndpoint,
        accounts: Accounts,
        listeners: Listeners,
        settings: Settings,
    ) -> None:
        self.subscriptions = subscriptions
        self.documents = endpoint.documents
        self.limits = endpoint.body_limits
        self.accounts = accounts
        self.listeners = listeners
        self.init_timeout = settings.websocket_init_timeout
        self.most = settings.subscriptions_per_connection
        self._origins = endpoint.origins
        self._open = 0

    def __len__(self) -> int:
        return self._open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end."""
        await receive()
        headers = headers_of(scope)
        if not may_connect(headers, self._origins):
            await send({"type": "websocket.close", "code": FORBIDDEN})  # not accepted yet, this is status 403
            return
        try:
            self.listeners.admit()
        except Ending as refusal:
            await refused(refusal)(scope, receive, send)
            return
        known = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if known else None})
        self._open += 1
        try:
            if not known:
                raise Closed(UNKNOWN_PROTOCOL, f"Only {PROTOCOL} is spoken here.")
            with self.listeners.from_address(scope) as address:
                await _Connection(self, headers, receive, send).serve(address)
        except Crowded:
            await _close(send, TRY_LATER, "Too many connections are open.")
        except Closed as reason:
            await _close(send, reason.code, str(reason))
        except Gone:
            pass
        except Exception:
            logger.exception("Bug in a WebSocket")
            await _close(send, BROKEN, "Something went wrong on our side.")
        finally:
            self._open -= 1


class _Connection:
    def __init__(
        self, endpoint: WebSocketEndpoint, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        self._endpoint = endpoint
        self._headers = headers
        self._receive = receive
        self._send = send
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self, address: str) -> None:
        """Speak with the client until one of both ends it. Raises Closed, Crowded and Gone."""
        try:
            async with asyncio.timeout(self._endpoint.init_timeout):
                authorization = await self._initialised()
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        self._who = await self._identified(authorization, address)
        with self._endpoint.listeners.of_viewer(self._who.viewer):
            await self._send_message(type="connection_ack")
            try:
                async with asyncio.timeout(seconds_left(authorization)):
                    await self._serve()
            except TimeoutError:
                raise Closed(FORBIDDEN, "The access token has expired.") from None
            finally:
                await self._stop()

    async def _serve(self) -> None:
        """Read until the client goes or the server stops, whichever is first."""
        stopping = asyncio.create_task(self._endpoint.listeners.stopping.wait())
        reading = asyncio.create_task(self._read())
        try:
            ends: list[asyncio.Future[Any]] = [reading, stopping, self._failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            reading.cancel()
            await asyncio.gather(stopping, reading, return_exceptions=True)
        for ended in (self._failed, reading):
            if ended.done() and not ended.cancelled():
                ended.result()
        raise Closed(RESTARTING, "The server stops.")

    async def _stop(self) -> None:
        if not self._failed.cancel():
            self._failed.exception()  # whatever it is, the connection has ended for another reason
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _initialised(self) -> str | None:
        """Return the Authorization that the client gives, in the first message or in the handshake."""
        while (message := await self._message())["type"] in {"ping", "pong"}:
            await self._answer_ping(message)
        if message["type"] == "subscribe":
            raise Closed(UNAUTHORIZED, "Unauthorized")
        if message["type"] != "connection_init":
            raise Closed(BAD_MESSAGE, "The first message must be connection_init.")
        payload = payload_of(message)
        given = payload.get("Authorization", payload.get("authorization"))
        if not isinstance(given, str | None):
            raise Closed(BAD_MESSAGE, "Authorization must be a string.")
        return given or authorization_of(self._headers)

    async def _identified(self, authorization: str | None, address: str) -> Who:
        try:
            return Who(await self._endpoint.accounts.viewer(authorization), address)
        except InvalidToken as error:
            raise Closed(FORBIDDEN, str(error)) from None
        except Exception as error:
            if isinstance(error, ProviderUnavailable) or is_unavailable(error):
                raise Closed(TRY_LATER, "Who you are cannot be told at the moment.") from error
            raise

    async def _read(self) -> None:
        answers: Mapping[str, Callable[[Message], Any]] = {
            "ping": self._answer_ping,
            "pong": self._answer_ping,
            "subscribe": self._subscribe,
            "complete": self._complete,
        }
        while True:
            message = await self._message()
            if message["type"] == "connection_init":
                raise Closed(INIT_TWICE, "Too many initialisation requests")
            answer = answers.get(message["type"])
            if answer is None:
                raise Closed(BAD_MESSAGE, "There is no message of this type.")
            await answer(message)

    async def _answer_ping(self, message: Message) -> None:
        payload_of(message)
        if message["type"] == "ping":
            await self._send_message(type="pong")

    async def _subscribe(self, message: Message) -> None:
        id = id_of(message)
        if id in self._running:
            raise Closed(ID_TAKEN, f"Subscriber for {id} already exists")
        try:
            operation = read_operation(payload_of(message), self._endpoint.documents)
        except BadRequest as refusal:
            if refusal.code == BAD_REQUEST:
                raise Closed(BAD_MESSAGE, str(refusal)) from None
            await self._send_message(id=id, type="error", payload=[refusal.error()])
            return
        if len(self._running) >= self._endpoint.most:
            text = f"A connection has {self._endpoint.most} subscriptions at the most."
            await self._send_message(id=id, type="error", payload=[request_error(text, BAD_USER_INPUT)])
            return
        self._running[id] = asyncio.create_task(self._follow(id, operation))

    async def _complete(self, message: Message) -> None:
        task = self._running.pop(id_of(message), None)
        if task is not None:
            task.cancel()

    async def _follow(self, id: str, operation: Operation) -> None:
        """Send what a subscription yields. Only what the client completes has no last message."""
        try:
            last = await self._pass_on(id, operation)
            if self._running.pop(id, None) is not None:  # first, since the client may use the id again from then on
                await self._send_message(id=id, **last)
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)

    async def _pass_on(self, id: str, operation: Operation) -> Mapping[str, Any]:
        start = b'{"id":%b,"type":"next","payload":' % orjson.dumps(id)
        try:
            async with aclosing(await self._endpoint.subscriptions.begin(operation, self._who)) as events:
                async for body in events:
                    await self._send_text(b"%b%b}" % (start, body))
        except Refused as refusal:
            return {"type": "error", "payload": refusal.errors}
        except BadRequest as refusal:
            return {"type": "error", "payload": [refusal.error()]}
        return {"type": "complete"}

    async def _message(self) -> Message:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        return parsed(event.get("text"), self._endpoint.limits)

    async def _send_message(self, **message: Any) -> None:
        await self._send_text(orjson.dumps(message))

    async def _send_text(self, text: bytes) -> None:
        """Send one frame; whoever does not read is waited for here, with one frame at a time."""
        try:
            async with self._turn:
                await self._send({"type": "websocket.send", "text": text.decode()})
        except OSError:
            raise Gone from None


async def _close(send: Send, code: int, reason: str) -> None:
    short = reason.encode()[:MAX_REASON].decode("utf-8", "ignore")
    with suppress(OSError):  # it can be gone already
        await send({"type": "websocket.close", "code": code, "reason": short})
