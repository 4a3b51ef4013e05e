from decimal import Decimal
from typing import Any

import pytest

from benchmarks.compare.answers import in_words_of, normal

PLAIN = {"products": [{"id": 7, "price": "3.5", "createdAt": "2024-02-01T00:13:00.123Z"}]}
OWN = {"products": {"nodes": [{"id": "prod_7", "price": "3.50", "createdAt": "2024-02-01T00:13:00.123456+00:00"}]}}


def test_ids_money_times_and_lists_are_written_alike() -> None:
    assert normal(PLAIN) == normal(OWN)
    assert normal(PLAIN)["products"][0]["price"] == Decimal("3.50")


@pytest.mark.parametrize(
    "answer",
    [
        {"createOrder": {"id": 1, "status": "pending"}},
        {"createOrder": {"order": {"id": "ord_1", "status": "PENDING"}}},
        {"p": {"createOrder": {"id": 1, "status": "pending"}}},
    ],
)
def test_the_payload_of_a_mutation_is_looked_through(answer: dict[str, Any]) -> None:
    assert normal(answer) == {"createOrder": {"id": 1, "status": "pending"}}


def test_what_is_not_there_differs_from_everything() -> None:
    assert normal({"product": None}) == {"product": None}
    assert normal({"name": "A"}) != normal({"name": "a"})


def test_an_order_is_put_in_the_words_of_the_shop_with_a_key_of_its_own() -> None:
    given = {"userId": 3, "items": [{"productId": 9, "quantity": 2}]}
    one, other = (in_words_of("shop", "W5", given)["input"] for _ in range(2))
    assert one.pop("idempotencyKey") != other.pop("idempotencyKey")
    assert one == other == {"userId": "user_3", "items": [{"productId": "prod_9", "quantity": 2}]}
    assert in_words_of("plain", "W5", given) == given


def test_lookups_take_the_ids_of_the_shop() -> None:
    assert in_words_of("shop", "W1", {"id": 5}) == {"id": "prod_5"}
    assert in_words_of("shop", "W3", {"id": 5}) == {"id": "user_5"}
    assert in_words_of("shop", "W2", {"first": 50}) == {"first": 50}
