"""A server that is about to end goes on with the streams that it has, and begins none."""

import logging
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from shop_graphql import pulse
from shop_graphql.draining import DRAINING
from shop_graphql.pulse import MIB
from tests.api.conftest import Client
from tests.api.live import Live, live
from tests.api.mutating import mutate
from tests.factories import Factory

STOCK = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { product { stockQuantity } } }"
REFUSAL = {"message": "This server is about to end; ask again.", "extensions": {"code": "UNAVAILABLE"}}

End = Callable[[], None]


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Live]:
    async with live(database_url, memory_limit=64_000) as running:
        yield running


@pytest.fixture(params=["SIGTERM", "memory"])
def end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> End:
    if request.param == "SIGTERM":
        return lambda: monkeypatch.setattr(DRAINING, "has_begun", True)
    return lambda: monkeypatch.setattr(pulse, "memory", lambda: 64_001 * MIB)


async def is_not_ready(server: Live) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server.authority}", trust_env=False) as http:
        while (await http.get("/ready")).status_code == HTTPStatus.OK:
            pass


async def test_a_new_stream_is_refused_as_one_to_ask_another_server_for(server: Live, end: End) -> None:
    end()
    await is_not_ready(server)
    async with server.stream(STOCK, ids=["prod_1"]) as stream:
        await stream.response.aread()
        assert (stream.response.status_code, stream.response.headers["retry-after"]) == (503, "1")
        assert stream.response.json() == {"errors": [REFUSAL]}


async def test_a_new_websocket_is_refused_before_its_handshake(
    server: Live, end: End, caplog: pytest.LogCaptureFixture
) -> None:
    end()
    await is_not_ready(server)
    with pytest.raises(InvalidStatus) as refused:
        async with server.socket():
            pass
    response = refused.value.response
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_what_was_begun_before_goes_on(server: Live, end: End, make: Factory, client: Client) -> None:
    product = await make.product(stock=5)
    id = f"prod_{product.id}"
    async with server.stream(STOCK, ids=[id]) as stream, server.client() as socket:
        await stream.next()
        end()
        await is_not_ready(server)
        await socket.subscribe("1", STOCK, ids=[id])
        assert (await socket.next())["productChanged"] == {"product": {"stockQuantity": 5}}
        await mutate(client, "adjustStock", productId=id, delta=2)
        assert (await stream.next())["data"]["productChanged"] == {"product": {"stockQuantity": 7}}
        assert (await socket.next())["productChanged"] == {"product": {"stockQuantity": 7}}
