"""What people do in the shop, and what they were told: the record that the shop is held against."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.client import Client, Unanswered

PRODUCTS = 8
USERS = 4
STOCK = 200
SUCCESS = "order { id totalAmount items { quantity product { id } } } replayed"


@dataclass
class Purchase:
    """An order that the shop acknowledged."""

    key: str
    id: str
    user: str
    wanted: list[dict[str, Any]]
    total: str
    items: dict[str, int]
    fate: str = "pending"
    keeps_stock: bool = True


@dataclass
class Record:
    """All that the shop has acknowledged."""

    purchases: list[Purchase] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    restocked: Counter[str] = field(default_factory=Counter)
    replayed: int = 0


async def furnish(client: Client) -> None:
    """Make the products and the users."""
    category: dict[str, Any] = {"new": {"name": "Things"}}
    for number in range(1, PRODUCTS + 1):
        product = {"name": f"Thing {number}", "price": f"{number}.25", "stockQuantity": STOCK, "category": category}
        await client.mutate("createProduct", "product { id }", idempotencyKey=f"product-{number}", **product)
        category = {"id": "cat_1"}
    for number in range(1, USERS + 1):
        await client.mutate("createUser", "user { id }", email=f"user{number}@example.com", fullName="A Buyer")


class Customer:
    """Does one thing after another; keys are its own, so that all of a run can be told apart."""

    def __init__(self, name: str, client: Client, record: Record, random: Random) -> None:
        self._name = name
        self._client = client
        self._record = record
        self._random = random
        self._mine: list[Purchase] = []
        self._number = 0

    async def act(self) -> None:
        """Mostly order; sometimes cancel or delete an order, restock a product or change its price."""
        deeds = [self._order, self._cancel, self._delete, self._restock, self._reprice]
        (deed,) = self._random.choices(deeds, [70, 10, 4, 10, 6])
        await deed()

    async def _order(self) -> None:
        products = self._random.sample(range(1, PRODUCTS + 1), self._random.randint(1, 3))
        wanted = [{"productId": f"prod_{id}", "quantity": self._random.randint(1, 3)} for id in products]
        user, key = f"user_{self._random.randint(1, USERS)}", self._key("order")
        answer = await self._client.mutate("createOrder", SUCCESS, idempotencyKey=key, userId=user, items=wanted)
        if not self._succeeded(answer):
            return
        order = answer["order"]
        items = {item["product"]["id"]: item["quantity"] for item in order["items"]}
        purchase = Purchase(key, order["id"], user, wanted, order["totalAmount"], items)
        self._record.purchases.append(purchase)
        self._mine.append(purchase)

    async def _cancel(self) -> None:
        if (purchase := self._pick()) is None:
            return
        input = {"idempotencyKey": self._key("cancel"), "orderId": purchase.id, "restock": self._random.random() < 0.8}
        answer = await self._client.mutate("cancelOrder", "replayed order { status }", **input)
        self._must_succeed(answer, purchase)
        purchase.fate, purchase.keeps_stock = "cancelled", not input["restock"]

    async def _delete(self) -> None:
        """The one change here without a key: a repetition finds the order gone, which is just as well."""
        if (purchase := self._pick()) is None:
            return
        answer = await self._client.mutate("deleteOrder", "deletedId", orderId=purchase.id)
        if answer["__typename"] != "NotFoundError":
            self._must_succeed(answer, purchase)
        purchase.fate, purchase.keeps_stock = "deleted", False

    async def _restock(self) -> None:
        product, delta = f"prod_{self._random.randint(1, PRODUCTS)}", self._random.randint(5, 40)
        input = {"idempotencyKey": self._key("restock"), "productId": product, "delta": delta}
        answer = await self._client.mutate("adjustStock", "replayed product { id }", **input)
        if self._succeeded(answer):
            self._record.restocked[product] += delta

    async def _reprice(self) -> None:
        product = f"prod_{self._random.randint(1, PRODUCTS)}"
        price = f"{self._random.randint(100, 999) / 100:.2f}"
        self._succeeded(
            await self._client.mutate("updateProductPrice", "product { id }", productId=product, price=price)
        )

    def _pick(self) -> Purchase | None:
        return self._mine.pop(self._random.randrange(len(self._mine))) if self._mine else None

    def _key(self, deed: str) -> str:
        self._number += 1
        return f"{self._name}-{deed}-{self._number}"

    def _succeeded(self, answer: dict[str, Any]) -> bool:
        self._record.replayed += answer.get("replayed", False)
        if "code" in answer:
            self._record.refusals[answer["code"]] += 1
        return "code" not in answer

    def _must_succeed(self, answer: dict[str, Any], purchase: Purchase) -> None:
        if not self._succeeded(answer):
            raise Unanswered(f"{purchase.id} was refused: {answer}")
