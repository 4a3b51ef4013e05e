"""The people whom tests of access are about, and the shop in which they meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from shop_graphql import models
from shop_graphql.access import Role
from tests.api.conftest import ADMIN, Client
from tests.api.mutating import mutate
from tests.conftest import signed_in
from tests.factories import Factory

VIEWERS = ("anonymous", "other", "owner", "staff", "admin")


@dataclass(frozen=True)
class World:
    """A shop in which `owner` has an order, and `other` has none."""

    users: Mapping[str, models.User]
    ids: Mapping[str, str]
    """The ids of what there is, by type; the user is the owner."""

    http: httpx.AsyncClient

    def client(self, viewer: str) -> Client:
        """Return a client of one of the VIEWERS."""
        return Client(self.http, self.headers(viewer))

    def headers(self, viewer: str) -> dict[str, str]:
        """Return the headers of a request of one of the VIEWERS."""
        if viewer == "anonymous":
            return {}
        user = self.users[viewer]
        return signed_in(user.id, user.role)


async def world(http: httpx.AsyncClient, make: Factory, password_hash: str) -> World:
    """Furnish the empty shop."""
    roles = {"other": Role.CUSTOMER, "owner": Role.CUSTOMER, "staff": Role.STAFF, "admin": Role.ADMIN}
    users = {
        name: await make.user(f"{name}@example.com", role=role, password_hash=password_hash)
        for name, role in roles.items()
    }
    category = await make.category("Lamps")
    product = await make.product("Lamp", stock=10, category=category)
    await make.product("Unwanted", stock=10, category=category)
    admin = Client(http, ADMIN)
    await mutate(admin, "adjustStock", productId=f"prod_{product.id}", delta=1)
    owner = f"user_{users['owner'].id}"
    placed: dict[str, Any] = await mutate(
        admin,
        "createOrder",
        "order { id items { id } history { id } }",
        userId=owner,
        items=[{"productId": f"prod_{product.id}", "quantity": 1}],
    )
    order = placed["order"]
    ids = {
        "User": owner,
        "Category": f"cat_{category.id}",
        "Product": f"prod_{product.id}",
        "Order": order["id"],
        "OrderItem": order["items"][0]["id"],
        "OrderEvent": order["history"][0]["id"],
        "StockMovement": "move_1",
    }
    return World(users, ids, http)
