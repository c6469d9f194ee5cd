"""When schedules run, and which days their files are about."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.reports.schedules import Every, Period, Timing, days_of

# With half-hour changes, changes at midnight and at 23:00, both hemispheres, and none.
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "America/Nuuk",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
timings = st.builds(
    Timing,
    every=st.sampled_from(Every),
    weekday=st.integers(0, 6),
    month_day=st.integers(1, 31),
    hour=st.integers(0, 23),
)
instants = st.datetimes(datetime(2015, 1, 1), datetime(2036, 12, 31), timezones=st.just(UTC))
DAILY_AT_2 = Timing(Every.DAY, 0, 1, 2)
NEW_YORK = ZoneInfo("America/New_York")


@given(timings, zones, instants)
def test_the_next_run_is_later_and_none_lies_between_it_and_the_latest(
    timing: Timing, zone: ZoneInfo, at: datetime
) -> None:
    latest, following = timing.latest_run(zone, at), timing.next_run(zone, at)
    assert latest.at <= at < following.at
    assert timing.next_run(zone, latest.at) == following
    assert timing.latest_run(zone, following.at) == following
    assert timing.latest_run(zone, following.at - timedelta(microseconds=1)) == latest


@given(timings, zones, instants)
def test_a_run_is_at_its_hour_of_its_day_or_right_after_a_change_that_skips_it(
    timing: Timing, zone: ZoneInfo, at: datetime
) -> None:
    run = timing.next_run(zone, at)
    local = run.at.astimezone(zone)
    named = datetime.combine(run.day, datetime.min.time(), tzinfo=zone).replace(hour=timing.hour)
    if (local.date(), local.hour, local.minute) != (run.day, timing.hour, 0):
        # The named hour does not exist: the clock went over it within the hour before the run.
        assert named.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != named.replace(tzinfo=None)
        assert timedelta() < local.replace(tzinfo=None) - named.replace(tzinfo=None) <= timedelta(hours=1)


@given(timings, zones, instants)
def test_every_day_week_or_month_has_exactly_one_run(timing: Timing, zone: ZoneInfo, at: datetime) -> None:
    run = timing.next_run(zone, at)
    for _ in range(40):
        following = timing.next_run(zone, run.at)
        if timing.every == Every.MONTH:
            month = run.day.replace(day=1) + timedelta(days=monthrange(run.day.year, run.day.month)[1])
            assert following.day.replace(day=1) == month
            assert following.day.day == min(timing.month_day, monthrange(month.year, month.month)[1])
        else:
            step = 7 if timing.every == Every.WEEK else 1
            assert following.day - run.day == timedelta(days=step)
        run = following
    assert timing.every != Every.WEEK or run.day.weekday() == timing.weekday


@given(zones, instants, st.integers(0, 23), st.integers(0, 6), st.integers(1, 31))
def test_the_files_of_runs_that_follow_one_another_hold_every_day_once(
    zone: ZoneInfo, at: datetime, hour: int, weekday: int, month_day: int
) -> None:
    for every, period in zip(Every, (Period.DAY, Period.WEEK, Period.MONTH), strict=True):
        timing = Timing(every, weekday, month_day, hour)
        run = timing.next_run(zone, at)
        following = timing.next_run(zone, run.at)
        assert days_of(period, following.day)[0] - days_of(period, run.day)[1] == timedelta(days=1)


def test_an_hour_that_is_skipped_runs_once_an_hour_later() -> None:
    before = datetime(2026, 3, 8, 5, tzinfo=UTC)
    skipped = DAILY_AT_2.next_run(NEW_YORK, before)
    assert (skipped.day, skipped.at) == (date(2026, 3, 8), datetime(2026, 3, 8, 7, tzinfo=UTC))
    assert DAILY_AT_2.next_run(NEW_YORK, skipped.at).at == datetime(2026, 3, 9, 6, tzinfo=UTC)


def test_an_hour_that_comes_twice_runs_the_first_time() -> None:
    timing = Timing(Every.DAY, 0, 1, 1)
    twice = timing.next_run(NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC))
    assert twice.at == datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert timing.next_run(NEW_YORK, twice.at).at == datetime(2026, 11, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, date(2026, 2, 28), date(2026, 2, 28)),
        (Period.WEEK, date(2026, 2, 16), date(2026, 2, 22)),
        (Period.MONTH, date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_a_week_begins_on_monday_and_periods_end_before_the_day_of_the_run(
    period: Period, first: date, last: date
) -> None:
    assert days_of(period, date(2026, 3, 1)) == (first, last)


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (Timing(Every.DAY, 0, 1, 0), "Every day at 12:00 AM"),
        (Timing(Every.WEEK, 4, 1, 12), "Every Friday at 12:00 PM"),
        (Timing(Every.MONTH, 0, 5, 18), "On day 5 of each month at 6:00 PM"),
        (
            Timing(Every.MONTH, 0, 31, 6),
            "On day 31 of each month, or the last day of a shorter month, at 6:00 AM",
        ),
    ],
)
def test_a_schedule_is_said_in_words(timing: Timing, said: str) -> None:
    assert timing.said == said
