"""The organisation's settings, its screens, fields and tags, and the log of it all."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Role, Tenant, User
from cadence_app.contacts.models import Contact, ContactTag, CustomField, Tag
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import AUDIT_LOG, OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Every, Period, Timing
from tests.administration.test_teams_and_inboxes import logged
from tests.reports.exporting import ask_for, attachment, mail_of, rows_of, run
from tests.world import World, make_user, new_number


def test_another_time_zone_moves_the_hour_of_schedules_and_leaves_a_due_run_due(world: World) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        plan = schedule_runs.Plan(Filters(), (), Format.CSV, Period.DAY, Timing(Every.DAY, 0, 1, 6), [admin])
        waiting, due = (schedule_runs.add_schedule(admin, OPT_OUT_HISTORY, plan) for _ in range(2))
        before = waiting.next_run_at
        due.next_run_at = missed = datetime.now(UTC) - timedelta(minutes=5)
        db.session.commit()
        ids = waiting.id, due.id
    answer = world.sign_in("admin").post(
        "/settings/organisation/", {"name": world.name, "time_zone": "Pacific/Honolulu"}
    )
    assert answer.status_code == 302
    with world.session():
        waiting, due = (db.session.get_one(ExportSchedule, each) for each in ids)
        assert due.next_run_at == missed
        assert waiting.next_run_at != before
        assert waiting.next_run_at.astimezone(db.session.get_one(Tenant, world.tenant_id).zone).hour == 6
    assert logged(world)[-1][2] == {"time_zone": ["America/New_York", "Pacific/Honolulu"]}


def test_a_name_of_another_organisation_and_a_zone_that_is_none_are_refused(
    world: World, legacy_world: World
) -> None:
    admin = world.sign_in("admin")
    for name, zone in (
        (legacy_world.name, "UTC"),
        (world.name, "Mars/Olympus"),
        ("", "UTC"),
        ("\x00", "UTC"),
    ):
        assert admin.post("/settings/organisation/", {"name": name, "time_zone": zone}).status_code == 422
    with world.session():
        assert db.session.get_one(Tenant, world.tenant_id).name == world.name


def test_the_keyword_policy_is_chosen_with_its_day_and_then_counts(world: World) -> None:
    admin = world.sign_in("admin")
    path = "/settings/organisation/opting-out"
    wanted = {"keyword_policy": "organisation", "begins": "2020-01-01", "possible": "opt_out", "seen": "1"}
    assert admin.post(path, wanted).status_code == 302
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        received = world.text(number, "hello", inbox=inbox)
    contact_id = world.contact_id_of(received.conversation_id)
    world.text(number, "STOP", inbox=world.shared)
    assert world.status(contact_id, world.other_team_id) == "opted_out"
    assert logged(world)[-1][2] == {
        "keyword_policy": ["team", "organisation"],
        "keyword_policy_from": [None, "2020-01-01"],
        "possible_opt_outs": ["hold", "opt_out"],
    }
    assert admin.post(path, wanted | {"begins": "someday"}).status_code == 422
    assert admin.post(path, wanted | {"keyword_policy": "all"}).status_code == 422
    assert admin.post(path, wanted | {"keyword_policy": "team"}).status_code == 302
    with world.session():
        assert db.session.get_one(Tenant, world.tenant_id).keyword_policy_from is None


def test_the_screens_are_shown_side_by_side_and_changed_for_everybody(world: World) -> None:
    admin, agent = world.sign_in("admin"), world.sign_in("agent")
    page = admin.get("/settings/screens/").text
    assert "Reports &gt; Exports &gt; Opt out history" in page
    assert "Reports &gt; Opt-out Changes &gt; Export" in page
    assert agent.get("/reports/analytics").status_code == 200
    assert admin.post("/settings/screens/", {"screens": "nothing"}).status_code == 404
    for _ in range(2):
        assert admin.post("/settings/screens/", {"screens": "legacy"}).status_code == 302
    assert agent.get("/reports/").status_code == 403
    assert [entry for entry in logged(world) if entry[0] == "screens.changed"] == [
        ("screens.changed", world.name, {"screens": ["Teams screens", "Legacy screens"]})
    ]


def test_fields_are_made_renamed_reordered_and_deleted_with_their_values(world: World) -> None:
    admin = world.sign_in("admin")
    for name in ("Major", "Advisor"):
        assert admin.post("/settings/custom-fields/", {"name": name, "kind": "text"}).status_code == 302
    refused = admin.post("/settings/custom-fields/", {"name": "major", "kind": "text"})
    assert (refused.status_code, "one of this name" in refused.text) == (422, True)
    assert admin.post("/settings/custom-fields/", {"name": "X", "kind": "blob"}).status_code == 422
    contact_id = world.add_contact()
    with world.session():
        major, advisor = db.session.scalars(select(CustomField).order_by(CustomField.position)).all()
        ids = major.id, advisor.id
        db.session.get_one(Contact, contact_id).custom = {str(ids[0]): "Biology", str(ids[1]): "Kim"}
        db.session.commit()
    admin.post(f"/settings/custom-fields/{ids[1]}/move", {"to": "up"})
    admin.post(f"/settings/custom-fields/{ids[1]}/move", {"to": "up"})
    assert admin.post(f"/settings/custom-fields/{ids[1]}", {"name": "Adviser"}).status_code == 302
    assert "The one contact with a value in it" in admin.get(f"/settings/custom-fields/{ids[0]}/delete").text
    assert admin.post(f"/settings/custom-fields/{ids[0]}/delete").status_code == 302
    with world.session():
        assert db.session.get_one(Contact, contact_id).custom == {str(ids[1]): "Kim"}
        assert [field.name for field in db.session.scalars(select(CustomField))] == ["Adviser"]
    assert [entry[0].partition(".")[2] for entry in logged(world)] == [
        *("made", "made", "reordered", "renamed", "deleted")
    ]
    assert logged(world)[-1][2] == {"contacts": [1, 0]}


def test_tags_are_made_renamed_and_deleted_and_it_says_how_many_carry_one(world: World) -> None:
    admin = world.sign_in("admin")
    assert admin.post("/settings/tags/", {"name": "Athlete"}).status_code == 302
    assert admin.post("/settings/tags/", {"name": "ATHLETE"}).status_code == 422
    assert admin.post("/settings/tags/", {"name": "Transfer"}).status_code == 302
    contacts = [world.add_contact() for _ in range(2)]
    with world.session():
        tag_id = db.session.scalars(select(Tag.id).where(Tag.name == "Athlete")).one()
        db.session.add_all(
            ContactTag(tenant_id=world.tenant_id, contact_id=each, tag_id=tag_id) for each in contacts
        )
        db.session.commit()
    assert admin.post(f"/settings/tags/{tag_id}", {"name": "transfer"}).status_code == 422
    assert admin.post(f"/settings/tags/{tag_id}", {"name": "Athletes"}).status_code == 302
    assert "The 2 contacts that carry it" in admin.get(f"/settings/tags/{tag_id}/delete").text
    assert admin.post(f"/settings/tags/{tag_id}/delete").status_code == 302
    with world.session():
        assert db.session.scalars(select(ContactTag)).all() == []
        assert db.session.get(Contact, contacts[0]) is not None


def test_the_log_pages_by_id_and_narrows_by_day_person_and_thing(world: World) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        for number in range(60):
            audit.record(admin if number % 2 else None, "tag.made", f"Tag {number}")
        audit.record(None, "team.renamed", "Aid", code=("AID", "AI<D"), words=([], ["a", None, True]))
        db.session.commit()
    browser = world.sign_in("admin")
    page = browser.get("/settings/audit-log/").text
    assert "Team renamed" in page
    assert "AI&lt;D" in page
    assert "a, none, yes" in page
    assert page.count("<tr>") == 51
    older = re.search(r'href="([^"]*before=\d+)"', page)
    assert older
    assert browser.get(older[1].replace("&amp;", "&")).text.count("<tr>") == 13
    assert "Tag 59" not in browser.get("/settings/audit-log/?what=team").text
    assert "Team renamed" not in browser.get(f"/settings/audit-log/?who={world.admin_id}").text
    yesterday = date.today() - timedelta(days=3)
    assert "No match" in browser.get(f"/settings/audit-log/?start=2020-01-01&end={yesterday}").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("before=" + "9" * 30, 200), ("before=x", 200), ("who=99999", 422), ("what=x", 422), ("start=x", 422)],
)
def test_an_odd_query_of_the_log_is_no_crash(world: World, query: str, status: int) -> None:
    assert world.sign_in("admin").get(f"/settings/audit-log/?{query}").status_code == status


@pytest.mark.parametrize("mode", ["world", "legacy_world"])
def test_the_log_is_exported_in_both_modes_with_the_changes_in_words(
    mode: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    with world.session():
        audit.record(
            "Ada, operator of the server", "team.renamed", "Aid", name=("Help", "Aid"), code=(None, "=AID")
        )
        db.session.commit()
    path = "/reports/exports/audit-log" if mode == "world" else "/reports/audit-log/export"
    assert world.sign_in("admin").get(path).status_code == 200
    done = run(world, ask_for(world, kind=AUDIT_LOG, filters=Filters(words="help")))
    rows = rows_of(attachment(mail_of(world, done)))
    assert rows[0] == ["ChangedAt", "User", "Action", "Subject", "Changes"]
    assert rows[1][1:] == [
        *("Ada, operator of the server", "team.renamed", "Aid"),
        "code: none -> =AID; name: Help -> Aid",
    ]


@pytest.mark.parametrize("mode", ["world", "legacy_world"])
def test_an_auditor_lands_on_reports_reads_them_all_and_sees_nothing_else(
    mode: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    received = world.text(new_number(), "STOP")
    contact_id = world.contact_id_of(received.conversation_id)
    with world.session():
        auditor = make_user(world.tenant_id, Role.AUDITOR, "Auditor Person")
        db.session.commit()
        email = auditor.email
    browser = world.sign_in_as(email)
    assert browser.get("/").location == "/reports/"
    home = browser.get("/help/").text
    assert 'href="/reports/"' in home
    for path in ("/messages/", "/contacts/", "/settings/"):
        assert f'href="{path}"' not in home
    history = "/reports/exports/opt-out-history" if mode == "world" else "/reports/opt-out-changes/export"
    page = browser.get(history).text
    assert f"/contacts/{contact_id}/certificate" in page
    assert "Schedule this" not in page
    assert "/messages/" not in page
    certificate = browser.get(f"/contacts/{contact_id}/certificate").text
    assert "STOP" in certificate
    assert 'href="/contacts/"' not in certificate
    listing = browser.get("/reports/exports" if mode == "world" else "/reports/").text
    assert "Audit log" in listing
    assert "Message history" not in listing
    messages = "/reports/exports/message-history" if mode == "world" else "/reports/message-history/export"
    assert browser.get(messages).status_code == 403
    activity = browser.get("/reports/analytics" if mode == "world" else "/reports/message-activity").text
    assert "Aid line" in activity
    answer = browser.post(history, {"start_date": "2026-01-01", "end_date": "2026-01-02", "format": "csv"})
    assert answer.status_code == 302
    assert "Export requested" in browser.get(answer.location).text
