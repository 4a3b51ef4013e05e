"""Calendar intervals in any time zone: where hours, days, weeks and months begin."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo, available_timezones


class Interval(Enum):
    """A stretch of the calendar; weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def zone(name: str) -> ZoneInfo | None:
    """Return the IANA time zone of this name, or None."""
    return ZoneInfo(name) if name in available_timezones() else None


def bounds(start: datetime, end: datetime, interval: Interval, where: ZoneInfo) -> Iterator[datetime]:
    """Yield `start`, each beginning of an interval between, and `end`; ascending, in UTC.

    Days begin at local midnight, however long they are; where a clock change skips midnight, at the change.
    """
    yield start.astimezone(UTC)
    local = _floor(start.astimezone(where), interval)
    while True:
        local = _next(local, interval)
        bound = local.astimezone(UTC)
        if bound >= end:
            break
        if bound > start:
            yield bound
    yield end.astimezone(UTC)


def _floor(local: datetime, interval: Interval) -> datetime:
    hour = local.replace(minute=0, second=0, microsecond=0)
    if interval is Interval.HOUR:
        return hour
    day = hour.replace(hour=0, fold=0)
    if interval is Interval.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval is Interval.MONTH else day


def _next(local: datetime, interval: Interval) -> datetime:
    if interval is Interval.HOUR:
        # In real time: an hour that a clock change repeats is two, one that it skips is none.
        return (local.astimezone(UTC) + timedelta(hours=1)).astimezone(local.tzinfo)
    if interval is Interval.DAY:
        return local + timedelta(days=1)
    if interval is Interval.WEEK:
        return local + timedelta(weeks=1)
    return (local + timedelta(days=32)).replace(day=1)
