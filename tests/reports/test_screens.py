"""Who may open which report, and what the form says to bad input."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from cadence_app import create_app
from cadence_app.accounts.models import User
from cadence_app.extensions import db, limiter
from cadence_app.reports import service
from cadence_app.reports.kinds import OPT_OUT_HISTORY, PLAIN_KINDS
from cadence_app.reports.models import Export
from cadence_app.reports.ranges import today
from tests.world import Browser, World, new_number

TEAMS = "/reports/exports/opt-out-history"
LEGACY = "/reports/opt-out-changes/export"
EXPORT_PATHS = ["/reports/exports", TEAMS, LEGACY, "/exports/list", "/exports/1/download"]
ANALYTICS = "/reports/analytics"
MESSAGE_ACTIVITY = "/reports/message-activity"
PATHS = ["/reports/", ANALYTICS, MESSAGE_ACTIVITY, *EXPORT_PATHS]


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> tuple[World, str, str]:
    """A tenant, its own path of the report, and the other mode's."""
    return (world, TEAMS, LEGACY) if request.param == "teams" else (legacy_world, LEGACY, TEAMS)


def report_links(page: str) -> set[str]:
    """Every address of a report, an export or the Reports page that a page links to."""
    return set(re.findall(r'href="(/reports[^"?]*|/exports[^"?]*)', page))


@pytest.mark.parametrize("path", EXPORT_PATHS)
def test_an_agent_gets_403_on_every_export_path(either: tuple[World, str, str], path: str) -> None:
    agent = either[0].sign_in("agent")
    answer = agent.get(path)
    assert answer.status_code == 403
    assert not report_links(answer.text) - {"/reports/"}
    assert agent.post("/exports/1/retry").status_code == 403
    assert agent.post(TEAMS, {"start_date": "2026-01-01", "end_date": "2026-01-02"}).status_code == 403
    assert agent.post(LEGACY, {"start_date": "2026-01-01", "end_date": "2026-01-02"}).status_code == 403


def test_an_agent_of_teams_sees_analytics_and_no_other_report(world: World) -> None:
    agent = world.sign_in("agent")
    assert report_links(agent.get("/messages/").text) == {"/reports/"}
    first = agent.get("/reports/")
    assert (first.status_code, first.location) == (302, ANALYTICS)
    page = agent.get(ANALYTICS)
    assert page.status_code == 200
    assert report_links(page.text) == {"/reports/", ANALYTICS}
    assert ">Exports<" not in page.text
    for path in ("/help/", "/help/opt-out-history", "/help/message-activity"):
        assert not report_links(agent.get(path).text) - {"/reports/", ANALYTICS}


def test_an_agent_of_legacy_sees_no_reports_at_all(legacy_world: World) -> None:
    agent = legacy_world.sign_in("agent")
    for path in ("/reports/", ANALYTICS, MESSAGE_ACTIVITY):
        answer = agent.get(path)
        assert answer.status_code == 403
        assert report_links(answer.text) == set()
    for path in ("/messages/", "/contacts/", "/help/", "/help/opt-out-history", "/help/message-activity"):
        assert report_links(agent.get(path).text) == set(), path


def test_an_admin_of_teams_sees_both_tabs_and_reports_opens_the_first(world: World) -> None:
    admin = world.sign_in("admin")
    assert admin.get("/reports/").location == ANALYTICS
    for path in (ANALYTICS, "/reports/exports", TEAMS):
        assert report_links(admin.get(path).text) >= {ANALYTICS, "/reports/exports"}
    assert TEAMS in report_links(admin.get("/reports/exports").text)


def test_an_admin_of_legacy_sees_a_list_of_reports_each_with_its_action(legacy_world: World) -> None:
    page = legacy_world.sign_in("admin").get("/reports/")
    assert page.status_code == 200
    kinds = {f"/reports/{key}/export" for key in PLAIN_KINDS}
    assert report_links(page.text) == {
        "/reports/",
        MESSAGE_ACTIVITY,
        LEGACY,
        *kinds,
        "/reports/consent-evidence",
        "/reports/schedules/",
        "/reports/proof/",
    }
    text = re.sub(r"<[^>]+>|\s+", " ", page.text)
    assert re.search(r"Message Activity .* View .* Opt-out Changes .* Export ", text)


@pytest.mark.parametrize("role", ["admin", "agent"])
def test_the_other_modes_path_of_message_activity_says_where_it_is(
    role: str, world: World, legacy_world: World
) -> None:
    answer = world.sign_in(role).get(MESSAGE_ACTIVITY)
    assert answer.status_code == 404
    assert "Reports &gt; Analytics" in answer.text
    assert f'href="{ANALYTICS}"' in answer.text
    answer = legacy_world.sign_in("admin").get(ANALYTICS)
    assert answer.status_code == 404
    assert "Reports &gt; Message Activity &gt; View" in answer.text
    assert f'href="{MESSAGE_ACTIVITY}"' in answer.text


