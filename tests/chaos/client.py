"""A client that repeats each request, with the same key, until it has an answer."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import httpx

from tests.chaos.server import admin

REFUSAL = "... on UserError { code message }"
PASSING = {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
"""Codes after which a request is sent again."""

PATIENCE = 90
"""Seconds after which a request without an answer counts as lost."""


class Unanswered(Exception):
    """A request got no answer, however often it was sent, or one that no fault excuses."""


class Client:
    """Sends mutations. What stands between it and an answer is counted in `setbacks`."""

    def __init__(self, address: str, random: Random) -> None:
        # A connection for each request: the kernel gives it to any worker, and a killed one takes no other along.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(base_url=address, timeout=15, limits=limits, headers=admin())
        self._random = random
        self.setbacks: Counter[str] = Counter()

    async def mutate(self, name: str, selection: str, /, **input: Any) -> dict[str, Any]:
        """Run one mutation to its answer: its success or its refusal."""
        noun = name[0].upper() + name[1:]
        document = (
            f"mutation ($input: {noun}Input!) {{ {name}(input: $input) "
            f"{{ __typename ... on {noun}Success {{ {selection} }} {REFUSAL} }} }}"
        )
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._insist(document, input)
        except TimeoutError:
            raise Unanswered(f"{name} with {input} had no answer within {PATIENCE} seconds") from None
        result: dict[str, Any] = answer[name]
        return result

    async def _insist(self, document: str, input: dict[str, Any]) -> dict[str, Any]:
        while True:
            if (answer := await self._send(document, input)) is not None:
                return answer
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _send(self, document: str, input: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data of the answer, or None when the request is to be sent again."""
        try:
            response = await self._http.post("/graphql", json={"query": document, "variables": {"input": input}})
        except httpx.TransportError as error:
            self.setbacks[type(error).__name__] += 1
            return None
        content = response.json() if response.status_code in (200, 503, 504) else {}
        codes = {error["extensions"]["code"] for error in content.get("errors", [])}
        if len(codes) == 1 and codes <= PASSING:
            self.setbacks.update(codes)
            return None
        if codes or response.status_code != 200:
            raise Unanswered(f"{response.status_code} {response.text} to {input}")
        data: dict[str, Any] = content["data"]
        return data

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()
