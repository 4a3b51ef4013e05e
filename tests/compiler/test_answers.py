"""Awkward requests are answered in both ways alike."""

import re
from typing import Any

import pytest

from tests.compiler.conftest import Ways

EVIL = ["'; DROP TABLE products; --", '"}], "x": [', "\\", "$1", "%s", ":id", "\u2028", "{{", "\x01", "' OR '1'='1"]


@pytest.mark.parametrize("text", EVIL)
async def test_whatever_a_client_writes_is_a_value(ways: Ways, text: str) -> None:
    query = """
    query ($text: String!, $id: ID!) {
      a: products(where: {or: [{search: $text}, {name: {startsWith: $text}}, {sku: {eq: $text}}]}) { nodes { name } }
      b: category(by: {name: $text}) { id }
      c: user(by: {email: $text}) { id }
      d: node(id: $id) { id }
      e: products(after: $text) { nodes { id } }
    }
    """
    for cut in (query, query.replace("e: products(after: $text) { nodes { id } }", "")):
        compiled, resolved = await ways.ask(cut, {"text": text, "id": text})
        assert compiled == resolved


async def test_an_alias_of_any_length_is_a_key(ways: Ways) -> None:
    alias = "a" * 300
    compiled, resolved = await ways.ask(f'{{ product(id: "prod_1") {{ {alias}: name B{alias}: name }} }}')
    assert compiled == resolved


async def test_more_fields_than_a_function_takes_arguments_are_all_there(ways: Ways) -> None:
    fields = " ".join(f"f{number}: name g{number}: createdAt" for number in range(140))
    compiled, resolved = await ways.ask(f'{{ product(id: "prod_1") {{ {fields} }} }}')
    assert compiled == resolved


async def test_a_missing_object_that_must_not_be_missing_is_told_by_the_resolvers(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = ways.app.state.database.direct
    fetch = direct.fetch

    async def blind(sql: str, parameters: Any) -> str:
        text: str = await fetch(re.sub(r"categories.id = \w+.category_id", "false", sql), parameters)
        assert "\x01" in text
        return text

    monkeypatch.setattr(direct, "fetch", blind)
    compiled, resolved = await ways.ask('{ product(id: "prod_1") { category { name } } }')
    assert compiled == resolved
