"""What resolvers are called with is what Strawberry would call them with."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, parse
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

from shop_graphql.api.arguments import converted, members_of
from shop_graphql.api.schema import schema
from shop_graphql.errors import BadArgument

CALLS = [
    'mutation { createOrder(input: {idempotencyKey: "1", items: [{productId: "prod_1", quantity: 2}]}) '
    "{ __typename } }",
    'mutation { createOrder(input: {idempotencyKey: "1", items: {productId: "p", quantity: 2}, userId: "user_1", '
    'expectedTotal: "1.50", dryRun: true}) { __typename } }',
    'mutation { updateProduct(input: {productId: "prod_1", description: null, price: 3}) { __typename } }',
    'mutation { createProduct(input: {idempotencyKey: "1", name: "x", price: 1, category: {new: {name: "y"}}}) '
    "{ __typename } }",
    'mutation { upsertProducts(input: {idempotencyKey: "1", policy: SKIP_FAILED, rows: [{sku: "1", name: "x", '
    'price: "1", category: "c"}]}) { __typename } }',
    "{ products { __typename } }",
    "{ products(first: 3, where: null, orderBy: null) { __typename } }",
    '{ products(where: {or: [{price: {gte: "1"}}, {not: {name: {eq: "x"}}}], and: [], ids: ["prod_1"]}, '
    "orderBy: [{field: PRICE}, {field: NAME, direction: DESC}]) { __typename } }",
    '{ user(by: {email: "x"}) { __typename } }',
    '{ orders(where: {statuses: [PENDING, CANCELLED], createdAt: {lt: "2026-01-01T00:00:00Z"}}) { __typename } }',
    '{ nodes(ids: ["a", "b"]) { __typename } }',
]


REFUSED = [
    'mutation { updateProduct(input: {productId: "prod_1", name: null}) { __typename } }',
    'mutation { upsertProducts(input: {idempotencyKey: "1", rows: [{sku: "1", name: "x", price: "1", category: "c", '
    "stockQuantity: null}]}) { __typename } }",
    'mutation { createOrder(input: {idempotencyKey: "1", userId: null, items: []}) { __typename } }',
]


@pytest.mark.parametrize("call", CALLS)
def test_values_are_converted_as_strawberry_does(call: str) -> None:
    arguments, values = parts(call)
    expected = convert_arguments(values, arguments, schema.schema_converter.scalar_registry, schema.config)
    assert converted(members_of(arguments), values) == expected


@pytest.mark.parametrize("call", REFUSED)
def test_values_are_refused_as_strawberry_does(call: str) -> None:
    arguments, values = parts(call)
    with pytest.raises(StrawberryInputCoercionError):
        convert_arguments(values, arguments, schema.schema_converter.scalar_registry, schema.config)
    with pytest.raises(BadArgument):
        converted(members_of(arguments), values)


def parts(call: str) -> tuple[Any, dict[str, Any]]:
    """Return the arguments of the one field in a document, as they are declared and as they are given."""
    (operation,) = parse(call).definitions
    root = schema._schema.get_root_type(operation.operation)  # type: ignore[attr-defined]
    assert isinstance(root, GraphQLObjectType)
    (node,) = operation.selection_set.selections  # type: ignore[attr-defined]
    field = root.fields[node.name.value]
    values: dict[str, Any] = get_argument_values(field, node, VariableValues({}, {}))
    return field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].arguments, values
