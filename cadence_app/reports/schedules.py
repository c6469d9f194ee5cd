"""When a schedule runs, and which days its file is about: rules of dates alone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from cadence_app.ui.formatting import hour_name

WEEKDAYS = tuple(calendar.day_name)
_DAY = timedelta(days=1)


class Every(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Period(StrEnum):
    """What a run's file holds: the whole day, week (from Monday) or month before the day of the run; what
    changed since the last file that was delivered; or how things are at the run."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    CHANGED = "changed"
    NOW = "now"


PERIOD_NAMES = {
    Period.DAY: "Yesterday",
    Period.WEEK: "Last week (Monday to Sunday)",
    Period.MONTH: "Last month",
    Period.CHANGED: "Only what changed since the last delivered file",
    Period.NOW: "As it is at that moment",
}


@dataclass(frozen=True)
class Run:
    """`day` is the day of the calendar that the run is for, `at` its instant in UTC."""

    day: date
    at: datetime


@dataclass(frozen=True)
class Timing:
    """At a full hour (0 to 23) of a zone: each day, each week on `weekday` (0 is Monday), or each month on
    `month_day`, which is the last day of a month that has no such day."""

    every: Every
    weekday: int
    month_day: int
    hour: int

    def next_run(self, zone: ZoneInfo, after: datetime) -> Run:
        """The first run later than an instant."""
        return next(run for run in self._runs(zone, after, _DAY) if run.at > after)

    def latest_run(self, zone: ZoneInfo, at: datetime) -> Run:
        """The last run that is not later than an instant."""
        return next(run for run in self._runs(zone, at, -_DAY) if run.at <= at)

    def _runs(self, zone: ZoneInfo, around: datetime, step: timedelta) -> Iterator[Run]:
        """The runs from about an instant on, forwards or backwards."""
        # A run whose hour is skipped may be a day of the calendar later than the day it is for.
        day = around.astimezone(zone).date() - 2 * step
        while True:
            if self._falls_on(day):
                # fold=0 reads an hour that comes twice as its first, and a skipped one as the moment that
                # many minutes after the change: either way it is one instant.
                at = datetime.combine(day, time(self.hour), tzinfo=zone).astimezone(UTC)
                yield Run(day, at)
            day += step

    def _falls_on(self, day: date) -> bool:
        if self.every == Every.WEEK:
            return day.weekday() == self.weekday
        if self.every == Every.MONTH:
            return day.day == min(self.month_day, calendar.monthrange(day.year, day.month)[1])
        return True

    @property
    def said(self) -> str:
        """ "Every Monday at 6:00 AM"."""
        hour = hour_name(self.hour)
        if self.every == Every.WEEK:
            return f"Every {WEEKDAYS[self.weekday]} at {hour}"
        if self.every == Every.MONTH:
            shorter = ", or the last day of a shorter month," if self.month_day > 28 else ""
            return f"On day {self.month_day} of each month{shorter} at {hour}"
        return f"Every day at {hour}"


def days_of(period: Period, day: date) -> tuple[date, date]:
    """First and last day that a run on `day` is about."""
    if period == Period.DAY:
        return day - _DAY, day - _DAY
    if period == Period.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday - timedelta(days=7), monday - _DAY
    if period == Period.MONTH:
        last = day.replace(day=1) - _DAY
        return last.replace(day=1), last
    return day, day
