import pytest

from shop_graphql.statements.search import Term, parse


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("  ", []),
        ("?! -", []),
        ("or", []),
        ("or or", []),
        ('""', []),
        ("lamp", [[Term("lamp", prefix=True)]]),
        ("lamp ", [[Term("lamp")]]),
        ("red lamp", [[Term("red"), Term("lamp", prefix=True)]]),
        ("lamp or chair", [[Term("lamp")], [Term("chair", prefix=True)]]),
        ("lamp OR chair", [[Term("lamp")], [Term("chair", prefix=True)]]),
        ("lamp -red", [[Term("lamp"), Term("red", excluded=True)]]),
        ('"floor lamp"', [[Term("floor lamp", phrase=True)]]),
        ('-"floor lamp" red', [[Term("floor lamp", phrase=True, excluded=True), Term("red", prefix=True)]]),
        ('"never closed', [[Term("never closed", phrase=True)]]),
        ("oregano", [[Term("oregano", prefix=True)]]),
        ("--lamp", [[Term("lamp", excluded=True)]]),
    ],
)
def test_what_people_type_becomes_terms(query: str, expected: list[list[Term]]) -> None:
    assert parse(query) == expected
