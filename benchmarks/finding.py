"""What finding things costs on 100,000 products, beside a page of 24 products that is read by primary keys.

Run by `make bench-finding`. The requests alternate, so that a change in the machine's speed meets all of them; what
counts is the ratio. Times are of whole GraphQL requests inside one process, without HTTP.
"""

import asyncio
import gc
import statistics
import time
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from benchmarks.viewer import context as context_of
from shop_graphql import embedded, migration
from shop_graphql.access import Role
from shop_graphql.api.schema import schema
from shop_graphql.database import Database
from shop_graphql.models import Product
from shop_graphql.sample.loading import NotEmpty, load
from shop_graphql.sample.size import Size
from shop_graphql.settings import Settings, read_settings
from shop_graphql.statements import cursors
from shop_graphql.statements.pages import Source
from shop_graphql.statements.sorting import Sort, total

PAGE = 24
ROUNDS = 15
SIZE = Size(categories=50, products=100_000, users=20_000, orders=100_000)
BY_KEYS = "24 products by primary keys"

LIST = "products(first: 24%s) { nodes { id name price } %s }"
FIGURES = "aggregate { price { min max avg sum } stockQuantity { min max sum } stockValue }"
FACETS = 'facets { categories { category { name } count } prices(bounds: ["10", "50", "100"]) { count } }'
DOCUMENTS = {
    "first page": LIST % ("", ""),
    "first page by price and name": LIST % (", orderBy: [{field: PRICE}, {field: NAME, direction: DESC}]", ""),
    "page 1,000 by price": LIST % (", orderBy: [{field: PRICE}], after: $after", ""),
    "filtered by price, stock, category": LIST
    % (', where: {price: {gte: "10", lt: "100"}, inStock: true, categoryIds: ["cat_1", "cat_2"]}', ""),
    "search, two words": LIST % (', where: {search: "desk lamp"}', "totalCount { value }"),
    "search, a mistyped word": LIST % (', where: {search: "hedphones"}', "totalCount { value }"),
    "search with facets": LIST % (', where: {search: "lamp"}', FACETS),
    "aggregate of all": LIST % ("", FIGURES),
    "facets of all": LIST % ("", FACETS),
    "aggregate of a category": LIST % (', where: {categoryIds: ["cat_1"]}', FIGURES),
    "never ordered": LIST % (", where: {everOrdered: false}", ""),
}


async def measure(database: Database) -> dict[str, float]:
    """Return the median of each request, in milliseconds."""
    source, order = Source(Product, Role.STAFF), total([Sort("price")])
    async with database.transaction() as session:
        nth = select(Product).order_by(Product.price, Product.id).offset(999 * PAGE - 1).limit(1)
        after = cursors.encode(source, order, (await session.scalars(nth)).one())
    ids = [f"prod_{4_000 * n + 1}" for n in range(PAGE)]
    documents = {
        BY_KEYS: "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Product { id name price } } }",
        **{name: f"query {'($after: String)' if '$' in text else ''} {{ {text} }}" for name, text in DOCUMENTS.items()},
    }
    times: dict[str, list[float]] = {name: [] for name in documents}
    for _ in range(ROUNDS):
        for name, document in documents.items():
            variables = {"ids": ids, "after": after}
            times[name].append(await _time(database, document, variables))
    return {name: statistics.median(values) * 1000 for name, values in times.items()}


async def _time(database: Database, document: str, variables: dict[str, Any]) -> float:
    gc.collect()  # or it strikes the same request in every round
    context = context_of(database)
    start = time.perf_counter()
    result = await schema.execute(document, variable_values=variables, context_value=context)
    await context.close()
    if result.errors:
        raise RuntimeError(result.errors)
    return time.perf_counter() - start


def main() -> None:
    """Load the products, unless they are there from an earlier run, and print the table."""
    console = Console()
    with embedded.server(read_settings().data_dir) as server:
        url = server.database("bench_finding")
        migration.upgrade(url)
        try:
            with console.status("Loading 100,000 products, which takes half a minute the first time"):
                load(url, SIZE, lambda _: None)
        except NotEmpty:
            pass
        medians = asyncio.run(_run(url))
    table = Table("Request", "Median, ms", "Ratio", title="100,000 products")
    for name, median in medians.items():
        table.add_row(name, f"{median:.1f}", f"{median / medians[BY_KEYS]:.1f}")
    console.print(table)


async def _run(url: str) -> dict[str, float]:
    database = Database(Settings(), url)
    try:
        return await measure(database)
    finally:
        await database.close()


if __name__ == "__main__":
    main()