@pytest.mark.parametrize("path", [*PATHS, "/messages/", "/contacts/", "/help/"])
def test_who_is_not_signed_in_is_asked_to(world: World, path: str) -> None:
    answer = world.app.test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_the_other_modes_path_is_404_and_says_where_the_report_is(either: tuple[World, str, str]) -> None:
    world, own, other = either
    admin = world.sign_in("admin")
    answer = admin.get(other)
    assert answer.status_code == 404
    assert f'href="{own}"' in answer.text
    assert admin.get(own).status_code == 200


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("", "2026-01-02", "Enter the first day"),
        ("2026-01-02", "", "Enter the last day"),
        ("soon", "2026-01-02", "Enter a date as"),
        ("2026-02-30", "2026-03-01", "Enter a date as"),
        ("2026-01-03", "2026-01-02", "before the first day"),
        ("2999-01-01", "2999-01-02", "in the future"),
        ("0001-01-01", "2026-01-02", "Enter a date from the year 1900 to 2999."),
        ("1999-01-01", "2026-01-02", "before the year 2000"),
        ("2026-01-01", "9999-12-31", "Enter a date from the year 1900 to 2999."),
        ("2026-01-01", "2999-12-31", "after the year 2099"),
        ("2999-12-31", "2999-12-31", "in the future"),
    ],
)
def test_a_bad_range_is_told_at_its_field_and_queues_nothing(
    either: tuple[World, str, str], start: str, end: str, says: str
) -> None:
    world, own, _ = either
    answer = world.sign_in("admin").post(own, {"start_date": start, "end_date": end})
    assert answer.status_code == 422
    assert says in answer.text
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Export)) == 0


def test_a_good_range_is_recorded_and_queued_for_the_admin(either: tuple[World, str, str]) -> None:
    world, own, _ = either
    day = today(db_zone(world))
    answer = world.sign_in("admin").post(
        own, {"start_date": f"{day - timedelta(days=6)}", "end_date": f"{day}"}
    )
    assert answer.status_code == 302
    with world.session():
        export = db.session.scalars(select(Export)).one()
        assert (export.requested_by_id, export.end_date) == (world.admin_id, day)


def db_zone(world: World) -> ZoneInfo:
    with world.session():
        return db.session.get_one(User, world.admin_id).tenant.zone


def test_a_form_without_its_token_is_refused(world: World) -> None:
    admin = world.sign_in("admin")
    answer = admin.client.post(TEAMS, data={"start_date": "2026-01-01", "end_date": "2026-01-02"})
    assert answer.status_code == 400


def test_what_belongs_to_another_tenant_is_404(world: World, legacy_world: World) -> None:
    number = new_number()
    received = legacy_world.text(number, "hi")
    with legacy_world.session():
        admin = db.session.get_one(User, legacy_world.admin_id)
        export, _ = service.request_export(
            admin, OPT_OUT_HISTORY, today(admin.tenant.zone), today(admin.tenant.zone)
        )
        export_id = export.id
        contact_id = legacy_world.contact_id(number)
    browser = world.sign_in("admin")
    conversation = f"/messages/conversations/{received.conversation_id}"
    for path in (
        conversation,
        f"{conversation}/fresh",
        f"/contacts/{contact_id}",
        f"/contacts/{contact_id}/edit",
    ):
        assert browser.get(path).status_code == 404, path
    assert browser.get(f"/exports/{export_id}/download").status_code == 404
    for path in (f"{conversation}/send", f"{conversation}/consent", f"/exports/{export_id}/retry"):
        assert browser.post(path, {"status": "opted_out", "body": "x"}).status_code == 404, path


def test_an_agent_does_not_see_another_teams_or_anybody_elses_personal_inbox(world: World) -> None:
    agent = world.sign_in("agent")
    for inbox in (world.other_shared, world.other_personal):
        received = world.text(new_number(), "hi", inbox)
        assert agent.get(f"/messages/conversations/{received.conversation_id}").status_code == 404
    own = world.text(new_number(), "hi", world.personal)
    assert agent.get(f"/messages/conversations/{own.conversation_id}").status_code == 200
    assert world.sign_in("admin").get(f"/messages/conversations/{own.conversation_id}").status_code == 404


def test_sending_to_an_opted_out_contact_is_refused_with_the_reason_and_keeps_the_text(world: World) -> None:
    received = world.text(new_number(), "STOP")
    agent = world.sign_in("agent")
    answer = agent.post(f"/messages/conversations/{received.conversation_id}/send", {"body": "Are you sure?"})
    assert answer.status_code == 409
    assert "opted out of Admissions" in answer.text
    assert world.messages(received.conversation_id)[-1].state == "suppressed"


def test_a_number_that_is_known_is_found_and_not_doubled(world: World) -> None:
    agent = world.sign_in("agent")
    form = {"number": "(212) 555-0177", "team_id": world.team_id, "first_name": "Ann", "last_name": "Lee"}
    added = agent.post("/contacts/new", form | {"external_id": "9"})
    assert added.status_code == 302
    again = agent.post("/contacts/new", form | {"number": "+1 212.555.0177", "external_id": ""})
    assert again.status_code == 422
    assert added.location in again.text
    (row,) = world.history(int(added.location.rpartition("/")[2]))
    assert (row.source, row.status, row.user_name) == ("manual_add", "opted_in", "Agent Person")


def test_wrong_passwords_are_limited(world: World) -> None:
    app = create_app(dict(world.app.config) | {"RATELIMIT_ENABLED": True})
    try:
        browser = Browser(app.test_client())
        form = {"email": f"{uuid.uuid4()}@nobody.example", "password": "wrong"}
        codes = []
        for _ in range(12):
            browser.get("/login")
            codes.append(browser.post("/login", form).status_code)
        assert codes[0] == 422
        assert codes[-1] == 429
    finally:
        limiter.enabled = False
