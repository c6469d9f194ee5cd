"""The weekly hours in which an office is staffed, by the clock on its wall. Decided of values alone.

A minute counts by what that clock shows: an hour that comes twice on the day clocks go back is in the hours
both times, and one that is left out is never shown, so hours that begin in it begin with the minute after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# A week ahead has every weekday, and one day more what is left of today.
_AHEAD = 8
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_END_OF_DAY = 24 * 60


@dataclass(frozen=True)
class Span:
    """The hours of one day, in minutes since it began by its clock: from `first` up to `until`."""

    first: int
    until: int


Week = tuple[Span | None, ...]
"""Seven, Monday first; None for a day on which nobody is there."""


def span(first: time, until: time) -> Span:
    """From one time of a day to another; midnight as the second is the day's end. Errors: ValueError where
    the second is not later."""
    begins, ends = _minutes(first), _minutes(until) or _END_OF_DAY
    if ends <= begins:
        raise ValueError("the hours end before they begin")
    return Span(begins, ends)


def times(hours: Span) -> tuple[time, time]:
    """The other way round."""
    return _time(hours.first), _time(hours.until % _END_OF_DAY)


def staffed(week: Week, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether somebody is there at a moment."""
    local = moment.astimezone(zone)
    hours = week[local.weekday()]
    return hours is not None and hours.first <= _minutes(local.time()) < hours.until


def back_at(week: Week, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first instant (UTC) from a moment on at which somebody is there; None where nobody ever is."""
    if staffed(week, zone, moment):
        return moment.astimezone(UTC)
    today = moment.astimezone(zone).date()
    found: list[datetime] = []
    for day in (today + _DAY * ahead for ahead in range(_AHEAD)):
        if hours := week[day.weekday()]:
            found += (_instant(day, hours.first, zone, fold) for fold in (0, 1))
            found += _turns(day, zone)
    return next((at for at in sorted(found) if at > moment and staffed(week, zone, at)), None)


def stored(week: Sequence[Span | None]) -> list[list[int] | None]:
    """As JSON keeps it."""
    return [[each.first, each.until] if each else None for each in week]


def read(kept: Sequence[Sequence[int] | None]) -> Week:
    """What stored() made."""
    return tuple(Span(*each) if each else None for each in kept)


def words(week: Week) -> list[str]:
    """ "Monday 8:00 AM to 5:00 PM" for each day on which somebody is there."""
    return [
        f"{DAYS[day]} {_clock(hours.first)} to {_clock(hours.until)}"
        for day, hours in enumerate(week)
        if hours is not None
    ]


def _turns(day: date, zone: ZoneInfo) -> list[datetime]:
    """The instants of a day at which its clocks are turned: then it shows a time that is hours on, or that
    it has shown before."""
    hours = [_instant(day, 0, zone, 0) + timedelta(hours=each) for each in range(-1, 27)]
    return [_turn(before, after, zone) for before, after in pairwise(hours) if _turned(before, after, zone)]


def _turn(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if _turned(before, middle, zone):
            after = middle
        else:
            before = middle
    return after


def _turned(before: datetime, after: datetime, zone: ZoneInfo) -> bool:
    return before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()


def _instant(day: date, minutes: int, zone: ZoneInfo, fold: int) -> datetime:
    return datetime.combine(day, _time(minutes).replace(fold=fold), zone).astimezone(UTC)


def _minutes(of: time) -> int:
    return of.hour * 60 + of.minute


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def _clock(minutes: int) -> str:
    if minutes == _END_OF_DAY:
        return "midnight"
    at = _time(minutes)
    return f"{at.hour % 12 or 12}:{at:%M %p}"
