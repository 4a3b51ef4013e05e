"""Reports: sales by interval and the products that brought most."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shop_graphql.database import Database
from shop_graphql.models import Order, OrderStatus
from tests.api.conftest import Client
from tests.factories import Factory

SALES = """
query ($gte: DateTime!, $lt: DateTime!, $interval: Interval!, $timeZone: String!) {
  reports {
    sales(range: {gte: $gte, lt: $lt}, interval: $interval, timeZone: $timeZone) {
      from to orderCount unitsSold revenue averageOrderValue
    }
  }
}
"""
TOP = """
query ($first: Int!) {
  reports {
    topProducts(range: {gte: "2026-01-01T00:00:00Z", lt: "2027-01-01T00:00:00Z"}, first: $first) {
      product { name } unitsSold revenue
    }
  }
}
"""


@pytest.fixture
async def orders(make: Factory, database: Database) -> None:
    user = await make.user()
    one, two = await make.product("One", price="10.00"), await make.product("Two", price="25.00")
    placed = [
        ("2026-03-28T22:30:00", [(one, 1)], OrderStatus.COMPLETED),
        ("2026-03-28T23:30:00", [(one, 2), (two, 1)], OrderStatus.PENDING),
        ("2026-03-29T21:59:59", [(one, 1)], OrderStatus.COMPLETED),
        ("2026-03-29T22:00:00", [(two, 2)], OrderStatus.COMPLETED),
        ("2026-03-29T12:00:00", [(two, 9)], OrderStatus.CANCELLED),
    ]
    for time, items, status in placed:
        order = await make.order(user=user, items=items, status=status)
        async with database.transaction() as session:
            created_at = datetime.fromisoformat(time).replace(tzinfo=UTC)
            await session.execute(update(Order).where(Order.id == order.id).values(created_at=created_at))


def row(start: str, end: str, count: int, units: str, revenue: str, average: str) -> dict[str, Any]:
    return {
        "from": f"{start}:00.000000Z",
        "to": f"{end}:00.000000Z",
        "orderCount": count,
        "unitsSold": units,
        "revenue": revenue,
        "averageOrderValue": average,
    }


async def test_days_are_those_of_the_time_zone(client: Client, orders: None) -> None:
    data = await client.ask(
        SALES, gte="2026-03-28T00:00:00+01:00", lt="2026-03-31T00:00:00+02:00", interval="DAY", timeZone="Europe/Berlin"
    )
    assert data["reports"]["sales"] == [
        row("2026-03-27T23:00", "2026-03-28T23:00", 1, "1", "10.00", "10.00"),
        row("2026-03-28T23:00", "2026-03-29T22:00", 2, "4", "55.00", "27.50"),
        row("2026-03-29T22:00", "2026-03-30T22:00", 1, "2", "50.00", "50.00"),
    ]


async def test_intervals_without_orders_are_there(client: Client, orders: None) -> None:
    data = await client.ask(
        SALES, gte="2026-01-15T00:00:00Z", lt="2026-04-01T00:00:00Z", interval="MONTH", timeZone="UTC"
    )
    assert data["reports"]["sales"] == [
        row("2026-01-15T00:00", "2026-02-01T00:00", 0, "0", "0.00", "0.00"),
        row("2026-02-01T00:00", "2026-03-01T00:00", 0, "0", "0.00", "0.00"),
        row("2026-03-01T00:00", "2026-04-01T00:00", 4, "7", "115.00", "28.75"),
    ]


async def test_the_products_that_brought_most(client: Client, orders: None, statements: list[str]) -> None:
    data = await client.ask(TOP, first=5)
    assert data["reports"]["topProducts"] == [
        {"product": {"name": "Two"}, "unitsSold": "3", "revenue": "75.00"},
        {"product": {"name": "One"}, "unitsSold": "4", "revenue": "40.00"},
    ]
    assert len((await client.ask(TOP, first=1))["reports"]["topProducts"]) == 1
    assert len(statements) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lt": "2026-01-01T00:00:00Z"}, "A range must end after it begins."),
        ({"timeZone": "Berlin"}, "timeZone must be an IANA time zone, such as Europe/Berlin."),
        ({"timeZone": "../../etc/passwd"}, "timeZone must be an IANA time zone, such as Europe/Berlin."),
        ({"interval": "HOUR"}, "That would be more than 1000 intervals; ask for a shorter range or a longer one."),
        ({"gte": "0001-01-01T00:00:00Z", "timeZone": "America/New_York"}, "The range reaches beyond the calendar."),
    ],
)
async def test_impossible_reports_are_refused(client: Client, changes: dict[str, str], message: str) -> None:
    arguments = {"gte": "2026-01-01T00:00:00Z", "lt": "2026-03-01T00:00:00Z", "interval": "DAY", "timeZone": "UTC"}
    error = await client.fail(SALES, **{**arguments, **changes})
    assert (error["message"], error["extensions"]) == (message, {"code": "BAD_USER_INPUT"})


async def test_a_report_may_have_a_thousand_intervals(client: Client) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    data = await client.ask(
        SALES,
        gte=start.isoformat(),
        lt=(start + timedelta(hours=1000)).isoformat(),
        interval="HOUR",
        timeZone="UTC",
    )
    assert len(data["reports"]["sales"]) == 1000


@pytest.mark.parametrize("first", [0, 101])
async def test_too_many_products_are_refused(client: Client, first: int) -> None:
    error = await client.fail(TOP, first=first)
    assert error["message"] == f"first must be from 1 to 100; it is {first}."
