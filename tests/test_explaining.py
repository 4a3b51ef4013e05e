"""`shop-graphql explain`: the statement, its parameters and PostgreSQL's plan, or why there is none."""

import pytest
from typer.testing import CliRunner

from shop_graphql.cli import app
from shop_graphql.explaining import readable


@pytest.fixture
def shop(database_url: str, empty_shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def explained(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", *arguments])
    return result.exit_code, result.output


def test_a_query_is_explained_as_its_viewer_would_ask_it(shop: None) -> None:
    query = "query ($n: Int) { orders(first: $n) { nodes { id } } }"
    code, output = explained(query, "--variables", '{"n": 3}', "--role", "customer", "--user", "user_7")
    assert code == 0
    statement, parameters, plan = output.strip().split("\n\n")
    assert statement.startswith('SELECT concat(\'{"data":{"orders":\', (\n  SELECT concat(')
    assert "WHERE orders.user_id = $1::BIGINT" in statement
    assert parameters == "$1 = 7\n$2 = 3"
    assert plan.startswith("Result  (cost=")


def test_a_query_is_run_to_be_analyzed(shop: None) -> None:
    code, output = explained('{ product(id: "prod_1") { id } }', "--analyze")
    assert code == 0
    assert "actual time=" in output
    assert "Execution Time:" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{ orders { nodes { id } } }"], "This is answered by the resolvers: not permitted."),
        (["{ __schema { __typename } }"], "This is answered by the resolvers: __schema is introspection."),
        (["{ product(id: 1) { id } }", "--variables", "[]"], "--variables must be a JSON object."),
        (["{ product(id: 1) { id } }", "--variables", "{"], "--variables must be a JSON object."),
        (["{ product(id: 1) { id } }", "--user", "ada"], "--user must be a user's id, such as user_1."),
    ],
)
def test_what_cannot_be_explained_is_a_sentence(shop: None, arguments: list[str], message: str) -> None:
    assert explained(*arguments) == (1, f"Error: {message}\n")


def test_a_database_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop@127.0.0.1:1/shop")
    code, output = explained("{ products { nodes { id } } }")
    assert (code, output) == (
        1,
        "Error: The database postgresql://shop@127.0.0.1:1/shop cannot be reached: Connection refused.\n",
    )


def test_a_statement_is_laid_out_by_its_sub_selects() -> None:
    assert readable("SELECT f((SELECT a FROM (SELECT 1) AS b WHERE c IN (2, 3)), '(SELECT') AS x") == (
        "SELECT f((\n  SELECT a \n  FROM (\n    SELECT 1\n  ) AS b \n  WHERE c IN (2, 3)\n), '(SELECT') AS x"
    )
