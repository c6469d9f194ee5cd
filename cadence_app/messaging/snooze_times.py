"""The times that a conversation is usually snoozed to, by a user's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_MORNING = time(9)
# Later today is so far off, on the full hour, and none where that would be in the night.
_LATER, _LAST = timedelta(hours=3), time(21)
_MONDAY = 0


class When(StrEnum):
    LATER_TODAY = "later_today"
    TOMORROW = "tomorrow"
    MONDAY = "monday"


@dataclass(frozen=True)
class Choice:
    """A time to come, in UTC and by the user's clock."""

    when: When
    at: datetime
    local: datetime


def choices(zone: ZoneInfo, now: datetime | None = None) -> list[Choice]:
    """Later today, tomorrow at nine and Monday at nine, in that order; without what would be twice the same,
    and without later today in the evening. Each is what the clock on the wall shows then, whatever it is
    turned in between; an hour that is left out is the one after it."""
    local = (now or datetime.now(UTC)).astimezone(zone)
    found: list[Choice] = []
    # An instant, so that an hour which comes twice counts twice.
    later = (local.astimezone(UTC) + _LATER).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if later.date() == local.date() and later.time() <= _LAST:
        found.append(_choice(When.LATER_TODAY, later.astimezone(UTC), zone))
    for when, days in ((When.TOMORROW, 1), (When.MONDAY, (_MONDAY - local.weekday() - 1) % 7 + 1)):
        day = local.date() + timedelta(days=days)
        at = datetime.combine(day, _MORNING, zone).astimezone(UTC)
        if all(each.at != at for each in found):
            found.append(_choice(when, at, zone))
    return found


def time_of(when: str, zone: ZoneInfo, now: datetime | None = None) -> datetime | None:
    """The time (UTC) of a choice by its name; None where there is none of it now."""
    named = {str(each.when): each.at for each in choices(zone, now)}
    if when == When.MONDAY:
        # On a Sunday it is what tomorrow is.
        return named.get(When.MONDAY) or named.get(When.TOMORROW)
    return named.get(when)


def _choice(when: When, at: datetime, zone: ZoneInfo) -> Choice:
    return Choice(when, at, at.astimezone(zone))
