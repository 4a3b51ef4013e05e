"""Changes of many products at once in the graph."""

from typing import Annotated

import strawberry

from shop_graphql import models, services
from shop_graphql.api.catalog import Product
from shop_graphql.api.context import Info
from shop_graphql.api.enums import UpsertPolicy, UpsertStatus
from shop_graphql.api.errors import Given, IdempotencyConflictError, ValidationError, ValidationIssue
from shop_graphql.api.fields import named
from shop_graphql.api.inputs import KEY, REPLAYED, value_or_none
from shop_graphql.api.scalars import Money
from shop_graphql.services.bulk import Upserted


@strawberry.input(description="A product as it is to be, found by its SKU.")
class ProductRowInput:
    sku: str = strawberry.field(description="Which product; a new one when none has it. At most 64 characters.")
    name: str = strawberry.field(description="At most 200 characters. Orders keep the old name.")
    price: Money = strawberry.field(description="What one costs from now on: 0.00 to 99999999.99.")
    category: str = strawberry.field(
        description="The name of its category, at most 100 characters; one that does not exist is created."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="What it is, at most 20,000 characters; null removes it, and absent it stays as it is."
    )
    stock_quantity: strawberry.Maybe[int] = strawberry.field(
        description="How many there are from now on: 0 to 1,000,000,000. Absent it stays as it is; a new product has 0."
    )

    def value(self) -> services.ProductRow:
        """Return the input as the services take it."""
        return services.ProductRow(
            sku=self.sku,
            name=self.name,
            price=self.price,
            category=self.category,
            description=self.description.value if self.description else services.Keep.KEEP,
            stock_quantity=value_or_none(self.stock_quantity),
        )


@strawberry.input(description="Products to create or to change.")
class UpsertProductsInput:
    idempotency_key: str = strawberry.field(description=KEY)
    rows: list[ProductRowInput] = strawberry.field(description="1 to 250 products, each SKU once.")
    policy: UpsertPolicy = strawberry.field(
        default=UpsertPolicy.ALL_OR_NOTHING, description="What a row that breaks a rule means for the others."
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Only try: everything is checked and reported as it would be, and nothing is written.",
    )


@strawberry.type(description="What came of one row.")
class UpsertOutcome:
    product_id: strawberry.Private[int | None]
    sku: str = strawberry.field(description="The SKU of the row, without spaces at its ends.")
    status: UpsertStatus = strawberry.field(description="What came of the row.")
    issues: list[ValidationIssue] = strawberry.field(description="The rules that it breaks, when it failed.")

    product: Product | None = named(
        models.Product, "product_id", "The product as it is now; null when the row failed, or it was deleted since."
    )

    @classmethod
    def from_outcome(cls, outcome: Upserted, given: Given) -> "UpsertOutcome":
        """Return an outcome of the service, with its issues where the client wrote the values."""
        issues = [ValidationIssue(path=given.path(tuple(i["path"])), message=i["message"]) for i in outcome["issues"]]
        status = UpsertStatus(outcome["status"])
        return cls(product_id=outcome["product_id"], sku=outcome["sku"], status=status, issues=issues)


@strawberry.type(description="The rows were carried out, apart from those that failed.")
class UpsertProductsSuccess:
    outcomes: list[UpsertOutcome] = strawberry.field(description="One for each row, in their order.")
    replayed: bool = strawberry.field(description=REPLAYED)

    @strawberry.field(description="How many products were created.")
    def created_count(self) -> int:
        return self._count(UpsertStatus.CREATED)

    @strawberry.field(description="How many products were changed.")
    def updated_count(self) -> int:
        return self._count(UpsertStatus.UPDATED)

    @strawberry.field(description="How many products were like this already.")
    def unchanged_count(self) -> int:
        return self._count(UpsertStatus.UNCHANGED)

    @strawberry.field(description="How many rows failed.")
    def failed_count(self) -> int:
        return self._count(UpsertStatus.FAILED)

    def _count(self, status: UpsertStatus) -> int:
        return sum(outcome.status is status for outcome in self.outcomes)


UpsertProductsResult = Annotated[
    UpsertProductsSuccess | ValidationError | IdempotencyConflictError,
    strawberry.union("UpsertProductsResult", description="What came of creating and changing products."),
]


@strawberry.type
class BulkMutations:
    @strawberry.mutation(
        description="Create products whose SKU is new, and change those that differ. Done again, it changes nothing."
    )
    async def upsert_products(self, info: Info, input: UpsertProductsInput) -> UpsertProductsResult:
        rows = [row.value() for row in input.rows]
        if input.dry_run:
            found = await info.context.preview(services.upsert_products, rows=rows, policy=input.policy)
            return _success(info, found, replayed=False)
        outcome = await info.context.write_once(
            input.idempotency_key, services.upsert_products, rows=rows, policy=input.policy
        )
        return _success(info, outcome.result, replayed=outcome.replayed)


def _success(info: Info, outcomes: list[Upserted], *, replayed: bool) -> UpsertProductsSuccess:
    given = Given(info)
    shown = [UpsertOutcome.from_outcome(outcome, given) for outcome in outcomes]
    return UpsertProductsSuccess(outcomes=shown, replayed=replayed)
