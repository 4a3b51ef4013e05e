"""Visitors who come and go while people buy: of each kind that makes a server remember something."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

import httpx
from websockets.asyncio.client import connect

from tests.chaos.server import admin

LOOK = "query ($id: ID!) {{ {alias}: product(id: $id) {{ name price category {{ name }} }} }}"
FIND = """query ($text: String!) {
  products(first: 10, where: {search: $text}) { totalCount { value } nodes { id name } }
  categoryStats { category { name } productCount }
}"""
LOGIN = """mutation ($email: String!) {
  login(input: {email: $email, password: "nobody knows this one"}) { __typename }
}"""
WATCH = "subscription ($ids: [ID!]!) { productChanged(ids: $ids) { product { stockQuantity } } }"
WORDS = ["blue", "lamp", "chair", "green tea", "wood", "garden", "small"]


class Visitors:
    """Does every so many seconds what people do now and then; each must be answered as it deserves."""

    def __init__(self, address: str, random: Random, products: int) -> None:
        self._address = address
        self._random = random
        self._products = products
        self._client = httpx.AsyncClient(base_url=address, timeout=10, headers=admin())
        self.came = Counter[str]()
        """How many of each kind."""
        self.wrong: list[str] = []
        """What was not answered as it should be."""

    async def keep_coming(self, seconds: float) -> None:
        """Visit for so long, and see each visit through."""
        end = time.monotonic() + seconds
        kinds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0.5, self._with_a_new_document),
            (1, self._in_search_of_something),
            (10, self._without_the_password),
            (1, self._with_a_body_that_is_none),
            (1, self._and_go_in_the_middle),
            (0.5, self._at_a_socket),
            (0.5, self._at_a_stream),
        ]
        async with asyncio.TaskGroup() as group:
            for every, visit in kinds:
                group.create_task(self._again_and_again(every, visit, end))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _again_and_again(self, every: float, visit: Callable[[], Awaitable[None]], end: float) -> None:
        while time.monotonic() < end:
            self.came[visit.__name__] += 1
            try:
                await visit()
            except Exception as error:
                self.wrong.append(f"{visit.__name__}: {error!r}")
            await asyncio.sleep(every)

    async def _with_a_new_document(self) -> None:
        alias = f"a{self._random.getrandbits(64):x}"
        answer = await self._ask(LOOK.format(alias=alias), id=self._product())
        assert answer["data"][alias]["name"], answer

    async def _in_search_of_something(self) -> None:
        answer = await self._ask(FIND, text=self._random.choice(WORDS))
        assert answer["data"]["categoryStats"], answer

    async def _without_the_password(self) -> None:
        answer = await self._ask(LOGIN, email=f"nobody{self._random.randint(1, 10**6)}@example.com")
        assert answer["data"]["login"]["__typename"] != "SignIn", answer

    async def _with_a_body_that_is_none(self) -> None:
        body = self._random.randbytes(self._random.randint(1, 2000))
        response = await self._client.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 400, response.text

    async def _and_go_in_the_middle(self) -> None:
        """Of the request, or of the answer to one."""
        host, port = self._address.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, port)
        body = json.dumps({"query": FIND, "variables": {"text": self._random.choice(WORDS)}}).encode()
        head = f"POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        request = head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body)
        writer.write(request[: self._random.randint(1, len(request))])
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.transport.abort()

    async def _at_a_socket(self) -> None:
        url = self._address.replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            payload = {"query": WATCH, "variables": {"ids": [self._product() for _ in range(20)]}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            assert json.loads(await socket.recv())["type"] == "next"
            await asyncio.sleep(self._random.uniform(0, 5))

    async def _at_a_stream(self) -> None:
        content = {"query": WATCH, "variables": {"ids": [self._product() for _ in range(20)]}}
        accept = {"accept": "text/event-stream"}
        async with self._client.stream("POST", "/graphql", json=content, headers=accept) as response:
            lines = response.aiter_lines()
            while (line := await anext(lines)) in ("", ":"):  # a sign of life
                pass
            assert line == "event: next", line
            with suppress(TimeoutError):
                async with asyncio.timeout(self._random.uniform(0, 5)):
                    async for _ in lines:
                        pass

    async def _ask(self, query: str, **variables: object) -> dict[str, dict[str, dict[str, str]]]:
        response = await self._client.post("/graphql", json={"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        answer: dict[str, dict[str, dict[str, str]]] = response.json()
        assert "errors" not in answer, answer
        return answer

    def _product(self) -> str:
        return f"prod_{self._random.randint(1, self._products)}"
