"""Number changes and merges are not in the file; form and mail say how many, and lead to them."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cadence_app.extensions import db
from cadence_app.reports.filters import CARRIED
from cadence_app.reports.kinds import PLAIN_KINDS
from cadence_app.reports.models import Export
from cadence_app.reports.ranges import today
from cadence_app.reports.schedules import Period
from tests.contacts.importing import csv_of
from tests.contacts.importing import run as run_import
from tests.records.people import IN, OUT, merge, opt, text_at
from tests.reports.exporting import ask_for, attachment, mail_of, rows_of, run
from tests.reports.scheduling import add_schedule, mails_of, run_next
from tests.world import World, new_number

TEAMS = "/reports/exports/opt-out-history"
LEGACY = "/reports/opt-out-changes/export"


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> tuple[World, str]:
    """A tenant, and its own path of the report."""
    return (world, TEAMS) if request.param == "teams" else (legacy_world, LEGACY)


def words_of(page: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def _numbers_change_and_records_merge(world: World) -> list[str]:
    """Two number changes, one of them by a file, and a merge, each an opt out of the first team; the
    numbers that the history names, oldest first."""
    numbers = [new_number() for _ in range(3)]
    by_hand, by_file, kept = (world.add_contact(number, external_id=number) for number in numbers)
    for contact_id in (by_hand, by_file, kept):
        opt(world, contact_id, IN)
    other = world.add_contact()
    opt(world, other, OUT)
    text_at(world, by_hand, new_number())
    run_import(world, csv_of(("", "", numbers[1], new_number(), "ADM", "")))
    merge(world, kept, other)
    return numbers


def _link_to_left_out(page: str) -> str:
    found = re.search(r'href="([^"]+)">3 number changes and merges are not in this file</a>', page)
    assert found, words_of(page)
    return html.unescape(found[1])


def _text_of(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain
    assert rich
    return plain.get_content(), rich.get_content()


def test_the_form_says_how_many_are_not_in_the_file_and_its_link_shows_them(
    either: tuple[World, str],
) -> None:
    world, path = either
    numbers = _numbers_change_and_records_merge(world)
    admin = world.sign_in("admin")
    page = admin.get(path).text
    assert "Newest first, 4 in all" in words_of(page)
    link = _link_to_left_out(page)
    assert link.startswith(f"{path}?")
    shown = words_of(admin.get(link).text)
    assert "Newest first, 3 in all" in shown
    for said in ("Number changed from ", "Two records merged by Admin Person"):
        assert said in shown
    assert "not in this file" not in shown
    day = today(ZoneInfo("America/New_York"))
    asked = {"start_date": day, "end_date": day, "source": CARRIED, "columns": ["Source"]}
    assert admin.post(path, asked).status_code == 302
    with world.session():
        export_id = db.session.scalars(select(Export.id)).one()
    mail = mail_of(world, run(world, export_id))
    rows = rows_of(attachment(mail))
    assert [(row[4], row[7]) for row in rows[1:]] == [
        (numbers[0], "Number change"),
        (numbers[1], "Number change"),
        (numbers[2], "Merge"),
    ]
    said = _text_of(mail)[0]
    assert "Only Source: Number changes and merges" in said
    assert "not in this file" not in said


def test_the_link_keeps_the_days_and_the_other_filters(world: World) -> None:
    _numbers_change_and_records_merge(world)
    day = today(ZoneInfo("America/New_York"))
    query = {"team": world.team_id, "start_date": day - timedelta(days=3), "end_date": day}
    admin = world.sign_in("admin")
    link = _link_to_left_out(admin.get(TEAMS, query_string=query).text)
    for name, value in (query | {"source": CARRIED}).items():
        assert f"{name}={value}" in link
    query["team"] = world.other_team_id
    assert "not in this file" not in admin.get(TEAMS, query_string=query).text


@pytest.mark.parametrize("query", ["source=toggle", "status=opted_in", "words=stop"])
def test_nothing_is_said_where_a_filter_leaves_none_out(world: World, query: str) -> None:
    _numbers_change_and_records_merge(world)
    page = world.sign_in("admin").get(f"{TEAMS}?{query}")
    assert page.status_code == 200
    assert "not in this file" not in page.text


def test_the_mail_says_how_many_are_not_in_the_file_and_links_to_them(either: tuple[World, str]) -> None:
    world, path = either
    numbers = _numbers_change_and_records_merge(world)
    export = run(world, ask_for(world))
    assert (export.rows_total, export.left_out) == (4, 3)
    mail = mail_of(world, export)
    assert len(rows_of(attachment(mail))) == 5
    plain, rich = _text_of(mail)
    assert "3 number changes and merges are not in this file." in plain
    found = re.search(rf"{re.escape(world.app.config['PUBLIC_URL'])}({re.escape(path)}\?\S+)", plain)
    assert found
    assert f'href="{html.escape(world.app.config["PUBLIC_URL"] + found[1])}"' in rich
    shown = world.sign_in("admin").get(found[1])
    assert shown.status_code == 200
    assert "Newest first, 3 in all" in words_of(shown.text)
    assert numbers[0][-4:] in shown.text


def test_the_activity_of_users_counts_what_the_history_has_of_them(world: World) -> None:
    _numbers_change_and_records_merge(world)
    export = run(world, ask_for(world, kind=PLAIN_KINDS["user-activity"]))
    header, *rows = rows_of(attachment(mail_of(world, export)))
    (agent,) = [dict(zip(header, row, strict=True)) for row in rows]
    assert (agent["User"], agent["OptOuts"], agent["OptIns"]) == ("Agent Person", "1", "3")


def test_one_is_told_of_as_one_and_none_not_at_all(world: World) -> None:
    contact_id = world.add_contact()
    opt(world, contact_id, IN)
    assert "not in this file" not in _text_of(mail_of(world, run(world, ask_for(world))))[0]
    text_at(world, contact_id, new_number())
    page = world.sign_in("admin").get(TEAMS).text
    assert "1 number change or merge is not in this file" in page


def test_a_file_of_what_changed_tells_only_of_what_changed_since(world: World) -> None:
    _numbers_change_and_records_merge(world)
    schedule = add_schedule(world, Period.CHANGED)
    first, second = run_next(world, schedule), run_next(world, schedule)
    contact_id = world.add_contact()
    opt(world, contact_id, IN)
    text_at(world, contact_id, new_number())
    third = run_next(world, schedule)
    assert [(each.rows_total, each.left_out) for each in (first, second, third)] == [(4, 3), (0, 0), (1, 1)]
    (mail,) = mails_of(world, third).values()
    assert "1 number change or merge is not in this file." in _text_of(mail)[0]
