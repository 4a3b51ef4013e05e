"""People who use the shop while it is attacked, each with an account of their own; all of them must be served."""

import asyncio
import threading
from collections import Counter
from random import Random

from tests.chaos.server import Server
from tests.faults.asked import HEAVY, requests
from tests.faults.load import People
from tests.faults.overload import SIZE

ACCOUNTS = 20
"""How many there are: together they stay within what their buckets give back."""

MADE = 500
"""Requests that each makes beforehand."""

PORTION = 2.0
"""Seconds after which it is looked whether to go on."""


class Company:
    """Sends good requests inside the block, from a thread of its own."""

    def __init__(self, server: Server, rate: float, seed: int) -> None:
        self._rate = rate / ACCOUNTS
        address, random = server.address.removeprefix("http://"), Random(seed)
        self._people = [
            People(address, requests(address, HEAVY, random, SIZE.products, SIZE.users, id=10**9 + number, made=MADE))
            for number in range(1, 1 + ACCOUNTS)
        ]
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._come_and_go()), daemon=True)
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []

    def __enter__(self) -> "Company":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, when everybody has an answer."""
        self._end.set()
        self._thread.join()

    def complaints(self) -> list[str]:
        """Return how many were not served."""
        strange = {status: count for status, count in self.statuses.items() if status != "200"}
        found = [f"good requests were not answered: {strange}"] if strange else []
        failed = self.statuses["200"] - len(self.seconds)
        return found + ([f"{failed} good requests were answered by errors"] if failed else [])

    async def _come_and_go(self) -> None:
        await asyncio.gather(*(self._visit(people) for people in self._people))

    async def _visit(self, people: People) -> None:
        while not self._end.is_set():
            served = await people.open(self._rate, PORTION)
            self.statuses += served.statuses
            self.seconds += served.seconds
        people.close()
