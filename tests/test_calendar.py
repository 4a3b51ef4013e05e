from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_graphql.calendar import Interval, bounds, zone

BERLIN = ZoneInfo("Europe/Berlin")


CASES = [
    (Interval.HOUR, "UTC", "2026-01-01T10:30 2026-01-01T11:00 2026-01-01T12:00 2026-01-01T12:10"),
    (Interval.HOUR, "Asia/Kolkata", "2026-01-01T10:40 2026-01-01T11:30 2026-01-01T12:10"),
    (Interval.HOUR, "Europe/Berlin", "2026-10-25T00:00 2026-10-25T01:00 2026-10-25T02:00 2026-10-25T03:00"),
    (Interval.DAY, "Europe/Berlin", "2026-03-28T23:00 2026-03-29T22:00 2026-03-30T22:00"),
    (Interval.DAY, "Europe/Berlin", "2026-10-24T22:00 2026-10-25T23:00 2026-10-26T23:00"),
    (Interval.DAY, "America/Sao_Paulo", "2018-11-03T12:00 2018-11-04T03:00 2018-11-05T02:00 2018-11-05T12:00"),
    (Interval.WEEK, "UTC", "2026-01-01T00:00 2026-01-05T00:00 2026-01-12T00:00 2026-01-15T00:00"),
    (Interval.MONTH, "UTC", "2026-01-31T00:00 2026-02-01T00:00 2026-03-01T00:00 2026-03-02T00:00"),
]


@pytest.mark.parametrize(("interval", "name", "expected"), CASES)
def test_intervals_begin_where_the_local_calendar_says(interval: Interval, name: str, expected: str) -> None:
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in expected.split()]
    assert list(bounds(times[0], times[-1], interval, ZoneInfo(name))) == times


@given(
    start=st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1), timezones=st.just(UTC)),
    length=st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
    interval=st.sampled_from(Interval),
    name=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_bounds_ascend_from_the_start_to_the_end(
    start: datetime, length: timedelta, interval: Interval, name: str
) -> None:
    found = list(islice(bounds(start, start + length, interval, ZoneInfo(name)), 10_000))
    assert (found[0], found[-1]) == (start, start + length)
    assert all(bound < following for bound, following in pairwise(found))


def test_only_iana_names_are_zones() -> None:
    assert zone("Europe/Berlin") == BERLIN
    assert [zone(name) for name in ("", "Berlin", "../../etc/passwd", "/etc/localtime", "Europe", "\x00")] == [None] * 6
