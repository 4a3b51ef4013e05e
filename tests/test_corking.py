"""What a response writes reaches the socket in as few pieces as possible, complete and in order."""

import asyncio

from shop_graphql.corking import Corked

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Recorder(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closing(), "uvloop's transport raises"
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.pieces.append(b"closed")

    def abort(self) -> None:
        self.pieces.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.pieces


def corked() -> tuple[Corked, list[bytes]]:
    recorder = Recorder()
    return Corked(recorder, asyncio.get_running_loop()), recorder.pieces


async def test_a_head_is_written_together_with_its_body() -> None:
    transport, pieces = corked()
    transport.write(HEAD)
    transport.write(b"body")
    await asyncio.sleep(0)
    assert pieces == [HEAD + b"body"]


async def test_a_head_without_a_body_does_not_wait_for_one() -> None:
    transport, pieces = corked()
    transport.write(HEAD)
    await asyncio.sleep(0)
    transport.write(b"body")
    assert pieces == [HEAD, b"body"]


async def test_two_responses_in_one_turn_stay_in_order() -> None:
    transport, pieces = corked()
    for body in (b"first", b"second"):
        transport.write(HEAD)
        transport.write(body)
    await asyncio.sleep(0)
    assert b"".join(pieces) == HEAD + b"first" + HEAD + b"second"


async def test_closing_loses_no_head() -> None:
    transport, pieces = corked()
    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)
    assert pieces == [HEAD, b"closed"]
    assert transport.is_closing()


async def test_nothing_is_written_to_a_connection_that_has_ended_meanwhile() -> None:
    transport, pieces = corked()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    transport.write(HEAD)
    transport.abort()
    transport.write(b"body")
    transport.write(HEAD)
    await asyncio.sleep(0)
    asyncio.get_running_loop().set_exception_handler(None)
    assert (pieces, failures) == ([b"closed"], [])
