"""Somebody's right is gone and nobody could be asked: what their tokens and schedules do meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from cadence_app.accounts.models import Tenant, User
from cadence_app.api.models import EndReason, Standing
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.work.due import find
from tests.api.conftest import Api, problem
from tests.api.test_tokens import CALLS
from tests.standing.leaving import (
    add_admin,
    address_of,
    logged,
    mailed,
    pass_days,
    schedule_of,
    sweep,
    take_right,
    token_of,
    token_row,
)
from tests.world import World

DAY = timedelta(days=1)
WAYS: list[dict[str, Any]] = [
    {"active": False},
    {"role": "agent"},
    {"role": "auditor"},
    {"invited_at": datetime(2026, 1, 1, tzinfo=UTC)},
]


def _due() -> set[int]:
    return {each.tenant_id for each in find("due_standing", timedelta(), 1, 5000)}


@pytest.fixture
def gone(world: World) -> Api:
    """A token in use of an admin who was taken away; another admin is there."""
    leaver = add_admin(world, "Left Admin")
    api = token_of(world, leaver)
    assert api.get("/teams").status_code == 200
    take_right(world, leaver)
    return api


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_no_call_is_made_on_a_right_that_is_gone(world: World, way: dict[str, Any]) -> None:
    leaver = add_admin(world)
    used, unused = token_of(world, leaver), token_of(world, leaver, used=None)
    assert used.get("/teams").status_code == 200
    take_right(world, leaver, **way)
    # The very next call, whether or not any sweep has run since.
    for _ in range(2):
        assert problem(used.get("/teams")) == (403, "owner_not_admin")
        assert problem(unused.get("/teams")) == (401, "token_ended")
        sweep(world)


@pytest.mark.parametrize(("method", "path", "scope", "body"), CALLS)
def test_every_call_but_an_opt_out_is_refused(
    world: World, gone: Api, method: str, path: str, scope: object, body: dict[str, object] | None
) -> None:
    contact = world.add_contact()
    if body and "records" in body:
        body = {"records": [{"contact_id": contact, "team": "ADM", "status": "opted_out"}]}
    answer = gone.call(method, path.format(id=contact, inbox=quote(world.shared)), json=body)
    if method == "PUT" or path.endswith("bulk"):
        assert answer.status_code == 200
        assert world.status(contact) == "opted_out"
    else:
        assert problem(answer) == (403, "owner_not_admin")


def test_adding_a_contact_is_refused_too(world: World, gone: Api) -> None:
    body = {"number": "+12125550123", "team": "ADM"}
    assert problem(gone.post("/contacts", json=body)) == (403, "owner_not_admin")


def test_of_a_sync_the_stops_count_and_the_opt_ins_do_not(world: World, gone: Api) -> None:
    stays, stops = world.add_contact(), world.add_contact()
    records = [
        {"contact_id": stays, "team": "ADM", "status": "opted_in"},
        {"contact_id": stops, "team": "ADM", "status": "opted_out"},
    ]
    answer = gone.post("/consents/bulk", json={"records": records}).get_json()
    assert [each["result"] for each in answer["results"]] == ["refused", "changed"]
    assert answer["results"][0]["code"] == "owner_not_admin"
    assert (world.status(stays), world.status(stops)) == (None, "opted_out")
    assert problem(gone.post("/consents/bulk", json={"records": records[:1]})) == (403, "owner_not_admin")
    assert problem(gone.set(stops, "opted_in", "Signed a form.")) == (403, "owner_not_admin")
    (row,) = world.history(stops)
    assert row.user_name == f"{gone.name} (API token)"


def test_an_answer_given_before_is_not_had_again_for_an_opt_in(world: World) -> None:
    leaver, contact = add_admin(world), world.add_contact()
    api = token_of(world, leaver)
    body = {"status": "opted_in"}
    path = f"/contacts/{contact}/consents/ADM"
    assert api.put(path, json=body, key="night-1").status_code == 200
    take_right(world, leaver)
    assert problem(api.put(path, json=body, key="night-1")) == (403, "owner_not_admin")


@pytest.mark.parametrize(
    ("used", "standing"),
    [
        (None, Standing.ENDED),
        (31 * DAY, Standing.ENDED),
        (29 * DAY, Standing.OPT_OUTS_ONLY),
    ],
)
def test_a_token_that_nobody_used_for_thirty_days_ends_at_once(
    world: World, used: timedelta | None, standing: Standing
) -> None:
    leaver = add_admin(world)
    api = token_of(world, leaver, used)
    take_right(world, leaver)
    sweep(world)
    token = token_row(api)
    assert (token.end_reason == EndReason.UNUSED) == (standing == Standing.ENDED)
    assert (token.gone_at is None) == (standing == Standing.ENDED)
    done = "token.ended" if standing == Standing.ENDED else "token.only_opt_outs"
    assert logged(world, "token")[-1] == ("Cadence, by itself", done, api.name)


def test_the_admins_are_told_every_day_until_somebody_decides(world: World, gone: Api) -> None:
    sweep(world)
    sweep(world)
    ((to, subject, text),) = mailed(world, "left_behind")
    assert to == address_of(world, world.admin_id)
    assert subject.startswith("One thing waits for somebody to take over")
    assert f"Left Admin: the API token {gone.name}. Last used " in text
    assert "/settings/left-behind/" in text
    for days in (0.9, 0.2, 0.9, 0.2):
        pass_days(world, gone, days)
        sweep(world)
    assert len(mailed(world, "left_behind")) == 3
    browser = world.sign_in("admin")
    answer = browser.post("/settings/left-behind/", {f"token-{gone.token_id}": str(world.admin_id)})
    assert answer.status_code == 302
    sweep(world)
    assert len(mailed(world, "left_behind")) == 3
    assert gone.get("/contacts").status_code == 200
    assert logged(world, "token")[-1] == ("Admin Person", "token.handed_over", gone.name)


def test_what_nobody_takes_over_ends_after_two_weeks(world: World, gone: Api) -> None:
    contact = world.add_contact()
    sweep(world)
    pass_days(world, gone, 13.9)
    sweep(world)
    assert gone.set(contact, "opted_out").status_code == 200
    pass_days(world, gone, 0.2)
    # With no sweep since, too.
    assert problem(gone.set(contact, "opted_out")) == (401, "token_ended")
    sweep(world)
    assert token_row(gone).end_reason == EndReason.NOT_TAKEN_OVER
    assert "has ended" in mailed(world, "left_behind")[-1][1]
    assert gone.name in mailed(world, "left_behind")[-1][2]
    assert "within 14 days" in gone.get("/teams").get_json()["detail"]
    page = world.sign_in("admin").get("/settings/api-tokens").text
    assert "nobody took it over within 14 days" in page


def test_use_meanwhile_does_not_make_it_longer(world: World, gone: Api) -> None:
    sweep(world)
    pass_days(world, gone, 10)
    assert gone.set(world.add_contact(), "opted_out").status_code == 200
    pass_days(world, gone, 4.1)
    assert problem(gone.set(world.add_contact(), "opted_out")) == (401, "token_ended")


def test_whoever_is_an_admin_again_goes_on_as_before(world: World) -> None:
    leaver = add_admin(world)
    api, schedule = token_of(world, leaver), schedule_of(world, leaver)
    take_right(world, leaver)
    sweep(world)
    take_right(world, leaver, active=True)
    assert api.get("/contacts").status_code == 200
    sweep(world)
    assert token_row(api).gone_at is None
    with world.session():
        assert db.session.get_one(ExportSchedule, schedule).gone_at is None
        assert world.tenant_id not in _due()


def test_what_had_ended_stays_so_when_its_owner_comes_back(world: World) -> None:
    leaver = add_admin(world)
    api = token_of(world, leaver, used=None)
    take_right(world, leaver)
    sweep(world)
    take_right(world, leaver, active=True)
    assert problem(api.get("/teams")) == (401, "token_ended")


def test_a_schedule_goes_on_for_the_others_and_ends_after_two_weeks(world: World) -> None:
    leaver = add_admin(world)
    schedule = schedule_of(world, leaver, leaver, world.admin_id)
    take_right(world, leaver)
    sweep(world)
    (mail,) = mailed(world, "left_behind")
    assert "the schedule Opt out history: Every day at 6:00 AM. Never run. It goes on, and ends" in mail[2]
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        assert schedule_runs.run_due(schedule, row.next_run_at)
        row.gone_at = datetime.now(UTC) - 15 * DAY
        row.remind_at = datetime.now(UTC) - DAY
        db.session.commit()
    sweep(world)
    with world.session():
        assert db.session.get_one(ExportSchedule, schedule).deleted_at
    assert logged(world, "schedule")[-1][:2] == ("Cadence, by itself", "schedule.deleted")


def test_the_sweep_asks_only_tenants_where_something_is_due(world: World, legacy_world: World) -> None:
    token_of(legacy_world, legacy_world.admin_id)
    leaver = add_admin(world)
    schedule_of(world, leaver)
    take_right(world, leaver)
    with world.app.app_context():
        due = _due()
    assert world.tenant_id in due
    assert legacy_world.tenant_id not in due
    sweep(world)
    with world.app.app_context():
        assert world.tenant_id not in _due()


def test_without_an_admin_to_tell_it_is_told_once_there_is_one(world: World) -> None:
    api = token_of(world, world.admin_id)
    take_right(world, world.admin_id)
    sweep(world)
    assert mailed(world, "left_behind") == []
    assert api.set(world.add_contact(), "opted_out").status_code == 200
    second = add_admin(world)
    pass_days(world, api, 0.1)
    sweep(world)
    assert [mail[0] for mail in mailed(world, "left_behind")] == [address_of(world, second)]


def test_nobody_of_a_suspended_organisation_is_written_to(world: World, gone: Api) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).suspended_at = datetime.now(UTC)
        db.session.commit()
    assert problem(gone.get("/teams")) == (401, "token_refused")
    sweep(world)
    assert mailed(world, "left_behind") == []


def test_an_operators_command_takes_somebody_away_at_once(app: Flask, world: World) -> None:
    second = add_admin(world)
    api, schedule = token_of(world, second), schedule_of(world, second)
    browser = world.sign_in_as(address_of(world, second))
    ran = app.test_cli_runner().invoke(args=["cadence", "user-stop", address_of(world, second)])
    assert (ran.exit_code, "can't sign in any more" in ran.output) == (0, True)
    assert browser.get("/messages/").location.startswith("/login")
    assert problem(api.get("/teams")) == (403, "owner_not_admin")
    sweep(world)
    admin = world.sign_in("admin")
    page = admin.get("/settings/left-behind/").text
    assert f"schedule-{schedule}" in page
    assert "To Second Admin." in page
    assert admin.post("/settings/left-behind/", {f"schedule-{schedule}": str(world.admin_id)}).location
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        assert ([user.id for user in row.recipients], row.paused_at) == ([world.admin_id], None)
    again = app.test_cli_runner().invoke(args=["cadence", "user-stop", address_of(world, second)])
    assert again.exit_code != 0
    last = app.test_cli_runner().invoke(args=["cadence", "user-stop", address_of(world, world.admin_id)])
    assert "Nobody is an admin of their organization now" in last.output
    with world.session():
        assert not db.session.get_one(User, world.admin_id).active
