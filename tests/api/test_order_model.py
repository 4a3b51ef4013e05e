"""The life of orders against a plain model: whatever is done in whatever order, both come to the same."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from shop_graphql.database import Database
from tests import properties
from tests.api.conftest import Client
from tests.api.mutating import Values, mutate
from tests.conftest import TABLES
from tests.factories import Factory

STATE = """{
  products(orderBy: [{field: NAME}]) { nodes { stockQuantity stockMovements(first: 100) { nodes { delta } } } }
  orders(first: 100, orderBy: [{field: CREATED_AT}]) { nodes { id status items { quantity } } }
}"""
START = (9, 5)
Quantities = tuple[int, int]


@dataclass
class Model:
    """A shop of two products, the plain way."""

    stock: list[int] = field(default_factory=lambda: list(START))
    orders: dict[str, tuple[str, Quantities]] = field(default_factory=dict)
    placed: int = 0

    def take(self, quantities: Quantities, sign: int = -1) -> None:
        self.stock = [there + sign * wanted for there, wanted in zip(self.stock, quantities, strict=True)]

    def create(self, quantities: Quantities) -> str:
        if any(wanted > there for there, wanted in zip(self.stock, quantities, strict=True)):
            return "OutOfStockError"
        self.placed += 1
        self.orders[f"ord_{self.placed}"] = ("PENDING", quantities)
        self.take(quantities)
        return "CreateOrderSuccess"

    def step(self, name: str, id: str, status: str, restock: bool) -> str:
        if id not in self.orders:
            return "NotFoundError"
        current, quantities = self.orders[id]
        if current != "PENDING":
            return "InvalidTransitionError"
        self.orders[id] = (status, quantities)
        if restock:
            self.take(quantities, +1)
        return f"{name[0].upper()}{name[1:]}Success"

    def delete(self, id: str) -> str:
        if id not in self.orders:
            return "NotFoundError"
        status, quantities = self.orders.pop(id)
        if status != "CANCELLED":
            self.take(quantities, +1)
        return "DeleteOrderSuccess"

    def adjust(self, product: int, delta: int) -> str:
        if self.stock[product] + delta < 0:
            return "OutOfStockError"
        self.stock[product] += delta
        return "AdjustStockSuccess"


QUANTITIES = st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any)
ORDERS = st.integers(1, 8).map("ord_{}".format)


def machine(run: Callable[[Coroutine[Any, Any, Any]], Any], client: Client, database: Database) -> Any:
    """Return the state machine class that drives `client` and a model side by side."""

    async def prepare() -> None:
        async with database.transaction() as session:
            await session.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE"))
        await Factory(database).user()
        for name, stock in zip("AB", START, strict=True):
            category: Values = {"new": {"name": "All"}} if name == "A" else {"id": "cat_1"}
            await mutate(client, "createProduct", name=name, price="1", stockQuantity=stock, category=category)

    class Shop(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            run(prepare())

        def same(self, expected: str, name: str, **input: Any) -> None:
            assert run(mutate(client, name, **input))["__typename"] == expected

        @rule(quantities=QUANTITIES)
        def create(self, quantities: Quantities) -> None:
            items = [{"productId": f"prod_{n}", "quantity": q} for n, q in enumerate(quantities, 1) if q]
            self.same(self.model.create(quantities), "createOrder", userId="user_1", items=items)

        @rule(id=ORDERS)
        def complete(self, id: str) -> None:
            expected = self.model.step("completeOrder", id, "COMPLETED", restock=False)
            self.same(expected, "completeOrder", orderId=id)

        @rule(id=ORDERS, restock=st.booleans())
        def cancel(self, id: str, restock: bool) -> None:
            expected = self.model.step("cancelOrder", id, "CANCELLED", restock)
            self.same(expected, "cancelOrder", orderId=id, restock=restock)

        @rule(id=ORDERS)
        def delete(self, id: str) -> None:
            self.same(self.model.delete(id), "deleteOrder", orderId=id)

        @rule(product=st.integers(0, 1), delta=st.integers(-4, 4).filter(bool))
        def adjust(self, product: int, delta: int) -> None:
            expected = self.model.adjust(product, delta)
            self.same(expected, "adjustStock", productId=f"prod_{product + 1}", delta=delta)

        @invariant()
        def agree(self) -> None:
            state = run(client.ask(STATE))
            products = state["products"]["nodes"]
            assert [product["stockQuantity"] for product in products] == self.model.stock
            deltas = [sum(row["delta"] for row in p["stockMovements"]["nodes"]) for p in products]
            assert deltas == self.model.stock
            orders = {order["id"]: order["status"] for order in state["orders"]["nodes"]}
            assert orders == {id: status for id, (status, _) in self.model.orders.items()}

    return Shop


async def test_the_shop_does_what_the_model_does(client: Client, database: Database) -> None:
    def examine(run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        chosen = settings(
            max_examples=15,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine(run, client, database), settings=chosen)

    await properties.check(examine)
