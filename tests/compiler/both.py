"""Two servers on one database, one of which takes the short way for mutations, and what both do to equal shops."""

import json
import re
from typing import Any

import httpx
from argon2 import PasswordHasher
from sqlalchemy import text
from starlette.applications import Starlette

from shop_graphql.access import Role
from shop_graphql.auth import new_refresh_token
from shop_graphql.database import Database
from shop_graphql.services.sessions import open_session
from tests.api.mutating import KEYED, tables
from tests.conftest import signed_in
from tests.factories import Factory

ADMIN = signed_in(3, Role.ADMIN)
CUSTOMER = signed_in(1, Role.CUSTOMER)
OTHER = signed_in(2, Role.CUSTOMER)
PASSWORD = "correct horse battery staple"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
TOKEN = new_refresh_token()

REFUSAL = """
fragment Facts on UserError {
  __typename code message
  ... on ValidationError { issues { path message } }
  ... on NotFoundError { path id }
  ... on AlreadyExistsError { path }
  ... on OutOfStockError { shortages { path requested available product { id name category { name } } } }
  ... on InUseError { orderCount productCount }
  ... on PriceChangedError { expected actual }
  ... on InvalidTransitionError { from to allowed }
  ... on VersionConflictError { current }
  ... on IdempotencyConflictError { path }
}
fragment Refusal on UserError { ...Facts otherErrors { ...Facts } }
"""

BUYER = "fragment Buyer on User { email fullName }"


class Both:
    """Two servers on one database: one that takes the short way, and one that does not."""

    def __init__(self, database: Database, short: Starlette, long: Starlette) -> None:
        self.database = database
        self.apps = {"short": short, "long": long}

    async def send(self, way: str, query: str, variables: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.apps[way], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as http:
            return await http.post("/graphql", json={"query": query, "variables": variables})

    async def get(self, way: str, query: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.apps[way], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as http:
            return await http.get("/graphql", params={"query": query})

    async def compare(self, query: str, variables: dict[str, Any], headers: dict[str, str]) -> Any:
        """Run a document in the same shop in both ways; return what both answered."""
        answers, left = [], []
        for way in self.apps:
            await furnish(self.database)
            response = await self.send(way, query, variables, headers)
            answers.append((response.status_code, without_times(response.text)))
            rows = await tables(self.database)
            rows["sessions"].sort(key=lambda session: int(session[1]))  # their own ids are random
            left.append(without_secrets(without_times(repr(rows))))
        assert answers[0] == answers[1]
        assert left[0] == left[1]
        return json.loads(answers[0][1])


def without_times(content: str) -> str:
    """Two shops are made at two times, and no two secrets or references are the same."""
    content = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME", content)
    content = re.sub(r"datetime\.datetime\([^)]*\)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d+:]*", "TIME", content)
    content = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]*", "TIME", content)
    content = re.sub(r"'transaction_id': \d+|, \d+, '(order|stock|user|products?)\.", r", '\1.", content)
    content = re.sub(r'"(access|refresh)Token":"[^"]*"', r'"\1Token":""', content)
    return re.sub(r'"reference":"[0-9a-f]+"', '"reference":""', content)


def without_secrets(rows: str) -> str:
    """No two sessions are the same, and no two hashes."""
    return re.sub(r"""UUID\('[^']*'\)|b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*"|\$argon2id[^']*""", "SECRET", rows)


async def furnish(database: Database) -> None:
    names = "users, categories, products, orders, order_items, stock_movements, order_events, outbox, idempotency_keys"
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {names}, credentials, sessions, identities RESTART IDENTITY CASCADE"))
    make = Factory(database)
    ada = await make.user("ada@example.com", password_hash=HASH)
    await make.user("grace@example.com")
    await make.user("admin@example.com", role=Role.ADMIN)
    lamps = await make.category("Lamps")
    lamp, desk = [await make.product(name, stock=20, category=lamps) for name in ('Lamp "1"', "Desk\\ü")]
    await make.order(ada, [(lamp, 2), (desk, 1)])
    order = await make.order(ada, [(lamp, 1)])
    async with database.transaction() as session:
        await open_session(session, user_id=ada.id, id=TOKEN.session, digest=TOKEN.digest)
        await session.execute(text("UPDATE orders SET status = 'cancelled' WHERE id = :id"), {"id": order.id})


def carrier_of(both: Both) -> Any:
    (route,) = [route for route in both.apps["short"].routes if getattr(route, "path", None) == "/graphql"]
    return route.app.carrier  # type: ignore[attr-defined]


def input_of(name: str, values: dict[str, Any]) -> dict[str, Any]:
    input = {"idempotencyKey": "k", **values} if name in KEYED else dict(values)
    if "items" in input:
        input["items"] = [{"productId": id, "quantity": quantity} for id, quantity in input["items"]]
    return input


def document(name: str, success: str, aliases: str = "m") -> str:
    noun = name[0].upper() + name[1:]
    fields = " ".join(
        f"{alias}: {name}(input: $input) {{ kind: __typename ... on {noun}Success {{ {success} }} ...Refusal }}"
        for alias in aliases
    )
    buyer = BUYER if "...Buyer" in success else ""
    return f"mutation Named($input: {noun}Input!) {{ {fields} }} {REFUSAL} {buyer}"
