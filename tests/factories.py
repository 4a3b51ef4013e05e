"""Rows for tests: each factory takes what matters to the test and invents the rest."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import TypeVar

from shop_graphql import models
from shop_graphql.access import Role
from shop_graphql.database import Database

M = TypeVar("M", bound=models.Base)


class Factory:
    """Makes committed rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = count(1)

    async def user(
        self,
        email: str | None = None,
        full_name: str = "Ada Lovelace",
        role: Role = Role.CUSTOMER,
        password_hash: str | None = None,
    ) -> models.User:
        email = email or f"user{next(self._number)}@example.com"
        user = await self._add(models.User(email=email, full_name=full_name, role=role))
        if password_hash:
            await self._add(models.Credential(user_id=user.id, password_hash=password_hash))
        return user

    async def category(self, name: str | None = None, description: str | None = None) -> models.Category:
        return await self._add(models.Category(name=name or f"Category {next(self._number)}", description=description))

    async def product(
        self,
        name: str | None = None,
        price: str = "10.00",
        stock: int = 10,
        category: models.Category | None = None,
        created_at: datetime | None = None,
    ) -> models.Product:
        category = category or await self.category()
        product = models.Product(
            name=name or f"Product {next(self._number)}",
            price=Decimal(price),
            stock_quantity=stock,
            category_id=category.id,
        )
        if created_at:
            product.created_at = created_at
        return await self._add(product)

    async def order(
        self,
        user: models.User | None = None,
        items: Sequence[tuple[models.Product, int]] = (),
        status: models.OrderStatus = models.OrderStatus.PENDING,
    ) -> models.Order:
        user = user or await self.user()
        order = models.Order(
            user_id=user.id, status=status, total_amount=sum((p.price * quantity for p, quantity in items), Decimal())
        )
        order.items = [
            models.OrderItem(product_id=p.id, product_name=p.name, quantity=q, unit_price=p.price) for p, q in items
        ]
        return await self._add(order)

    async def _add(self, row: M) -> M:
        async with self._database.transaction() as session:
            session.add(row)
        return row
