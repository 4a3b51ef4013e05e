"""Walks through connections: pages of any list, filter and order, from cursor to cursor."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.compiler.queries import LIMITS, SCHEMA, Request, arguments_of

PLACES = {
    "users": "",
    "categories": "",
    "products": "",
    "orders": "",
    "User.orders": 'user(by: {id: "user_1"})',
    "Category.products": 'category(by: {id: "cat_1"})',
    "Product.orderItems": 'product(id: "prod_4")',
    "Product.stockMovements": 'product(id: "prod_1")',
}
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


@st.composite
def walks(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], list[dict[str, Any]]]:
    """Return a query for a page, its place, the variables of the list and, step by step, those of the page.

    A step names the cursor of the page before that it begins at: `start` or `end`.
    """
    place = draw(st.sampled_from(list(PLACES)))
    type_, _, name = place.rpartition(".")
    field = SCHEMA.type_map[type_ or "Query"].fields[name]  # type: ignore[attr-defined]
    request = Request(draw)
    given = arguments_of(request, field, ["where", "orderBy"])
    given += [f"{name}: ${name}" for name in ("first", "after", "last", "before")]
    for name_, kind in (("first", "Int"), ("last", "Int"), ("after", "String"), ("before", "String")):
        request.declared.append(f"${name_}: {kind}")
    nested = f"{name}({', '.join(given)}) {{ edges {{ cursor node {{ id }} }} nodes {{ id }} {PAGE} }}"
    query, values = request.document(f"{PLACES[place]} {{ {nested} }}" if type_ else nested)
    steps = [_step(draw) for _ in range(draw(st.integers(2, 4)))]
    return query, name, values, steps


def _step(draw: st.DrawFn) -> dict[str, Any]:
    size = draw(st.sampled_from(["first", "last"]))
    bounds = draw(st.lists(st.sampled_from(["after", "before"]), max_size=2, unique=True))
    return {size: draw(LIMITS), **{bound: draw(st.sampled_from(["startCursor", "endCursor"])) for bound in bounds}}


def page_in(answer: bytes, name: str) -> dict[str, Any] | None:
    """Return the `pageInfo` of the connection `name` in an answer, or None after an error."""
    data = json.loads(answer).get("data") or {}
    for value in (data, *data.values()):
        if isinstance(value, dict) and isinstance(value.get(name), dict):
            info: dict[str, Any] = value[name]["pageInfo"]
            return info
    return None
