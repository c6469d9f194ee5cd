"""The figures over the changes, by day, week or month, and the overview that shows them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.messaging.models import Direction, Message, MessageState
from cadence_app.reports.filters import Filters
from cadence_app.reports.ranges import presets, today
from cadence_app.reports.scope import Scope
from cadence_app.reports.trends import trends_of
from tests.reports.exporting import NEW_YORK, change
from tests.world import World, new_number


def test_the_rate_is_opt_outs_for_each_hundred_texts_of_people(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    for _ in range(4):
        agent.post(f"/messages/conversations/{received.conversation_id}/send", {"body": "Hello"})
    with world.session():
        texts = update(Message).where(Message.direction == Direction.OUTBOUND)
        db.session.execute(texts.values(state=MessageState.DELIVERED))
        db.session.commit()
    world.text(new_number(), "STOP")
    last = today(NEW_YORK)
    with world.session():
        totals = trends_of(Scope(last, last, NEW_YORK, Filters())).totals
        other = trends_of(Scope(last, last, NEW_YORK, Filters(team_id=world.other_team_id))).totals
    assert (totals.opt_outs, totals.texts_sent, totals.rate) == (1, 4, 25.0)
    assert (other.texts_sent, other.rate) == (0, None)


def test_presets_are_whole_months_and_years_of_the_day_they_are_seen_on() -> None:
    found = {name: (start, end) for name, start, end in presets(date(2028, 3, 1))}
    assert found["Last 7 days"] == (date(2028, 2, 24), date(2028, 3, 1))
    assert found["This month"] == (date(2028, 3, 1), date(2028, 3, 1))
    assert found["Last month"] == (date(2028, 2, 1), date(2028, 2, 29))
    assert found["This year"] == (date(2028, 1, 1), date(2028, 3, 1))


@pytest.mark.parametrize(
    ("day", "before"), [(date(2026, 3, 8), "EST"), (date(2025, 11, 2), "EDT")], ids=["forward", "back"]
)
def test_a_day_on_which_clocks_change_counts_as_one_day_of_the_trend(
    world: World, day: date, before: str
) -> None:
    first = datetime.combine(day, datetime.min.time(), NEW_YORK).astimezone(UTC)
    last = datetime.combine(day + timedelta(days=1), datetime.min.time(), NEW_YORK).astimezone(UTC)
    assert first.astimezone(NEW_YORK).tzname() == before
    for moment in (first - timedelta(seconds=1), first, last - timedelta(seconds=1), last):
        change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, moment)
    scope = Scope(day - timedelta(days=2), day + timedelta(days=2), NEW_YORK, Filters())
    with world.session():
        trends = trends_of(scope)
    assert trends.step == "day"
    assert [counts for _, counts in trends.course] == [(0, 0), (1, 0), (2, 0), (1, 0), (0, 0)]
    assert (trends.totals.opt_outs, trends.by_team) == (4, [("Admissions", (4, 0))])


@pytest.mark.parametrize(
    ("days", "step", "labels"),
    [
        (10, "day", ["Jan 1", "Jan 2"]),
        (100, "week", ["Jan 1", "Jan 5"]),
        (400, "month", ["Jan 2026", "Feb 2026"]),
    ],
)
def test_the_length_of_the_range_decides_the_steps(
    world: World, days: int, step: str, labels: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = date(2026, 1, 1) + timedelta(days=days - 1)
    monkeypatch.setattr("cadence_app.reports.trends.today", lambda zone: end)
    with world.session():
        trends = trends_of(Scope(date(2026, 1, 1), end, NEW_YORK, Filters()))
    assert trends.step == step
    assert [label for label, _ in trends.course][:2] == labels
    assert all(counts == (0, 0) for _, counts in trends.course)


def test_the_overview_has_the_totals_and_leads_to_the_changes(world: World) -> None:
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    world.text(new_number(), "Hello", inbox=world.other_shared)
    admin = world.sign_in("admin")
    page = admin.get("/reports/overview", query_string={"team": world.team_id}).text
    assert re.search(r"Opt outs</p><p class=\"stat-value\">1<", page)
    assert re.search(r"Opt ins</p><p class=\"stat-value\">1<", page)
    assert f"/reports/exports/opt-out-history?team={world.team_id}" in page
    assert "Overview</a>" in admin.get("/reports/analytics").text
    bad = admin.get("/reports/overview", query_string={"start_date": "x"})
    assert bad.status_code == 422
    assert "start_date-error" in bad.text


def test_the_overview_is_for_who_reads_reports_on_the_teams_screens(
    world: World, legacy_world: World
) -> None:
    assert world.sign_in("agent").get("/reports/overview").status_code == 403
    assert "Overview</a>" not in world.sign_in("agent").get("/reports/analytics").text
    assert legacy_world.sign_in("admin").get("/reports/overview").status_code == 404
