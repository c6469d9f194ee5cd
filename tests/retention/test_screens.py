"""The pages of retention and of a legal hold: what they take, refuse and show, and to whom."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import AuditEntry, Tenant
from cadence_app.extensions import db
from cadence_app.retention import jobs
from cadence_app.retention.models import LegalHold, RetentionRun
from tests.queues import lose, waits
from tests.reports.exporting import mails_to
from tests.retention.old_contacts import dry_run, keep_for_a_year, old_contact, remove_all, run_row, work
from tests.world import Browser, World, make_world

PAGE = "/settings/retention/"


def entries(world: World) -> list[str]:
    """What was changed, sign-ins left out."""
    changed = select(AuditEntry.action).where(AuditEntry.action.not_like("user.%"))
    with world.session():
        return list(db.session.scalars(changed.order_by(AuditEntry.id)))


def test_only_an_admin_of_the_tenant_opens_any_of_it(world: World) -> None:
    contact_id = old_contact(world)
    keep_for_a_year(world)
    run_id = dry_run(world)
    run = f"{PAGE}runs/{run_id}"
    pages = [PAGE, run, f"{run}/remove", f"{run}/contacts.csv", f"/contacts/{contact_id}/hold"]
    posts = [PAGE, f"{PAGE}monthly", f"{PAGE}runs", f"{run}/remove", f"{run}/stop", pages[-1]]
    nobody, agent = Browser(world.app.test_client()), world.sign_in("agent")
    stranger = make_world(world.app, "legacy").sign_in("admin")
    for path in pages:
        assert nobody.get(path).location.startswith("/login?next=")
        assert agent.get(path).status_code == 403
        assert stranger.get(path).status_code == (200 if path == PAGE else 404)
    for path in posts:
        assert agent.post(path).status_code == 403
        if f"{run_id}" in path.split("/") or path == pages[-1]:
            assert stranger.post(path, {"reason": "x"}).status_code == 404
    assert "Legal hold" not in agent.get(f"/contacts/{contact_id}").text
    assert run_row(world, run_id).state == "ready"


@pytest.mark.parametrize("years", ["0", "26", "-1", "9" * 30, "", "five", "\x00"])
def test_years_that_are_none_are_told_at_the_field(world: World, years: str) -> None:
    admin = world.sign_in("admin")
    answer = admin.post(PAGE, {"years": years})
    assert answer.status_code == 422
    assert 'id="years-error"' in answer.text
    assert entries(world) == []


def test_the_default_is_five_years_and_a_change_is_in_the_audit_log_and_drops_what_was_counted(
    world: World,
) -> None:
    admin = world.sign_in("admin")
    assert re.search(r'selected value="5"', admin.get(PAGE).text)
    old_contact(world)
    keep_for_a_year(world)
    run_id = dry_run(world)
    assert admin.post(PAGE, {"years": "all"}).status_code == 302
    assert run_row(world, run_id).state == "stopped"
    assert entries(world) == ["retention.changed"]
    assert "Everything is kept" in admin.get(PAGE).text
    assert "there is nothing to count" in admin.post(f"{PAGE}runs", follow_redirects=True).text


def test_a_dry_run_is_asked_for_looked_at_and_removed_only_with_the_number_typed(world: World) -> None:
    gone, _ = old_contact(world, first_name="=Ruth", last_name="Abel"), old_contact(world)
    keep_for_a_year(world)
    admin = world.sign_in("admin")
    shown = admin.post(f"{PAGE}runs")
    run_id = int(shown.location.rpartition("/")[2])
    with world.app.app_context():
        assert waits("reports", f"retention-{run_id}") == 1
        lose("reports", f"retention-{run_id}")
    assert "Counting" in admin.get(shown.location).text
    work(world, run_id)
    page = admin.get(shown.location).text
    assert "=Ruth Abel" in page
    assert "Remove these" in page
    listed = admin.get(f"{shown.location}/contacts.csv")
    rows = list(csv.DictReader(io.StringIO(listed.data.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert (rows[0]["FirstName"], rows[0]["Texts"], rows[0]["State"]) == ("'=Ruth", "2", "listed")
    for typed in ("1", "", "two", "9" * 40):
        answer = admin.post(f"{shown.location}/remove", {"contacts": typed})
        assert answer.status_code == 422
        assert 'id="contacts-error"' in answer.text
    assert run_row(world, run_id).state == "ready"
    assert admin.post(f"{shown.location}/remove", {"contacts": "2"}).status_code == 302
    run = work(world, run_id)
    assert admin.get(f"/contacts/{gone}").status_code == 404
    done = admin.get(f"{shown.location}/contacts.csv").data
    assert b"Ruth" not in done
    assert hashlib.sha256(done).hexdigest() == run.digest
    assert run.digest in admin.get(shown.location).text
    assert entries(world) == [
        "retention.list_downloaded",
        "retention.approved",
        "retention.removed",
        "retention.list_downloaded",
    ]
    assert "not waiting for a decision" in admin.get(f"{shown.location}/remove", follow_redirects=True).text


def test_a_list_longer_than_a_page_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadence_app.retention.service.PAGE", 2)
    for index in range(3):
        old_contact(world, first_name=f"Nr{index}")
    keep_for_a_year(world)
    admin, run_id = world.sign_in("admin"), dry_run(world)
    page = admin.get(f"{PAGE}runs/{run_id}").text
    assert "Nr2" not in page
    following = re.search(r'rel="next" href="([^"#]+)', page)
    assert following
    assert "Nr2" in admin.get(following[1]).text
    for odd in ("-5", "x", "9" * 40):
        assert admin.get(f"{PAGE}runs/{run_id}?after={odd}").status_code == 200


def test_a_dry_run_that_is_stopped_removes_nothing(world: World) -> None:
    old_contact(world)
    keep_for_a_year(world)
    admin, run_id = world.sign_in("admin"), dry_run(world)
    admin.post(f"{PAGE}runs/{run_id}/stop")
    assert run_row(world, run_id).state == "stopped"
    late = admin.post(f"{PAGE}runs/{run_id}/remove", {"contacts": "1"}, follow_redirects=True)
    assert "not waiting for a decision" in late.text
    assert "too late" in admin.post(f"{PAGE}runs/{run_id}/stop", follow_redirects=True).text


def test_it_runs_by_itself_only_after_a_first_removal_and_announces_each_run_two_weeks_before(
    world: World,
) -> None:
    old_contact(world)
    stays = old_contact(world)
    keep_for_a_year(world)
    admin = world.sign_in("admin")
    admin.post(f"/contacts/{stays}/hold", {"reason": "Case 12"})
    refused = admin.post(f"{PAGE}monthly", {"monthly": "on"}, follow_redirects=True)
    assert "First look at a dry run" in refused.text
    remove_all(world)
    assert "every month" in admin.post(f"{PAGE}monthly", {"monthly": "on"}, follow_redirects=True).text
    admin.post(f"/contacts/{stays}/hold", {"lift": "1"})
    with world.app.app_context():
        jobs.sweep_monthly_retention()
        jobs.sweep_monthly_retention()
    with world.session():
        (run_id,) = db.session.scalars(select(RetentionRun.id).where(RetentionRun.automatic)).all()
    run = work(world, run_id)
    assert run.remove_at
    assert run.mailed_at
    assert (run.state, run.remove_at - run.mailed_at) == ("waiting", timedelta(days=14))
    (mail,) = mails_to(world)
    assert "1 old contacts will be removed" in str(mail["Subject"]).replace("\n", "")
    assert f"{PAGE}runs/{run_id}" in mail.get_content()
    assert work(world, run_id).state == "waiting"
    assert len(mails_to(world)) == 1
    _let_its_day_come(world, run_id)
    with world.app.app_context():
        jobs.sweep_retention()
    assert work(world, run_id).state == "done"
    assert admin.get(f"/contacts/{stays}").status_code == 404
    with world.session():
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (entry.user_name, entry.action) == ("Cadence, by itself", "retention.removed")
    with world.app.app_context():
        jobs.sweep_monthly_retention()
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(RetentionRun)) == 2, "one a month"


def test_an_announced_run_that_an_admin_stops_does_not_remove(world: World) -> None:
    contact_id = old_contact(world)
    keep_for_a_year(world)
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).retention_monthly = True
        db.session.commit()
    with world.app.app_context():
        jobs.sweep_monthly_retention()
    with world.session():
        run_id = db.session.scalars(select(RetentionRun.id).where(RetentionRun.automatic)).one()
    work(world, run_id)
    admin = world.sign_in("admin")
    admin.post(f"{PAGE}runs/{run_id}/stop")
    _let_its_day_come(world, run_id)
    with world.app.app_context():
        jobs.sweep_retention()
    assert work(world, run_id).state == "stopped"
    assert admin.get(f"/contacts/{contact_id}").status_code == 200


def _let_its_day_come(world: World, run_id: int) -> None:
    with world.session():
        db.session.get_one(RetentionRun, run_id).remove_at = func.now() - timedelta(seconds=1)
        db.session.commit()


def test_a_hold_needs_a_reason_is_listed_changed_and_lifted(world: World) -> None:
    contact_id = old_contact(world)
    admin = world.sign_in("admin")
    path = f"/contacts/{contact_id}/hold"
    for reason in ("", "   ", "x" * 501, "a\x00b"):
        answer = admin.post(path, {"reason": reason})
        assert answer.status_code == 422
        assert 'id="reason-error"' in answer.text
    assert admin.post(path, {"reason": "Case 12"}).status_code == 302
    assert "Case 12" in admin.get(PAGE).text
    assert "Case 12" in admin.get(path).text
    admin.post(path, {"reason": "Case 13"})
    admin.post(path, {"lift": "1"})
    with world.session():
        assert db.session.scalars(select(LegalHold)).all() == []
    assert entries(world) == ["hold.set", "hold.set", "hold.lifted"]
    assert admin.get("/contacts/999999999/hold").status_code == 404
