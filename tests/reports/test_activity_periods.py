"""The days over which activity is counted: whose they are, the period before, and a trend's steps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from cadence_app.reports.activity import Figures
from cadence_app.reports.activity_periods import PRESETS, Period, Step
from tests.reports.exporting import NEW_YORK
from tests.reports.talking import DAYS, NOON, SECOND, Talk, activity
from tests.world import World, make_world


def test_days_are_the_tenants_and_both_ends_are_in(world: World) -> None:
    talk = Talk(world)
    for at in (
        datetime(2026, 6, 1, 4, tzinfo=UTC) - SECOND,
        datetime(2026, 6, 1, 4, tzinfo=UTC),
        datetime(2026, 6, 11, 4, tzinfo=UTC) - SECOND,
        datetime(2026, 6, 11, 4, tzinfo=UTC),
    ):
        talk.sent(at)
    shown = activity(world)
    assert (shown.now.sent, shown.before.sent) == (2, 1)


def test_the_period_before_is_as_long_and_ends_the_day_before(world: World) -> None:
    assert DAYS.before == Period(date(2026, 5, 22), date(2026, 5, 31))
    talk = Talk(world)
    talk.sent(datetime(2026, 5, 22, 4, tzinfo=UTC) - SECOND)
    talk.sent(datetime(2026, 5, 22, 4, tzinfo=UTC))
    talk.received(datetime(2026, 5, 23, tzinfo=UTC))
    assert activity(world).before == Figures(sent=1, delivered=1, replied=1, received=1, unread=1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_a_day_on_which_clocks_change_has_23_or_25_hours(world: World, day: date, hours: int) -> None:
    talk = Talk(world)
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    for hour in range(-1, 26):
        talk.sent(midnight + timedelta(hours=hour))
    shown = activity(world, period=Period(day - timedelta(days=1), day + timedelta(days=1)))
    assert shown.trend == [
        (day - timedelta(days=1), 1, 0),
        (day, hours, 0),
        (day + timedelta(days=1), 26 - hours, 0),
    ]


def test_a_trend_has_every_step_and_the_steps_add_up(world: World) -> None:
    talk = Talk(world)
    year = Period(date(2025, 8, 13), date(2026, 6, 10))
    for at in (NOON, NOON - timedelta(days=40), datetime(2025, 8, 13, 4, tzinfo=UTC)):
        talk.sent(at)
        talk.received(at + SECOND)
    for period, step in (
        (DAYS, Step.DAY),
        (year, Step.WEEK),
        (Period(date(2025, 1, 9), DAYS.end), Step.MONTH),
    ):
        shown = activity(world, period=period)
        assert period.step == step
        assert [first for first, _, _ in shown.trend] == period.points
        assert sum(sent for _, sent, _ in shown.trend) == shown.now.sent
        assert sum(received for _, _, received in shown.trend) == shown.now.received
    assert year.points[:3] == [date(2025, 8, 13), date(2025, 8, 18), date(2025, 8, 25)]


def test_presets_are_whole_days_up_to_today() -> None:
    today = date(2026, 3, 31)
    assert {key: preset[1](today) for key, preset in PRESETS.items()} == {
        "last-7": Period(date(2026, 3, 25), today),
        "last-30": Period(date(2026, 3, 2), today),
        "last-90": Period(date(2026, 1, 1), today),
        "this-month": Period(date(2026, 3, 1), today),
        "last-month": Period(date(2026, 2, 1), date(2026, 2, 28)),
    }


def test_another_zone_has_days_of_its_own(app: Flask) -> None:
    world = make_world(app, "teams", "Asia/Kolkata")
    Talk(world).sent(datetime(2026, 5, 31, 18, 30, tzinfo=UTC))
    assert activity(world).trend[0] == (date(2026, 6, 1), 1, 0)
