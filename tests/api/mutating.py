"""What tests of mutations share: any mutation by its name, its refusals as values, and the tables as they are."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from shop_graphql.database import Database
from shop_graphql.models import Base
from tests.api.conftest import Client

REFUSAL = """
fragment Facts on UserError {
  __typename code message
  ... on ValidationError { issues { path message } }
  ... on NotFoundError { path id }
  ... on AlreadyExistsError { path }
  ... on OutOfStockError { shortages { path requested available product { id } } }
  ... on InUseError { orderCount productCount }
  ... on IdempotencyConflictError { path }
  ... on PriceChangedError { expected actual }
  ... on InvalidTransitionError { from to allowed }
  ... on VersionConflictError { current }
}
fragment Refusal on UserError { ...Facts otherErrors { ...Facts } }
"""

KEYED = {
    "addCategoryStock",
    "adjustStock",
    "cancelOrder",
    "completeOrder",
    "createOrder",
    "createProduct",
    "upsertProducts",
}

Values = dict[str, Any]
Tables = dict[str, list[tuple[Any, ...]]]


def document(name: str, success: str = "__typename") -> str:
    """Return the document of one mutation; `success` is what it selects of the payload."""
    noun = name[0].upper() + name[1:]
    return f"""
        mutation ($input: {noun}Input!) {{
          {name}(input: $input) {{ __typename ... on {noun}Success {{ {success} }} ...Refusal }}
        }}
        {REFUSAL}
    """


async def mutate(client: Client, name: str, success: str = "__typename", /, **input: Any) -> Values:
    """Run one mutation and return its success or refusal."""
    result: Values = (await client.ask(document(name, success), input=keyed(name, input)))[name]
    return result


def keyed(name: str, input: Values) -> Values:
    """Return the input with a new idempotency key, where the mutation takes one."""
    return {"idempotencyKey": uuid4().hex, **input} if name in KEYED else input


def done(name: str, **payload: Any) -> Values:
    """Return the success of the mutation `name`."""
    return {"__typename": f"{name[0].upper()}{name[1:]}Success", **payload}


def refused(kind: str, message: str, **facts: Any) -> Values:
    """Return a refusal beside which nothing else was wrong."""
    return {**fact(kind, message, **facts), "otherErrors": []}


def fact(kind: str, message: str, **facts: Any) -> Values:
    """Return a refusal as it stands in `otherErrors`."""
    code = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in kind).lstrip("_")
    return {"__typename": f"{kind}Error", "code": code, "message": message, **facts}


def path(*steps: str | int) -> list[str]:
    """Return a path within the argument `input`."""
    return ["input", *map(str, steps)]


def invalid(message: str, *steps: str | int) -> Values:
    """Return the refusal of one value."""
    return refused("Validation", message, issues=[{"path": path(*steps), "message": message}])


def unknown(noun: str, id: str, *steps: str | int) -> Values:
    """Return the refusal of one id that names nothing."""
    return refused("NotFound", f"There is no such {noun}.", path=path(*steps), id=id)


async def tables(database: Database) -> Tables:
    """Return every row of every table."""
    async with database.transaction() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }
