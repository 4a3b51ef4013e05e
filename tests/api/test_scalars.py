"""What scalars read, and what they say of anything else."""

from typing import Any

import pytest
from graphql import GraphQLError

from shop_graphql.api.scalars import parse_money, parse_whole_number


@pytest.mark.parametrize(
    ("given", "number"),
    [("2147483648", 2**31), (-7, -7), ("-0", 0), ("9" * 19, 10**19 - 1), (10**19 - 1, 10**19 - 1)],
)
def test_a_whole_number_is_a_number_or_a_text_of_digits(given: Any, number: int) -> None:
    assert parse_whole_number(given) == number


@pytest.mark.parametrize("given", ["", "1.0", "1e3", "٣", " 1", "9" * 20, 10**19, 1.0, True, None, "1\n", "NaN"])
def test_whatever_else_is_no_whole_number(given: Any) -> None:
    with pytest.raises(GraphQLError, match="WholeNumber is"):
        parse_whole_number(given)


@pytest.mark.parametrize(
    ("given", "amount"), [("19.99", "19.99"), (7, "7"), ("-0", "0"), ("-0.5", "-0.5"), ("1" * 8 + ".25", "11111111.25")]
)
def test_money_is_exact(given: Any, amount: str) -> None:
    assert str(parse_money(given)) == amount


@pytest.mark.parametrize(
    "given", ["", "1e3", "NaN", "Infinity", "1.234", "1" * 11, 10**10, 1.5, True, None, "٣", "1\n"]
)
def test_whatever_else_is_no_money(given: Any) -> None:
    with pytest.raises(GraphQLError, match="Money is"):
        parse_money(given)
