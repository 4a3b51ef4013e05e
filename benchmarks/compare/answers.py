"""Whether all servers answer alike, once ids, money, times and the shapes of lists are written the same way."""

import json
import random
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from benchmarks.compare.serving import Running
from shop_graphql.errors import StartupError

TIMES = {"W1": 20, "W2": 2, "W3": 40, "W4": 2, "W5": 5}
MONEY = {"price", "totalAmount", "unitPrice"}
WRAPPERS = ({"nodes"}, {"order"}, {"p"})
"""Connections, the success of a mutation, and PostGraphile's payload hold what others give directly."""


def check(servers: list[Running], workload: str, users: int) -> None:
    """Ask all servers the same questions. Raises StartupError at the first answer that differs."""
    for given in _variables(workload, users):
        expected, first = None, servers[0]
        for server in servers:
            answer = normal(_ask(server, workload, given))
            if workload == "W5":
                del answer["createOrder"]["id"]
            if expected is None:
                expected = answer
            elif answer != expected:
                names = f"{server.server.title} and {first.server.title}"
                raise StartupError(f"{names} differ in {workload}, asked with {given}: {_difference(answer, expected)}")


def normal(value: Any, key: str = "") -> Any:
    """Return an answer without what is only a matter of spelling."""
    if isinstance(value, dict):
        if set(value) in WRAPPERS:
            return normal(next(iter(value.values())))
        return {name: normal(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [normal(member) for member in value]
    if value is None:
        return None
    if key == "id":
        return int(str(value).rpartition("_")[2])
    if key in MONEY:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    if key == "createdAt":  # JavaScript's times end at milliseconds
        return int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000)
    return value.lower() if key == "status" else value


def in_words_of(dialect: str, workload: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the variables as a server of `dialect` takes them."""
    if dialect != "shop" or workload in ("W2", "W4"):
        return given
    if workload == "W5":
        items = [{**item, "productId": f"prod_{item['productId']}"} for item in given["items"]]
        order = {"userId": f"user_{given['userId']}", "items": items}
        return {"input": {"idempotencyKey": secrets.token_hex(8), **order}}
    return {"id": f"{'prod' if workload == 'W1' else 'user'}_{given['id']}"}


def _variables(workload: str, users: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(5)  # noqa: S311
    for _ in range(TIMES[workload]):
        match workload:
            case "W1":
                yield {"id": chance.randint(1, 10_000)}
            case "W2":
                yield {"first": 50}
            case "W3":
                yield {"id": chance.randint(1, users)}
            case "W4":
                yield {"first": 20, "n": 20}
            case _:
                products = chance.sample(range(1, 10_001), 3)
                items = [{"productId": product, "quantity": chance.randint(1, 3)} for product in products]
                yield {"userId": chance.randint(1, users), "items": items}


def _ask(running: Running, workload: str, given: dict[str, Any]) -> Any:
    server = running.server
    query = server.query(workload).read_text()
    body = json.dumps({"query": query, "variables": in_words_of(server.dialect, workload, given)}).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    token = running.token_for(workload)
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(running.url, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer = json.load(response)
    except (OSError, ValueError) as error:
        raise StartupError(f"{server.title} did not answer {workload}: {error}") from None
    if answer.get("errors"):
        raise StartupError(f"{server.title} answered {workload} with an error: {answer['errors'][0].get('message')}")
    return answer["data"]


def _difference(one: Any, other: Any, path: str = "data") -> str:
    """Say where two answers differ first."""
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        return next(_difference(one[name], other[name], f"{path}.{name}") for name in one if one[name] != other[name])
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(_difference(a, b, f"{path}.{index}") for index, (a, b) in pairs if a != b)
    return f"{path} is {str(one)[:200]}, or {str(other)[:200]}."
