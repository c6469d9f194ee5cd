"""The days a report of message activity is about: presets, the days before, and the steps of its trend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
# A line with more points than this is hard to read; past it a point is a week, then a month.
_MOST_DAYS, _MOST_WEEKS = 62, 53


class Step(StrEnum):
    """What one point of a trend is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """Whole days of the tenant's zone, both ends included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def before(self) -> Period:
        """As many days, ending the day before this period begins."""
        return Period(self.start - timedelta(days=self.days), self.start - _DAY)

    @property
    def step(self) -> Step:
        if self.days <= _MOST_DAYS:
            return Step.DAY
        return Step.WEEK if self.days <= 7 * _MOST_WEEKS else Step.MONTH

    @property
    def points(self) -> list[date]:
        """The first day of each step. Weeks begin on Monday; the first step begins where the period does."""
        days = (self.start + timedelta(days=number) for number in range(self.days))
        return [day for day in days if day == self.start or _begins(day, self.step)]


def last_days(count: int, today: date) -> Period:
    """The latest `count` days, today among them."""
    return Period(today - timedelta(days=count - 1), today)


def this_month(today: date) -> Period:
    """From the first of the month to today."""
    return Period(today.replace(day=1), today)


def last_month(today: date) -> Period:
    end = today.replace(day=1) - _DAY
    return Period(end.replace(day=1), end)


# A preset's name in the address, its words, and the period it means on a day.
PRESETS: dict[str, tuple[str, Callable[[date], Period]]] = {
    "last-7": ("Last 7 days", lambda today: last_days(7, today)),
    "last-30": ("Last 30 days", lambda today: last_days(30, today)),
    "last-90": ("Last 90 days", lambda today: last_days(90, today)),
    "this-month": ("This month", this_month),
    "last-month": ("Last month", last_month),
}
DEFAULT = "last-30"


def _begins(day: date, step: Step) -> bool:
    if step == Step.WEEK:
        return day.weekday() == 0
    return step == Step.DAY or day.day == 1
