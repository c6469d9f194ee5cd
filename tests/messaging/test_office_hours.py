"""When somebody is there, by the clock on the wall: on days when clocks are turned too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.inboxes.office_hours import Span, Week, back_at, read, span, staffed, stored, times

NEW_YORK = ZoneInfo("America/New_York")
# Zones that turn their clocks by an hour, by half of one, at midnight, and never.
ZONES = ["America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Asia/Kathmandu"]
# Weeks in which one of these turns its clocks, and one in which none does.
WEEKS = [
    date(2026, 3, 5),
    date(2026, 3, 25),
    date(2026, 4, 2),
    date(2026, 10, 1),
    date(2026, 10, 29),
    date(2026, 6, 10),
]
MINUTE = timedelta(minutes=1)
HOURS = st.tuples(st.integers(0, 24 * 12 - 1), st.integers(1, 24 * 12)).filter(lambda pair: pair[0] < pair[1])
WEEK = st.tuples(*[st.none() | HOURS.map(lambda pair: Span(pair[0] * 5, pair[1] * 5))] * 7)


def office(*days: Span | None) -> Week:
    return (*days, *[None] * (7 - len(days)))


@given(st.sampled_from(ZONES), st.sampled_from(WEEKS), WEEK, st.integers(0, 7 * 24 * 12))
def test_who_is_away_comes_back_at_the_first_minute_that_is_in_the_hours(
    name: str, day: date, week: Week, later: int
) -> None:
    """Beside a clock that is looked at every five minutes."""
    zone = ZoneInfo(name)
    moment = datetime.combine(day, time(), UTC) + later * 5 * MINUTE
    steps = (moment + step * 5 * MINUTE for step in range(9 * 24 * 12))
    first = next((at for at in steps if _on_the_wall(week, at.astimezone(zone))), None)
    found = back_at(week, zone, moment)
    if found is None:
        assert first is None or first - moment >= timedelta(days=7)
    else:
        assert found == first
        assert staffed(week, zone, found)


def _on_the_wall(week: Week, local: datetime) -> bool:
    hours = week[local.weekday()]
    return hours is not None and hours.first <= local.hour * 60 + local.minute < hours.until


def test_an_hour_that_comes_twice_is_in_the_hours_twice_and_one_that_is_left_out_never() -> None:
    sunday = (None,) * 6
    early = (*sunday, span(time(1), time(2)))
    # On November 1, 2026 at 2:00 the clocks show 1:00 again.
    begins = datetime(2026, 11, 1, 5, tzinfo=UTC)
    there = [staffed(early, NEW_YORK, begins + MINUTE * minute) for minute in (-1, 0, 59, 60, 119, 120)]
    assert there == [False, True, True, True, True, False]
    assert back_at(early, NEW_YORK, begins - MINUTE) == begins
    # On March 8 they go from 2:00 to 3:00.
    left_out = (*sunday, span(time(2), time(3)))
    assert back_at(left_out, NEW_YORK, datetime(2026, 3, 8, 5, tzinfo=UTC)) == datetime(
        2026, 3, 15, 6, tzinfo=UTC
    )
    half = (*sunday, span(time(2, 30), time(17)))
    assert back_at(half, NEW_YORK, datetime(2026, 3, 8, 5, tzinfo=UTC)) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_after_friday_somebody_is_back_on_monday_by_the_clock_of_that_day() -> None:
    nine_to_five = span(time(8), time(17))
    week = office(*[nine_to_five] * 5)
    # Friday, March 6, 6:00 PM EST; Monday is in daylight time.
    evening = datetime(2026, 3, 6, 23, tzinfo=UTC)
    assert back_at(week, NEW_YORK, evening) == datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert back_at((None,) * 7, NEW_YORK, evening) is None


def test_midnight_as_the_second_time_is_the_days_end_and_nothing_ends_before_it_begins() -> None:
    whole = span(time(0), time(0))
    assert (whole.first, whole.until) == (0, 24 * 60)
    assert times(span(time(18), time(0))) == (time(18), time(0))
    for first, until in ((time(9), time(9)), (time(17), time(9))):
        with pytest.raises(ValueError, match="end before they begin"):
            span(first, until)
    assert read(stored(office(whole, span(time(9), time(17))))) == office(whole, span(time(9), time(17)))
