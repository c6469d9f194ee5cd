"""The pages of schedules: who may open them, what they say to bad input, and what they do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.models import Export
from cadence_app.reports.schedule_models import ExportSchedule
from tests.reports.scheduling import add_admin, add_schedule, exports_of, make_due
from tests.world import Browser, World

LIST = "/reports/schedules/"
NEW = "/reports/schedules/new?kind=opt-out-history"
ACTIONS = ("pause", "resume", "send", "delete", "edit")


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    return world if request.param == "teams" else legacy_world


def filled(world: World, **fields: Any) -> dict[str, Any]:
    """A good form."""
    return {
        "period": "day",
        "every": "day",
        "weekday": "0",
        "month_day": "1",
        "hour": "6",
        "format": "csv",
        "recipients": [str(world.admin_id)],
    } | fields


def only_schedule(world: World) -> ExportSchedule:
    with world.session():
        (schedule,) = schedule_runs.all_schedules()
        assert [user.id for user in schedule.recipients]
        db.session.expunge_all()
        return schedule


def paths(schedule_id: int) -> list[str]:
    return [LIST, NEW, f"{LIST}{schedule_id}/edit", f"{LIST}{schedule_id}/delete"]


def test_who_is_not_signed_in_is_asked_to_and_an_agent_gets_403(either: World) -> None:
    schedule = add_schedule(either)
    agent, nobody = either.sign_in("agent"), Browser(either.app.test_client())
    nobody.get("/login")
    for path in paths(schedule):
        assert nobody.get(path).location.startswith("/login?next=")
        assert agent.get(path).status_code == 403
    for action in ACTIONS:
        assert agent.post(f"{LIST}{schedule}/{action}", filled(either)).status_code == 403
        assert nobody.post(f"{LIST}{schedule}/{action}", filled(either)).status_code == 302
    assert agent.post(NEW, filled(either)).status_code == 403
    assert not only_schedule(either).paused_at
    assert exports_of(either, schedule) == []


def test_a_schedule_of_another_tenant_is_404_and_not_listed(world: World, legacy_world: World) -> None:
    theirs = add_schedule(legacy_world)
    admin = world.sign_in("admin")
    assert "No schedules yet" in admin.get(LIST).text
    for action in ACTIONS:
        assert admin.post(f"{LIST}{theirs}/{action}", filled(world)).status_code == 404
    assert admin.get(f"{LIST}{theirs}/edit").status_code == 404
    assert admin.get(f"{LIST}{2**70}/edit").status_code == 404
    assert not only_schedule(legacy_world).paused_at


def test_an_admin_adds_changes_pauses_resumes_sends_and_deletes_a_schedule(either: World) -> None:
    admin = either.sign_in("admin")
    index = admin.get("/reports/", follow_redirects=True)
    exports = index if "Opt-out Changes" in index.text else admin.get("/reports/exports")
    assert f'href="{LIST}"' in exports.text
    form = filled(either, every="week", weekday="4", hour="18", period="week", columns=["Source", "User"])
    page = admin.post(NEW, form | {"status": "opted_out"}, follow_redirects=True).text
    assert "Every Friday at 6:00 PM" in page
    assert "Last week (Monday to Sunday)" in page
    assert "Status: Opted Out" in page
    assert "CSV with Source, User" in page
    assert re.search(r'Next: <time datetime="[^"]+" title="[^"]+ UTC">', page)
    schedule = only_schedule(either)

    second = add_admin(either)
    edit = admin.get(f"{LIST}{schedule.id}/edit").text
    assert all(f'<option selected value="{value}">' in edit for value in ("4", "18", "opted_out"))
    changed = filled(either, every="month", month_day="31", period="month", recipients=[str(second)])
    page = admin.post(f"{LIST}{schedule.id}/edit", changed, follow_redirects=True).text
    assert "On day 31 of each month, or the last day of a shorter month, at 6:00 AM" in page
    assert "Second Admin" in page
    assert "Status: Opted Out" not in page

    assert "Paused" in admin.post(f"{LIST}{schedule.id}/pause", follow_redirects=True).text
    assert only_schedule(either).paused_at
    assert "Resumed" in admin.post(f"{LIST}{schedule.id}/resume", follow_redirects=True).text
    assert "On its way to Second Admin" in admin.post(f"{LIST}{schedule.id}/send", follow_redirects=True).text
    again = admin.post(f"{LIST}{schedule.id}/send", follow_redirects=True).text
    assert "it is sent once" in again
    assert len(exports_of(either, schedule.id)) == 1

    asks = admin.get(f"{LIST}{schedule.id}/delete")
    assert "cannot be brought back" in asks.text
    only_schedule(either)
    assert "No schedules yet" in admin.post(f"{LIST}{schedule.id}/delete", follow_redirects=True).text
    assert admin.get(f"{LIST}{schedule.id}/edit").status_code == 404
    with either.session():
        assert db.session.get_one(Export, exports_of(either, schedule.id)[0].id).schedule_id == schedule.id


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"recipients": []}, "Choose at least one admin."),
        ({"recipients": ["999999999999"]}, "Choose from the list."),
        ({"recipients": ["\x00"]}, "Choose from the list."),
        ({"every": "hour"}, "Choose from the list."),
        ({"weekday": "7"}, "Choose from the list."),
        ({"month_day": "0"}, "Choose from the list."),
        ({"month_day": "9" * 40}, "Choose from the list."),
        ({"hour": "24"}, "Choose from the list."),
        ({"period": "now"}, "Choose from the list."),
        ({"format": "pdf"}, "Choose from the list."),
        ({"columns": ["Password"]}, "Choose from the list."),
        ({"contact": "a\x00b"}, 'class="field-error"'),
    ],
)
def test_bad_input_is_told_at_its_field_and_saves_nothing(
    world: World, fields: dict[str, Any], says: str
) -> None:
    answer = world.sign_in("admin").post(NEW, filled(world, **fields))
    assert answer.status_code == 422
    assert says in answer.text
    with world.session():
        assert schedule_runs.all_schedules() == []


def test_who_is_no_admin_or_of_another_tenant_can_not_be_chosen(world: World, legacy_world: World) -> None:
    admin = world.sign_in("admin")
    for user_id in (world.agent_id, legacy_world.admin_id):
        assert admin.post(NEW, filled(world, recipients=[str(user_id)])).status_code == 422


def test_what_changed_can_be_chosen_for_the_history_only(world: World) -> None:
    admin = world.sign_in("admin")
    assert 'value="changed"' in admin.get(NEW).text
    path = "/reports/schedules/new?kind=message-history"
    assert 'value="changed"' not in admin.get(path).text
    assert admin.post(path, filled(world, period="changed")).status_code == 422
    assert admin.post(NEW, filled(world, period="changed")).status_code == 302


@pytest.mark.parametrize("kind", ["", "unknown", "\x00"])
def test_a_kind_that_does_not_exist_is_404(world: World, kind: str) -> None:
    admin = world.sign_in("admin")
    assert admin.get("/reports/schedules/new", query_string={"kind": kind}).status_code == 404


def test_a_kind_that_shows_how_things_are_asks_for_no_days(world: World) -> None:
    admin = world.sign_in("admin")
    path = "/reports/schedules/new?kind=opt-out-status"
    assert 'name="period"' not in admin.get(path).text
    assert admin.post(path, filled(world)).status_code == 302
    assert only_schedule(world).period == "now"


def test_schedule_this_carries_the_filters_columns_and_format_of_the_form(world: World) -> None:
    admin = world.sign_in("admin")
    for path in ("/reports/exports/opt-out-history", "/reports/exports/message-history"):
        button = re.search(r"<button[^>]*>(?:<svg.*?</svg>)?Schedule this", admin.get(path).text)
        assert button
        assert 'formaction="/reports/schedules/new"' in button[0]
        assert 'formmethod="get"' in button[0]
    asked = f"{NEW}&team={world.team_id}&status=opted_out&columns=User&format=xlsx&start_date=x&words=stop"
    page = admin.get(asked).text
    assert re.search(rf'<option selected value="{world.team_id}">', page)
    assert re.search(r'name="words"[^>]*value="stop"', page)
    for checked in ("xlsx", "User", world.admin_id):
        assert re.search(rf'<input checked [^>]*value="{checked}"', page)


@pytest.mark.parametrize("query", ["team=\x00", "status=%FF", "columns=x&team=" + "9" * 50, "format=exe"])
def test_hostile_values_in_the_address_are_no_error(world: World, query: str) -> None:
    assert world.sign_in("admin").get(f"{NEW}&{query}").status_code == 200


def test_a_form_without_its_token_is_refused(world: World) -> None:
    schedule = add_schedule(world)
    admin = world.sign_in("admin")
    for action in ACTIONS:
        assert admin.client.post(f"{LIST}{schedule}/{action}", data=filled(world)).status_code == 400
    assert not only_schedule(world).paused_at


def test_who_saves_a_schedule_becomes_its_owner_and_unchanged_times_keep_a_due_run_due(world: World) -> None:
    schedule = add_schedule(world)
    with world.session():
        db.session.get_one(ExportSchedule, schedule).owner_id = add_admin(world)
        db.session.commit()
    due = make_due(world, schedule)
    admin = world.sign_in("admin")
    admin.post(f"{LIST}{schedule}/edit", filled(world, format="xlsx"))
    row = only_schedule(world)
    assert (row.owner_id, row.format, row.next_run_at) == (world.admin_id, "xlsx", due)
    admin.post(f"{LIST}{schedule}/edit", filled(world, hour="7"))
    assert only_schedule(world).next_run_at > due
