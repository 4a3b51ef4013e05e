"""`upsertProducts`: what it answers, that it can be sent again, and that trying leaves nothing."""

from typing import Any

import pytest

from shop_graphql.database import Database
from tests.api.conftest import Client
from tests.api.mutating import document, done, invalid, mutate, path, refused, tables

OUTCOMES = """
    outcomes { sku status product { id name stockQuantity category { name } } issues { path message } }
    createdCount updatedCount unchangedCount failedCount replayed
"""
NOVEL = {"sku": "N", "name": "Novel", "price": "12.00", "category": "Books", "stockQuantity": 4}
POEM = {"sku": "P", "name": "Poem", "price": 5, "category": "Books"}
STOCK = "This must be from 0 to 1000000000."
EMPTY = "This must not be empty."


def success(*outcomes: Any, replayed: bool = False, **counts: int) -> dict[str, Any]:
    numbers = {f"{status}Count": counts.get(status, 0) for status in ("created", "updated", "unchanged", "failed")}
    return done("upsertProducts", outcomes=list(outcomes), replayed=replayed, **numbers)


def outcome(status: str, number: int, name: str, stock: int, sku: str) -> dict[str, Any]:
    product = {"id": f"prod_{number}", "name": name, "stockQuantity": stock, "category": {"name": "Books"}}
    return {"sku": sku, "status": status, "product": product, "issues": []}


def failed(sku: str, message: str, *steps: str | int) -> dict[str, Any]:
    return {"sku": sku, "status": "FAILED", "product": None, "issues": [{"path": path(*steps), "message": message}]}


async def upsert(client: Client, *rows: Any, **input: Any) -> Any:
    return await mutate(client, "upsertProducts", OUTCOMES, rows=list(rows), **input)


async def test_upsert_products_creates_and_changes(client: Client) -> None:
    novel, poem = outcome("CREATED", 1, "Novel", 4, "N"), outcome("CREATED", 2, "Poem", 0, "P")
    assert await upsert(client, NOVEL, POEM) == success(novel, poem, created=2)
    changed = await upsert(client, {**POEM, "stockQuantity": 1}, NOVEL, {**NOVEL, "sku": "O"})
    assert changed == success(
        outcome("UPDATED", 2, "Poem", 1, "P"),
        outcome("UNCHANGED", 1, "Novel", 4, "N"),
        outcome("CREATED", 3, "Novel", 4, "O"),
        created=1,
        updated=1,
        unchanged=1,
    )


async def test_upsert_products_tells_an_absent_description_from_null(client: Client, database: Database) -> None:
    for description, stored in ((" To read. ", "To read."), (..., "To read."), (None, None)):
        given = {} if description is ... else {"description": description}
        await upsert(client, {**NOVEL, **given})
        assert (await tables(database))["products"][0][2] == stored


async def test_upsert_products_sent_again_is_answered_again(client: Client, database: Database) -> None:
    rows = [NOVEL, {**POEM, "name": ""}]
    input = {"policy": "SKIP_FAILED", "idempotencyKey": "k"}
    bad = failed("P", EMPTY, "rows", 1, "name")
    first = await upsert(client, *rows, **input)
    assert first == success(outcome("CREATED", 1, "Novel", 4, "N"), bad, created=1, failed=1)
    before = await tables(database)
    assert await upsert(client, *rows, **input) == {**first, "replayed": True}
    assert await upsert(client, *rows, idempotencyKey="k") == refused(
        "IdempotencyConflict", "This key was used for another request; use a new one.", path=path("idempotencyKey")
    )
    assert await tables(database) == before


@pytest.mark.parametrize("dry_run", [False, True])
async def test_upsert_products_reports_every_bad_row(client: Client, database: Database, dry_run: bool) -> None:
    before = await tables(database)
    rows = [NOVEL, {**POEM, "stockQuantity": -1}, {**NOVEL, "name": " "}]
    twice = "This SKU stands in an earlier row."
    problems = [((1, "stockQuantity"), STOCK), ((2, "sku"), twice), ((2, "name"), EMPTY)]
    assert await upsert(client, *rows, dryRun=dry_run) == refused(
        "Validation",
        "; ".join(message for _, message in problems),
        issues=[{"path": path("rows", *steps), "message": message} for steps, message in problems],
    )
    assert await tables(database) == before


async def test_upsert_products_can_be_tried(client: Client, database: Database) -> None:
    await upsert(client, NOVEL)
    before = await tables(database)
    rows = [{**NOVEL, "stockQuantity": 5}, POEM, {**POEM, "sku": " "}]
    tried = await upsert(client, *rows, policy="SKIP_FAILED", dryRun=True)
    assert [(one["status"], one["product"] and one["product"]["stockQuantity"]) for one in tried["outcomes"]] == [
        ("UPDATED", 5),
        ("CREATED", 0),
        ("FAILED", None),
    ]
    assert await tables(database) == before


async def test_upsert_products_takes_250_rows_and_no_more(client: Client, statements: list[str]) -> None:
    rows = [{**POEM, "sku": f"P{number}"} for number in range(251)]
    assert (await upsert(client, *rows[:250]))["createdCount"] == 250
    assert len(statements) < 20
    assert await upsert(client, *rows) == invalid("These are 251 rows; 1 to 250 are allowed.", "rows")
    assert await upsert(client) == invalid("These are 0 rows; 1 to 250 are allowed.", "rows")


@pytest.mark.parametrize(("field", "value"), [("price", "NaN"), ("stockQuantity", None), ("sku", None)])
async def test_upsert_products_refuses_what_has_the_wrong_type(client: Client, field: str, value: Any) -> None:
    input = {"idempotencyKey": "k", "rows": [{**NOVEL, field: value}]}
    error = await client.fail(document("upsertProducts"), input=input)
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
