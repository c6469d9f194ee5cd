"""Whole days of a time zone as instants, and the ranges people ask for most."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# The days that an export may have: nobody has kept such a history for longer, or plans one further ahead.
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


def utc_bounds(start: date, end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant (UTC) of `start` and the first one after `end`, both days being of `zone`.

    A day on which clocks change is 23 or 25 hours long. Where a day's midnight does not exist (some zones
    change then), the day begins at the first instant that does.
    """
    return _begin(start, zone), _begin(end + timedelta(days=1), zone)


def today(zone: ZoneInfo) -> date:
    return datetime.now(zone).date()


def usual(day: date) -> tuple[date, date]:
    """The range a form shows at first: the thirty days that end with `day`."""
    return day - timedelta(days=29), day


def presets(day: date) -> list[tuple[str, date, date]]:
    """The usual ranges as seen on a day: name, first day, last day."""
    month = day.replace(day=1)
    before = month - timedelta(days=1)
    return [
        ("Last 7 days", day - timedelta(days=6), day),
        ("Last 30 days", *usual(day)),
        ("Last 90 days", day - timedelta(days=89), day),
        ("This month", month, day),
        ("Last month", before.replace(day=1), before),
        ("This year", day.replace(month=1, day=1), day),
    ]


def _begin(day: date, zone: ZoneInfo) -> datetime:
    # fold=0 reads a midnight that comes twice as its first, and a skipped one as the moment of the change.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
