"""How a query is answered: the statement that it is compiled to, and PostgreSQL's plan for that."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg

from shop_graphql.access import Viewer
from shop_graphql.api.compiled import compiler, texts
from shop_graphql.compiler.selection import NotCompiledError
from shop_graphql.connection import reason
from shop_graphql.database import Database
from shop_graphql.errors import StartupError
from shop_graphql.settings import Settings
from shop_graphql.statements.visibility import VIEWER

_WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]|\s+|[^\s()'\"]+")
_INDENT = "  "


async def explain(
    settings: Settings, url: str, query: str, variables: Mapping[str, Any], viewer: Viewer, *, analyze: bool
) -> str:
    """Return the statement for a query, its parameters and its plan; `analyze` runs it. Raises StartupError."""
    try:
        plan, parameters = await compiler(texts()).plan(query, None, variables, viewer.role, {VIEWER: viewer.user_id})
    except NotCompiledError as why:
        raise StartupError(f"This is answered by the resolvers: {why}.") from None
    database = Database(settings, url)
    try:
        options = "ANALYZE, BUFFERS" if analyze else "COSTS"
        lines = await database.direct.lines(f"EXPLAIN ({options}) {plan.sql}", parameters)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartupError(f"The database refused: {reason(error)}.") from None
    finally:
        await database.close()
    values = [f"${number} = {value!r}" for number, value in enumerate(parameters, 1)]
    return "\n".join([readable(plan.sql), "", *values, "", *lines])


def readable(sql: str) -> str:
    """Return a statement with a line for each sub-select, indented by how deep it lies."""
    return "".join(_laid_out(_WORD.findall(sql))).strip()


def _laid_out(words: list[str]) -> Iterator[str]:
    selects: list[bool] = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        depth = sum(selects)
        if word == "(":
            selects.append(following == "SELECT")
            yield f"(\n{_INDENT * (depth + 1)}" if selects[-1] else word
        elif word == ")":
            yield f"\n{_INDENT * (depth - 1)})" if selects.pop() else word
        elif word in ("FROM", "WHERE", "UNION") and False not in selects[-1:]:
            yield f"\n{_INDENT * depth}{word}"
        else:
            yield " " if word.isspace() else word
