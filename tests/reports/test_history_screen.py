"""The Opt out history on screen, in both modes: filters, totals, rows, and the export of just that."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import changes
from cadence_app.reports.filters import Filters
from cadence_app.reports.models import Export
from cadence_app.reports.ranges import today
from tests.reports.exporting import NEW_YORK, ask_for, attachment, mail_of, rows_of, run
from tests.world import World, new_number

TEAMS = "/reports/exports/opt-out-history"
LEGACY = "/reports/opt-out-changes/export"

Either = tuple[World, str]


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> Either:
    """A tenant, and its own path of the report."""
    return (world, TEAMS) if request.param == "teams" else (legacy_world, LEGACY)


def _words(page: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_report_shows_totals_charts_and_rows_with_words_source_and_actor(either: Either) -> None:
    world, path = either
    received = world.text(new_number(), "hello there")
    world.text("+13035550199", "hi", world.other_shared)
    world.text("+13035550199", "STOP", world.other_shared)
    added = world.add_contact(first_name="Ada", last_name="Byron")
    with world.session():
        record_change(
            Change(
                *(added, world.team_id, Status.OPTED_OUT, Source.TOGGLE, world.agent_id),
                reason="Asked by phone",
            )
        )
        db.session.commit()
    answer = world.sign_in("admin").get(path)
    assert answer.status_code == 200
    text = _words(answer.text)
    for said in (
        "Opt outs 2",
        "Opt ins 2",
        "Net, opt ins less opt outs 0",
        "First text from this number: hello there",
        "Their own text: STOP",
        "Changed by Agent Person",
        "Asked by phone",
        "Ada Byron",
        "Newest first, 4 in all",
    ):
        assert said in text, said
    link = f"/messages/conversations/{received.conversation_id}#text-{received.message_id}"
    assert f'href="{link}"' in answer.text
    assert answer.text.count("data-chart=") == 2
    assert ("Changes by department" if path == LEGACY else "Changes by team") in text


def test_a_conversation_that_the_admin_may_not_open_has_no_link(world: World) -> None:
    received = world.text(new_number(), "STOP", world.personal)
    page = world.sign_in("admin").get(TEAMS).text
    assert "STOP" in page
    assert f"/conversations/{received.conversation_id}" not in page


def test_request_export_exports_exactly_what_the_page_shows(either: Either) -> None:
    world, path = either
    for inbox in (world.shared, world.other_shared):
        number = new_number()
        world.text(number, "hi", inbox)
        world.text(number, "STOP", inbox)
    day = today(NEW_YORK)
    query = {"team": world.team_id, "status": "opted_out", "start_date": day, "end_date": day}
    admin = world.sign_in("admin")
    shown = admin.get(path, query_string=query).text
    assert shown.count('class="change-why"') == 1
    answer = admin.post(path, query | {"format": "xlsx", "columns": ["Source", "User"]})
    assert answer.status_code == 302
    for name, value in query.items():
        assert f"{name}={value}" in answer.location
    with world.session():
        export = db.session.scalars(select(Export)).one()
        assert export.filters == {"team_id": world.team_id, "status": "opted_out"}
        assert (export.extra_columns, export.format) == (["Source", "User"], "xlsx")
    csv = run(world, ask_for(world, day, day, filters=Filters(team_id=world.team_id, status="opted_out")))
    assert len(rows_of(attachment(mail_of(world, csv)))) == 2
    listed = _words(admin.get(path).text)
    word = "Department" if path == LEGACY else "Team"
    assert f"{word}: Admissions" in listed
    assert "Status: Opted Out" in listed


def test_days_alone_ask_for_the_classic_file(either: Either) -> None:
    world, path = either
    day = today(NEW_YORK)
    world.sign_in("admin").post(path, {"start_date": day, "end_date": day})
    with world.session():
        export = db.session.scalars(select(Export)).one()
        assert (export.filters, export.extra_columns, export.format) == ({}, [], "csv")


def test_the_token_is_never_in_an_address(world: World) -> None:
    page = world.sign_in("admin").get(TEAMS).text
    form = page[page.index('<form method="get"') : page.index("</form>", page.index('<form method="get"'))]
    assert 'type="hidden"' not in form
    assert re.search(r'<button[^>]*formmethod="post"[^>]*name="csrf_token"', form)


_BAD = (
    ("team=999999999999999999999999", "Choose from the list"),
    ("team=x", "Choose from the list"),
    ("source=import", "Choose from the list"),
    ("status=%00", "Choose from the list"),
    ("user=-1", "Choose from the list"),
    ("contact=a%00b", "can&#39;t be stored"),
    ("words=%00", "can&#39;t be stored"),
    ("contact=" + "x" * 201, "longer than 200"),
    ("columns=Password", "Choose from the list"),
    ("format=exe", "Choose from the list"),
    ("start_date=soon&end_date=2026-01-01", "Enter a date as"),
    ("start_date=2026-01-02&end_date=2026-01-01", "before the first day"),
    ("start_date=2026-01-02&end_date=2999-12-31", "after the year 2099"),
    ("start_date=2026-01-02", "Enter the last day"),
    ("start_date=2999-01-01&end_date=2999-01-02", "in the future"),
)


def test_a_bad_value_is_told_at_its_field_and_nothing_is_shown_or_exported(either: Either) -> None:
    world, path = either
    admin = world.sign_in("admin")
    day = today(NEW_YORK).isoformat()
    for query, says in _BAD:
        answer = admin.get(f"{path}?{query}")
        assert answer.status_code == 422, query
        assert says in answer.text, query
        assert 'id="changes"' not in answer.text, query
        values = {"start_date": day, "end_date": day} | dict(
            pair.split("=") for pair in query.replace("%00", "\x00").split("&")
        )
        if query != "start_date=2026-01-02":
            assert admin.post(path, values).status_code == 422, query
            with world.session():
                assert db.session.scalar(select(Export)) is None, query


@pytest.mark.parametrize("name", ["older", "newer"])
def test_a_cursor_that_can_not_be_read_shows_the_newest_rows_and_says_so(world: World, name: str) -> None:
    world.text(new_number(), "STOP")
    admin = world.sign_in("admin")
    for cursor in ("x", "1", "\x00", "9" * 40 + "-1", "1-" + "9" * 40, "-5--5"):
        answer = admin.get(f"{TEAMS}?{name}={quote(cursor)}")
        assert answer.status_code == 200, cursor
        assert "could not be read" in answer.text, cursor
        assert "STOP" in answer.text, cursor


def test_a_cursor_past_either_end_is_no_error(world: World) -> None:
    world.text(new_number(), "STOP")
    admin = world.sign_in("admin")
    assert "past the oldest change" in admin.get(f"{TEAMS}?older=1-1").text
    assert "STOP" in admin.get(f"{TEAMS}?newer=9999999999999999-1").text


def test_the_pages_links_keep_the_filters_and_lead_to_every_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 3)
    words = [f"STOP{' ' * index}" for index in range(8)]
    for text in words:
        world.text(new_number(), text)
    world.text(new_number(), "STOP", world.other_shared)
    admin = world.sign_in("admin")
    path, rows = f"{TEAMS}?team={world.team_id}", 0
    while path:
        page = admin.get(path).text
        rows += page.count('class="change-why"')
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = html.unescape(found[1]) if found else ""
        assert not path or f"team={world.team_id}" in path
    assert rows == 8


def test_another_tenants_team_user_and_rows_are_out_of_reach(world: World, legacy_world: World) -> None:
    legacy_world.text(new_number(), "STOP elsewhere")
    legacy_world.text(new_number(), "STOP")
    admin = world.sign_in("admin")
    assert admin.get(f"{TEAMS}?team={legacy_world.team_id}").status_code == 422
    assert admin.get(f"{TEAMS}?user={legacy_world.agent_id}").status_code == 422
    assert 'class="change-why"' not in admin.get(TEAMS).text


def test_only_admins_see_the_report_and_its_kinds(either: Either) -> None:
    world, path = either
    other = "/reports/exports/{}" if path == TEAMS else "/reports/{}/export"
    for key in ("opt-out-status", "message-history", "user-activity", "possible-opt-outs"):
        for asked in (other.format(key), f"/exports/list?kind={key}"):
            assert world.sign_in("agent").get(asked).status_code == 403
            assert world.app.test_client().get(asked).status_code == 302
            assert world.sign_in("admin").get(asked).status_code == 200
    assert world.sign_in("admin").get(other.format("nothing")).status_code == 404
    assert world.sign_in("admin").get("/exports/list?kind=nothing").status_code == 404


def test_a_kinds_path_of_the_other_mode_is_404_and_says_where_it_is(either: Either) -> None:
    world, path = either
    own, other = "/reports/exports/user-activity", "/reports/user-activity/export"
    if path == LEGACY:
        own, other = other, own
    answer = world.sign_in("admin").get(other)
    assert answer.status_code == 404
    assert f'href="{own}"' in answer.text


def test_a_plain_kind_is_requested_and_listed_on_its_own_page(either: Either) -> None:
    world, path = either
    page = "/reports/exports/{}" if path == TEAMS else "/reports/{}/export"
    admin = world.sign_in("admin")
    assert "User activity" in admin.get("/reports/exports" if path == TEAMS else "/reports/").text
    answer = admin.post(page.format("opt-out-status"), {"team": world.team_id})
    assert answer.status_code == 302
    assert answer.location.partition("#")[0] == page.format("opt-out-status")
    assert "Admissions" in _words(admin.get(answer.location).text.split('id="export-list"')[1])
    bad = admin.post(page.format("user-activity"), {"start_date": "x", "end_date": "2026-01-01"})
    assert bad.status_code == 422
    with world.session():
        assert db.session.scalars(select(Export.kind)).all() == ["opt-out-status"]


def test_the_form_shows_the_days_and_filters_of_its_address(world: World) -> None:
    with world.session():
        assert db.session.get_one(User, world.agent_id).name == "Agent Person"
    page = world.sign_in("admin").get(
        f"{TEAMS}?start_date=2026-01-01&end_date=2026-01-31&user={world.agent_id}&contact=%22%3E%3Cb%3E"
    )
    assert page.status_code == 200
    assert 'value="2026-01-01"' in page.text
    assert f'<option selected value="{world.agent_id}">Agent Person' in page.text
    assert "<b>" not in page.text
