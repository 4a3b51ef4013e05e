"""Where a request begins and ends: heads that are too large, what stands behind bodies, wishes for other protocols."""

import asyncio

import pytest

from shop_graphql.serving import Limits, Serving
from tests.faults.test_connections import REQUEST, Running, running


async def told(shop: Running, *pieces: bytes) -> bytes:
    """Send pieces one after the other; return all that comes until the connection is closed."""
    reader, writer = await shop.connect()
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(3):
        answer = await reader.read()
    writer.close()
    return answer


def head(size: int) -> bytes:
    """Return a head of so many bytes, after whose answer the connection is closed."""
    start = REQUEST + b"connection: close\r\nx: "
    return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize(("size", "status"), [(2000, b"200"), (2001, b"431")])
async def test_a_head_has_as_many_bytes_as_are_allowed_and_no_more(size: int, status: bytes) -> None:
    async with running(Serving(Limits(head=2000))) as shop:
        for pieces in ([head(size)], [head(size)[:1500], head(size)[1500:]]):
            assert (await told(shop, *pieces)).split()[1] == status


@pytest.mark.parametrize("sent", [b"GET /" + b"a" * 2000, REQUEST + b"x: " + b"a" * 2000], ids=["a URL", "a header"])
async def test_a_head_that_does_not_end_is_refused_as_soon_as_it_is_too_large(sent: bytes) -> None:
    async with running(Serving(Limits(head=2000))) as shop:
        assert (await told(shop, sent)).split()[1] == b"431"


POSTED = b"POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("sent", [b"0\r\nx: ", b"1;"], ids=["a trailer", "an extension of a chunk"])
async def test_what_stands_around_a_body_has_a_limit(sent: bytes) -> None:
    async with running(Serving(Limits(head=2000, body=1000))) as shop:
        chunks = b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"
        assert (await told(shop, POSTED, chunks[:4000], chunks[4000:])).endswith(b"hello")
        assert (await told(shop, POSTED, sent + b"a" * 12_000)).split()[1] == b"431"


async def test_what_is_sent_behind_a_body_is_no_header() -> None:
    async with running(Serving()) as shop:
        answer = await told(shop, POSTED + b"1\r\nx\r\n0\r\nx-name: a\r\nx-other: b\r\n\r\n")
        assert answer.endswith(b"hello")
        assert b"x-headers: host,transfer-encoding,connection\r\n" in answer


H2C = b"connection: upgrade, close\r\nupgrade: h2c\r\n"


@pytest.mark.parametrize("is_at_once", [True, False])
async def test_whoever_asks_for_another_protocol_is_answered_in_this_one(*, is_at_once: bool) -> None:
    start = b"POST / HTTP/1.1\r\nhost: shop\r\n" + H2C + b"content-length: %d\r\n\r\n" % len(REQUEST)
    async with running(Serving()) as shop:
        answer = await told(shop, *([start + REQUEST] if is_at_once else [start, REQUEST]))
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.endswith(b"hello")
        assert b"x-length: %d\r\n" % len(REQUEST) in answer
        assert b"x-headers: host,connection,content-length\r\n" in answer


async def test_many_may_ask_for_another_protocol_over_one_connection() -> None:
    async with running(Serving()) as shop:
        start = REQUEST + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n"
        answer = await told(shop, start * 50 + REQUEST + b"connection: close\r\n\r\n")
        assert answer.count(b"hello") == 51


async def test_nobody_is_connected_to_other_servers() -> None:
    async with running(Serving()) as shop:
        for target in (b"127.0.0.1:22", b"/"):
            assert (await told(shop, b"CONNECT %b HTTP/1.1\r\nhost: shop\r\n\r\n" % target)).split()[1] == b"400"


async def test_an_answer_comes_before_the_connection_is_left_to_a_websocket() -> None:
    wish = REQUEST + b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    async with running(Serving()) as shop:
        for count in (1, 3):
            answer = await told(shop, (REQUEST + b"\r\n") * count + wish + b"sec-websocket-key: a\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"hello")
            assert (answer.count(b"HTTP/1.1 "), answer.count(b"hello")) == (count, count)
