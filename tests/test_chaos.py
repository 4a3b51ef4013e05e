"""A few seconds of chaos, so that the harness is known to work whenever a longer run is wanted."""

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from shop_graphql.database import Database
from tests.chaos import __main__ as command
from tests.chaos.client import Client, Unanswered
from tests.chaos.customers import Purchase, Record
from tests.chaos.judge import Judge
from tests.chaos.run import Report, run
from tests.factories import Factory


def test_no_acknowledged_order_is_lost_or_doubled_when_workers_and_the_database_crash() -> None:
    report = run(seconds=8, seed=1)
    assert report.complaints == [], report.log[-4000:]
    assert report.sabotage["worker kills"] >= 1
    assert report.sabotage["database crashes"] >= 1
    assert report.orders >= 1
    assert report.looks >= 1


@pytest.fixture
async def purchase(database: Database, empty_shop: None) -> Purchase:
    """An order of three products that the shop has, though its stock was never touched."""
    make = Factory(database)
    await make.order(items=[(await make.product(price="2.00", stock=200), 3)])
    wanted = [{"productId": "prod_1", "quantity": 3}]
    return Purchase("key", "ord_1", "user_1", wanted, "6.00", {"prod_1": 3})


async def _complaints(url: str, *purchases: Purchase) -> list[str]:
    judge = Judge(url)
    try:
        return await judge.broken_promises(Record(list(purchases)))
    finally:
        await judge.close()


async def test_the_judge_notices_orders_nobody_was_told_of(database_url: str, purchase: Purchase) -> None:
    assert await _complaints(database_url) == ["ord_1 is there, and nobody was told"]


async def test_the_judge_notices_wrong_stock_and_missing_events(database_url: str, purchase: Purchase) -> None:
    assert await _complaints(database_url, purchase) == [
        "0 orders were placed, and 1 acknowledged",
        "prod_1 has a stock of 200, which is not what was left",
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "ord_2"}, "is lost"),
        ({"fate": "deleted"}, "is back"),
        ({"fate": "cancelled"}, "is ('user_1', 'pending', "),
        ({"total": "7.00"}, f"{Decimal('6.00')!r}"),
        ({"items": {"prod_1": 4}}, "{'prod_1': 3}"),
    ],
)
async def test_the_judge_notices_an_order_that_is_not_as_acknowledged(
    database_url: str, purchase: Purchase, change: dict[str, object], complaint: str
) -> None:
    for name, value in change.items():
        setattr(purchase, name, value)
    assert complaint in (await _complaints(database_url, purchase))[0]


async def test_the_judge_notices_an_order_with_two_keys(database_url: str, purchase: Purchase) -> None:
    complaints = await _complaints(database_url, purchase, purchase)
    assert "ord_1 was acknowledged under several keys" in complaints


async def test_the_judge_that_watches_reports_what_breaks(
    database_url: str, database: Database, empty_shop: None
) -> None:
    make = Factory(database)
    await make.order()
    judge = Judge(database_url)
    (complaint,) = await judge.watch(asyncio.Event())
    await judge.close()
    assert complaint == "order items: [{'order_id': 1}]"


async def test_a_request_without_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.client.PATIENCE", 0.3)
    client = Client("http://127.0.0.1:9", Random(1))
    with pytest.raises(Unanswered, match="had no answer"):
        await client.mutate("deleteOrder", "deletedId", orderId="ord_1")
    await client.close()
    assert client.setbacks["ConnectError"] > 0


@pytest.mark.parametrize(("complaints", "code"), [([], 0), (["ord_1 is lost"], 1)])
def test_the_command_prints_the_seed_and_the_figures_and_fails_when_anything_is_wrong(
    complaints: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pretend(seconds: float, seed: int) -> Report:
        return Report(seconds, Record(), Counter(ReadError=3), Counter({"worker kills": 2}), 0, 1, complaints, "log")

    monkeypatch.setattr(command, "run", pretend)
    monkeypatch.setattr("sys.argv", ["chaos", "--seconds", "2", "--seed", "5"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    lines = capsys.readouterr().out.splitlines()
    assert ended.value.code == code
    assert lines[0] == "seed 5"
    assert lines[1].startswith("0 orders, 3 retries, 0 replayed answers, 2 worker kills, 0 database crashes")
    assert lines[2:] == ["retried after: 3 ReadError", *(f"VIOLATION {complaint}" for complaint in complaints)]


def test_the_page_on_chaos_says_how_to_run_it() -> None:
    assert "make chaos" in (Path(__file__).parent.parent / "docs" / "chaos.md").read_text()
