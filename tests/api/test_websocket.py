"""Subscriptions over WebSockets: the protocol, its limits, and clients that keep no rule."""

import asyncio
import gc
import json
import logging
import random
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from shop_graphql import sockets
from shop_graphql.access import Role
from shop_graphql.api import websocket
from shop_graphql.auth import Tokens
from tests.api.conftest import ADMIN, Client
from tests.api.live import PROTOCOL, Live, Socket, live, until
from tests.api.mutating import mutate
from tests.conftest import SECRET, signed_in
from tests.factories import Factory

STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId product { stockQuantity price } } }"
ORDERS = "subscription ($id: ID) { orderChanged(id: $id) { orderId order { status version } } }"


@pytest.fixture(scope="module")
async def server(database_url: str) -> AsyncIterator[Live]:
    async with live(
        database_url,
        websocket_init_timeout=0.5,
        body_limit=2000,
        subscriptions_per_connection=3,
        connections_per_address=5,
        connections_per_user=2,
        allowed_origins="https://shop.example.com, https://other.example.com",
    ) as running:
        yield running


@pytest.fixture(autouse=True)
async def _all_is_let_go(server: Live, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Whatever a client did, nothing stays of it, and no exception is logged."""
    yield
    await server.are_gone()
    failures = [record for record in caplog.get_records("call") if record.exc_info or record.levelno >= logging.ERROR]
    assert failures == []


async def test_a_subscriber_is_told_the_present_state_and_each_change(
    server: Live, make: Factory, client: Client
) -> None:
    product = await make.product(stock=5)
    id = f"prod_{product.id}"
    async with server.client() as socket:
        await socket.subscribe("1", STOCK, ids=[id])
        states = [await socket.next()]
        await mutate(client, "adjustStock", productId=id, delta=2)
        states.append(await socket.next())
        await mutate(client, "updateProductPrice", productId=id, price="3")
        states.append(await socket.next())
    expected = [(5, "10.00"), (7, "10.00"), (7, "3.00")]
    assert [state["productChanged"] for state in states] == [
        {"productId": id, "product": {"stockQuantity": stock, "price": price}} for stock, price in expected
    ]


async def test_one_connection_carries_several_subscriptions(server: Live, make: Factory, client: Client) -> None:
    product, user = await make.product(), await make.user()
    async with server.client(ADMIN) as socket:
        await socket.subscribe("stock", STOCK, ids=[f"prod_{product.id}"])
        assert (await socket.receive())["id"] == "stock"
        await socket.subscribe("orders", ORDERS)
        await asyncio.sleep(0.2)
        items = [{"productId": f"prod_{product.id}", "quantity": 1}]
        await mutate(client, "createOrder", userId=f"user_{user.id}", items=items)
        assert {(await socket.receive())["id"] for _ in range(2)} == {"stock", "orders"}


async def test_a_completed_subscription_is_silent_and_its_id_free(server: Live, make: Factory, client: Client) -> None:
    product = await make.product(stock=1)
    id = f"prod_{product.id}"
    async with server.client() as socket:
        await socket.subscribe("1", STOCK, ids=[id])
        await socket.next()
        await socket.send(id="1", type="complete")
        await mutate(client, "adjustStock", productId=id, delta=1)
        assert await socket.is_silent()
        await socket.subscribe("1", STOCK, ids=[id])
        assert (await socket.next())["productChanged"]["product"]["stockQuantity"] == 2


async def test_completing_what_does_not_run_is_no_error(server: Live) -> None:
    async with server.client() as socket:
        await socket.send(id="7", type="complete")
        await socket.send(type="ping", payload={"sent": 1})
        assert await socket.receive() == {"type": "pong"}


async def test_pings_are_answered_before_and_after_the_first_message(server: Live) -> None:
    async with server.socket() as socket:
        await socket.send(type="ping")
        await socket.send(type="pong")
        assert await socket.receive() == {"type": "pong"}
        await socket.send(type="connection_init", payload=None)
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: orderChanged { orderId } b: orderChanged { orderId } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { orderChanged { orderId } }", "UNAUTHENTICATED"),
        (
            'subscription { productChanged(ids: ["prod_1"]) { product { stockMovements { nodes { id } } } } }',
            "UNAUTHENTICATED",
        ),
        ("subscription { productChanged(ids: []) { productId } }", "BAD_USER_INPUT"),
        ("subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId } }", "BAD_USER_INPUT"),
        ("subscription A { __typename } subscription B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        ("{ products { nodes { id } } }", "BAD_REQUEST"),
        ('mutation { logout(input: {refreshToken: "x"}) { __typename } }', "BAD_REQUEST"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_an_error_of_that_subscription(
    server: Live, empty_shop: None, query: str, code: str
) -> None:
    async with server.client() as socket:
        await socket.subscribe("1", query)
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert {error["extensions"]["code"] for error in message["payload"]} == {code}
        await socket.subscribe("1", STOCK, ids=["prod_1"])
        assert await socket.next() == {"productChanged": {"productId": "prod_1", "product": None}}


async def test_no_more_than_a_hundred_products_are_watched_at_once(server: Live, empty_shop: None) -> None:
    query = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { productId } }"
    async with server.client() as socket:
        await socket.subscribe("1", query, ids=[f"prod_{n}" for n in range(1, 101)])
        assert [(await socket.next())["productChanged"]["productId"] for _ in range(100)][-1] == "prod_100"
        await socket.subscribe("2", query, ids=[f"prod_{n}" for n in range(1, 102)])
        assert (await socket.receive())["type"] == "error"


async def test_only_this_protocol_is_spoken(server: Live) -> None:
    async with server.socket(subprotocols=["graphql-ws"]) as socket:
        assert await socket.closed() == 4406
    async with server.socket(subprotocols=None) as socket:
        assert await socket.closed() == 4406
    async with server.socket(subprotocols=["graphql-ws", PROTOCOL]) as socket:
        assert socket.connection.subprotocol == PROTOCOL


async def test_who_does_not_introduce_themselves_in_time_is_sent_away(server: Live) -> None:
    async with server.socket() as socket:
        await asyncio.sleep(0.3)
        await socket.send(type="ping")  # which is no introduction
        start = asyncio.get_running_loop().time()
        assert await socket.closed() == 4408
        assert asyncio.get_running_loop().time() - start < 0.4


async def test_who_subscribes_before_introducing_themselves_is_sent_away(server: Live) -> None:
    async with server.socket() as socket:
        await socket.subscribe("1", STOCK, ids=[])
        assert await socket.closed() == 4401


async def test_nobody_introduces_themselves_twice(server: Live) -> None:
    async with server.client() as socket:
        await socket.send(type="connection_init")
        assert await socket.closed() == 4429


async def test_an_id_that_is_in_use_ends_the_connection(server: Live, empty_shop: None) -> None:
    async with server.client() as socket:
        await socket.subscribe("1", STOCK, ids=["prod_1"])
        await socket.subscribe("1", STOCK, ids=["prod_1"])
        assert await socket.closed() == 4409


async def test_a_connection_has_no_more_subscriptions_than_are_allowed(server: Live, empty_shop: None) -> None:
    async with server.client() as socket:
        for number in range(4):
            await socket.subscribe(str(number), STOCK, ids=["prod_1"])
        messages = [await socket.receive() for _ in range(4)]
        kinds = {message["id"]: message["type"] for message in messages}
        assert kinds == {"0": "next", "1": "next", "2": "next", "3": "error"}
        await socket.send(id="0", type="complete")
        await socket.subscribe("3", STOCK, ids=["prod_1"])
        assert (await socket.receive())["type"] == "next"


async def test_an_address_has_no_more_connections_than_are_allowed(server: Live) -> None:
    async with AsyncExitStack() as clients:
        for _ in range(4):
            await clients.enter_async_context(server.client())
        async with server.client(), server.socket() as more:
            assert await more.closed() == 1013
        await until(lambda: len(server.app.state.listeners) == 4)
        async with server.client():
            pass


async def test_a_user_has_no_more_connections_than_are_allowed(server: Live) -> None:
    async with server.client(ADMIN), server.client(ADMIN):
        async with server.socket(ADMIN) as more:
            await more.send(type="connection_init")
            assert await more.closed() == 1013
        async with server.client():
            pass


@pytest.mark.parametrize("size", [2000, 2001])
async def test_a_message_is_no_longer_than_allowed(server: Live, size: int) -> None:
    async with server.client() as socket:
        text = json.dumps({"type": "ping", "payload": {"fill": ""}})
        await socket.connection.send(text[:-3] + "x" * (size - len(text)) + text[-3:])
        if size == 2000:
            assert await socket.receive() == {"type": "pong"}
        else:
            assert await socket.closed() == 1009


async def test_a_token_is_taken_from_the_first_message_before_the_handshake(server: Live, empty_shop: None) -> None:
    async with server.socket({"authorization": "Bearer nonsense"}) as socket:
        await socket.send(type="connection_init", payload={"Authorization": ADMIN["authorization"]})
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.subscribe("1", ORDERS, id="ord_1")
        assert await socket.next() == {"orderChanged": {"orderId": "ord_1", "order": None}}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"Authorization": "Bearer nonsense"}, 4403),
        ({"authorization": "nonsense"}, 4403),
        ({"Authorization": 7}, 4400),
        ([], 4400),
        ("text", 4400),
    ],
)
async def test_who_cannot_prove_who_they_are_is_sent_away(server: Live, payload: Any, code: int) -> None:
    async with server.socket() as socket:
        await socket.send(type="connection_init", payload=payload)
        assert await socket.closed() == code


async def test_a_connection_ends_with_its_token(server: Live, empty_shop: None) -> None:
    token = Tokens([SECRET]).issue(1, Role.STAFF, lifetime=timedelta(seconds=-3))
    async with server.client({"authorization": f"Bearer {token}"}) as socket:
        await socket.subscribe("1", ORDERS)
        assert await socket.closed() == 4403


@pytest.mark.parametrize(
    "origin", ["https://shop.example.com", "https://other.example.com", "http://{authority}", None]
)
async def test_pages_of_the_shop_and_programs_may_connect(server: Live, origin: str | None) -> None:
    async with server.client(origin=origin.format(authority=server.authority) if origin else None):
        pass


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "https://shop.example.com.evil.com", "http://shop.example.com", "null", "http://["],
)
async def test_pages_of_others_may_not_connect(server: Live, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with server.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403


ODD = [
    b"\x00\x01",
    b"",
    "",
    "not JSON",
    "null",
    "1",
    "[]",
    "{}",
    '{"type": null}',
    '{"type": []}',
    '{"type": "unknown"}',
    '{"type": "next", "id": "1", "payload": {}}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": "1", "payload": []}',
    '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 1}}',
    '{"type": "subscribe", "id": [], "payload": {"query": "{a}"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{a}"}}',
    '{"type": "subscribe", "id": "' + "x" * 256 + '", "payload": {"query": "{a}"}}',
    '{"type": "ping", "type": "ping"}',
    '{"type": "complete"}',
    '{"type": "complete", "id": {}}',
    '{"type": "ping", "payload": 1}',
    '{"type": "ping", "payload": {"deep": ' + "[" * 32 + "]" * 32 + "}}",
    "[" * 1500,
    '{"type": "ping", "payload": NaN}',
    '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{a}"}}',
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
async def test_an_odd_message_ends_the_connection(server: Live, text: str | bytes) -> None:
    async with server.client() as socket:
        await socket.connection.send(text)
        assert await socket.closed() == 4400
    async with server.socket() as socket:
        await socket.connection.send(text)
        assert await socket.closed() in {4400, 4401}


async def test_a_message_that_is_no_utf_8_ends_the_connection(server: Live) -> None:
    async with server.client() as socket:
        socket.connection.protocol.send_text(b"\xff\xfe", fin=True)
        socket.connection.send_data()
        assert await socket.closed() == 1007


HANDSHAKE = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "a"}


@pytest.mark.parametrize(
    ("method", "more"),
    [("GET", {"x": "a" * 9000}), ("GET", {f"x{n}": "" for n in range(200)}), ("POST", {"content-length": "3"})],
    ids=["a long header", "many headers", "a body"],
)
async def test_what_is_no_handshake_is_refused_and_its_connection_closed(
    server: Live, method: str, more: dict[str, str]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = [f"{method} /graphql HTTP/1.1", "host: shop"]
    lines += [f"{name}: {value}" for name, value in (HANDSHAKE | more).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(5):
        assert (await reader.read()).split()[1] in (b"400", b"405")
    writer.close()
    await until(lambda: not server.connections)


def _of_the_server(server: Live) -> sockets.WebSocket:
    (connection,) = server.connections
    assert isinstance(connection, sockets.WebSocket)
    return connection


async def test_empty_pieces_of_a_message_take_no_memory(server: Live) -> None:
    async with server.client() as socket:
        protocol = socket.connection.protocol
        protocol.send_text(b'{"type":', fin=False)
        for _ in range(1000):
            protocol.send_continuation(b"", fin=False)
        protocol.send_continuation(b'"ping', fin=False)
        socket.connection.send_data()
        await until(lambda: len(_of_the_server(server).frames) == 2)
        protocol.send_continuation(b'"}', fin=False)
        protocol.send_continuation(b"", fin=True)
        socket.connection.send_data()
        assert await socket.receive() == {"type": "pong"}


async def test_whoever_sends_pings_and_does_not_read_fills_no_memory(server: Live) -> None:
    async with server.client(ping_interval=None) as socket:
        socket.connection.transport.pause_reading()
        ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
        socket.connection.transport.write(ping * 200_000)
        await until(lambda: not _of_the_server(server).writable.is_set())
        await asyncio.sleep(0.3)
        assert _of_the_server(server).transport.get_write_buffer_size() < 1_000_000
        socket.connection.transport.resume_reading()
        await until(lambda: _of_the_server(server).writable.is_set() and not _backlog(socket))
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


def _backlog(socket: Socket) -> int:
    return socket.connection.transport.get_write_buffer_size()


async def test_what_comes_in_one_piece_is_read_in_many_turns(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, read = list[int](), sockets.WebSocket._read

    def noted(self: sockets.WebSocket, data: bytes) -> None:
        pieces.append(len(data))
        read(self, data)

    monkeypatch.setattr(sockets.WebSocket, "_read", noted)
    async with server.client() as socket:
        protocol = socket.connection.protocol
        for number in range(9000):
            protocol.send_pong(b"")
            if number % 3000 == 0:
                protocol.send_text(b'{"type":"ping"}')
        protocol.send_text(b'{"type":"ping","payload":{"last":true}}')
        socket.connection.transport.write(b"".join(protocol.data_to_send()))
        for _ in range(3):
            assert await socket.receive() == {"type": "pong"}
        assert (await socket.receive())["type"] == "pong"
        await socket.send(type="ping")
        assert (await socket.receive())["type"] == "pong"
    assert max(pieces) <= sockets.PIECE
    assert sum(pieces) > 9000 * 6


async def test_no_frames_whatever_break_the_server(server: Live, make: Factory) -> None:
    """Bits of good and bad messages in any order, cut anywhere, some of them no frames at all."""
    product = await make.product()
    chance = random.Random(20)
    bits: list[Any] = [*ODD, '{"type":"connection_init"}', '{"type":"ping"}', '{"id":"1","type":"complete"}']
    query = json.dumps({"query": STOCK, "variables": {"ids": [f"prod_{product.id}"]}})
    bits += [f'{{"id":"{n}","type":"subscribe","payload":{query}}}' for n in range(3)] * 3
    for _ in range(150):
        async with server.socket() as socket:
            try:
                if chance.random() < 0.8:
                    await socket.send(type="connection_init")
                for _ in range(chance.randrange(6)):
                    await _send_something(socket, chance, chance.choice(bits))
                if chance.random() < 0.5:
                    socket.connection.transport.abort()
            except (ConnectionClosed, OSError):
                pass
    await server.are_gone()
    gc.collect()
    assert [thing for thing in gc.get_objects() if isinstance(thing, sockets.WebSocket | websocket._Connection)] == []
    async with server.client() as socket:
        await socket.subscribe("1", STOCK, ids=[f"prod_{product.id}"])
        assert (await socket.next())["productChanged"]["product"]["stockQuantity"] == 10


async def _send_something(socket: Socket, chance: random.Random, bit: str | bytes) -> None:
    text = bit.encode() if isinstance(bit, str) else bit
    kind = chance.randrange(6)
    if kind == 0:
        socket.connection.transport.write(struct.pack("!BB", chance.randrange(256), chance.randrange(256)) + text)
    elif kind == 1:
        changed = bytearray(text or b"x")
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        socket.connection.protocol.send_text(bytes(changed), fin=True)
        socket.connection.send_data()
    elif kind == 2:
        await socket.connection.send([text[:9].decode("latin-1"), text[9:].decode("latin-1")])
    else:
        await socket.connection.send(bit)


async def test_a_client_that_vanishes_leaves_nothing(server: Live, make: Factory) -> None:
    product = await make.product()
    async with server.client() as socket:
        await socket.subscribe("1", STOCK, ids=[f"prod_{product.id}"])
        await socket.next()
        socket.connection.transport.abort()
        await server.are_gone()


async def test_a_server_that_stops_tells_its_clients_to_come_again(database_url: str, empty_shop: None) -> None:
    clients = AsyncExitStack()
    async with live(database_url) as server:
        socket = await clients.enter_async_context(server.client())
        await socket.subscribe("1", STOCK, ids=["prod_1"])
        await socket.next()
        start = asyncio.get_running_loop().time()
    assert await socket.closed() == 1012
    assert asyncio.get_running_loop().time() - start < 2
    await clients.aclose()


async def test_who_answers_no_ping_is_let_go(database_url: str, empty_shop: None) -> None:
    async with (
        live(database_url, heartbeat=0.3) as server,
        server.client() as alive,
        server.client(ping_interval=None) as dead,
    ):
        await dead.subscribe("1", STOCK, ids=["prod_1"])
        await dead.next()
        dead.connection.transport.pause_reading()
        await until(lambda: not len(server.app.state.watches))
        await alive.subscribe("1", STOCK, ids=["prod_1"])
        await alive.next()
        dead.connection.transport.abort()


async def test_who_does_not_read_is_let_go_with_all_that_was_not_sent(
    database_url: str, make: Factory, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "LINGER", 0.3)
    product = await make.product()
    id = f"prod_{product.id}"
    product_fields = " ".join(f"a{number}: description" for number in range(25)) + " stockQuantity"
    query = f"subscription ($ids: [ID!]!) {{ productChanged(ids: $ids) {{ product {{ {product_fields} }} }} }}"
    await mutate(client, "updateProduct", productId=id, description="x" * 20_000)
    async with live(database_url, heartbeat=1) as server, server.client(ping_interval=None) as dead:
        dead.connection.transport.pause_reading()
        for number in range(20):
            await dead.subscribe(str(number), query, ids=[id])
        await until(lambda: len(server.app.state.watches) == 20)
        for _ in range(3):
            await mutate(client, "adjustStock", productId=id, delta=1)
        await until(lambda: not server.connections and not len(server.app.state.watches))
        dead.connection.transport.abort()


async def test_what_customers_may_not_see_they_are_not_told(server: Live, make: Factory, client: Client) -> None:
    owner, other, product = await make.user(), await make.user(), await make.product()
    async with (
        server.client(signed_in(owner.id, Role.CUSTOMER)) as own,
        server.client(signed_in(other.id, Role.CUSTOMER)) as others,
        server.client(signed_in(other.id, Role.STAFF)) as staff,
    ):
        for socket in (own, others, staff):
            await socket.subscribe("all", ORDERS)
            await socket.subscribe("ready", STOCK, ids=["prod_0"])
            await socket.next()
        input = {"userId": f"user_{owner.id}", "items": [{"productId": f"prod_{product.id}", "quantity": 1}]}
        id = (await mutate(client, "createOrder", "order { id }", **input))["order"]["id"]
        shown = {"orderChanged": {"orderId": id, "order": {"status": "PENDING", "version": 1}}}
        assert [await own.next(), await staff.next()] == [shown, shown]
        await others.subscribe("one", ORDERS, id=id)
        assert await others.next() == {"orderChanged": {"orderId": id, "order": None}}
        await mutate(client, "cancelOrder", orderId=id)
        assert (await own.next())["orderChanged"]["order"] == {"status": "CANCELLED", "version": 2}
        await mutate(client, "deleteOrder", orderId=id)
        assert await own.next() == {"orderChanged": {"orderId": id, "order": None}}
        assert await others.is_silent()
