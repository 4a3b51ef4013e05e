"""A product as a file or a client describes it, and the rules that such a description keeps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from shop_graphql.errors import Issue, Path
from shop_graphql.services.rules import MAX_DESCRIPTION, Rules
from shop_graphql.services.stock import MAX_STOCK


class Keep(Enum):
    """In place of a value: the one that is there stays."""

    KEEP = "keep"


@dataclass(frozen=True)
class ProductRow:
    """A product as it is to be. Without a stock quantity stock stays as it is, and is 0 in a new product."""

    sku: str
    name: str
    price: Decimal
    category: str
    description: str | Keep | None = Keep.KEEP
    stock_quantity: int | None = None


@dataclass(frozen=True)
class Judged:
    """A row, trimmed, and the rules it breaks."""

    row: ProductRow
    issues: tuple[Issue, ...]


def judge_products(rows: Sequence[ProductRow]) -> list[Judged]:
    """Return each row with what is wrong with it; all of that can be told without the database."""
    seen: set[str] = set()
    judged = []
    for index, row in enumerate(rows):
        one = _judge(row, ("rows", index), seen)
        seen.add(one.row.sku)
        judged.append(one)
    return judged


def _judge(row: ProductRow, path: Path, seen: Collection[str]) -> Judged:
    rules = Rules()
    sku = rules.text(row.sku, (*path, "sku"), 64)
    rules.require(not sku or sku not in seen, (*path, "sku"), "This SKU stands in an earlier row.")
    trimmed = replace(
        row,
        sku=sku,
        name=rules.text(row.name, (*path, "name"), 200),
        price=rules.price(row.price, (*path, "price")),
        category=rules.text(row.category, (*path, "category"), 100),
    )
    if not isinstance(row.description, Keep):
        description = rules.optional_text(row.description, (*path, "description"), MAX_DESCRIPTION)
        trimmed = replace(trimmed, description=description)
    if row.stock_quantity is not None:
        rules.integer(row.stock_quantity, (*path, "stock_quantity"), 0, MAX_STOCK)
    return Judged(trimmed, rules.issues)
