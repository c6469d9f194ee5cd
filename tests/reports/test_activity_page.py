"""The page of message activity: who sees what on it, its filters, and what it says to bad input."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest

from cadence_app.accounts.models import TeamMember, User
from cadence_app.extensions import db
from tests.reports.talking import NOON, Talk
from tests.world import World, new_number

DAYS = "start_date=2026-06-01&end_date=2026-06-10"


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> tuple[World, str, str]:
    """A tenant, its own path of the report, and its word for a team."""
    if request.param == "teams":
        return world, "/reports/analytics", "team"
    return legacy_world, "/reports/message-activity", "department"


def words(page: str) -> str:
    """What a page says, in one line."""
    return re.sub(
        r"\s+", " ", html.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S))
    )


def test_an_admin_sees_totals_and_tables_in_the_words_of_the_mode(either: tuple[World, str, str]) -> None:
    world, path, word = either
    talk = Talk(world)
    talk.sent(NOON)
    talk.sent(NOON - timedelta(days=10))
    talk.received(NOON + timedelta(hours=1))
    page = world.sign_in("admin").get(f"{path}?{DAYS}")
    assert page.status_code == 200
    said = words(page.text)
    assert "Jun 1, 2026 to Jun 10, 2026" in said
    assert "Before means May 22, 2026 to May 31, 2026, the 10 days before these." in said
    assert "Sent 1 1 before, no change" in said
    assert "Reply % 100.0% 0.0% before, up 100.0 points" in said
    assert "2026-06-01 04:00:00 UTC up to, not including, 2026-06-11 04:00:00 UTC" in said
    assert f"By {word} " in said
    assert "By user " in said
    assert "Agent Person" in said
    other = {"team": "department", "department": "team"}[word]
    main = page.text[page.text.index("<main") :].replace("/reports/teams", "").replace('name="team"', "")
    assert other not in words(main).lower()


def test_an_agent_of_teams_sees_no_figures_of_others_nor_of_other_teams(world: World) -> None:
    Talk(world).sent(NOON, world.admin_id)
    Talk(world, world.other_shared).sent(NOON, world.admin_id)
    Talk(world, world.personal).sent(NOON, world.agent_id)
    said = words(world.sign_in("agent").get(f"/reports/analytics?{DAYS}").text)
    for hidden in ("Admin Person", "Aid", "By user"):
        assert hidden not in said
    assert "Your own texts" in said
    assert "Sent 2 None before" in said


def test_an_admin_of_teams_sees_the_teams_they_are_in_and_one_of_legacy_every_department(
    world: World, legacy_world: World
) -> None:
    for each, path, sent in (
        (world, "/reports/analytics", 0),
        (legacy_world, "/reports/message-activity", 1),
    ):
        Talk(each, each.other_shared).sent(NOON)
        with each.session():
            member = db.session.get_one(TeamMember, (each.other_team_id, each.admin_id))
            db.session.delete(member)
            db.session.commit()
        said = words(each.sign_in("admin").get(f"{path}?{DAYS}").text)
        assert f"Sent {sent} None before" in said
        assert ("Aid" in said) == bool(sent)


def test_who_is_in_no_team_is_told_so(world: World) -> None:
    with world.session():
        db.session.delete(db.session.get_one(TeamMember, (world.team_id, world.agent_id)))
        db.session.commit()
    page = world.sign_in("agent").get("/reports/analytics")
    assert page.status_code == 200
    assert "You are in no team" in words(page.text)


def test_days_without_a_text_say_so_and_still_list_the_teams(either: tuple[World, str, str]) -> None:
    world, path, _ = either
    said = words(world.sign_in("admin").get(f"{path}?{DAYS}").text)
    assert "No texts in these days" in said
    assert "Delivery % None sent None sent before" in said
    assert "Admissions" in said


def test_the_team_of_the_address_is_the_one_shown_and_chosen(either: tuple[World, str, str]) -> None:
    world, path, _ = either
    Talk(world).sent(NOON)
    page = world.sign_in("admin").get(f"{path}?{DAYS}&team={world.other_team_id}")
    assert "Sent 0 None before" in words(page.text)
    assert re.search(rf'<option selected value="{world.other_team_id}">Aid', page.text)
    assert f"range=last-7&amp;team={world.other_team_id}" in page.text


def test_without_filters_it_is_the_last_30_days_of_the_tenants_zone(either: tuple[World, str, str]) -> None:
    world, path, _ = either
    with world.session():
        today = datetime.now(db.session.get_one(User, world.admin_id).tenant.zone).date()
    page = world.sign_in("admin").get(path).text
    assert f'value="{today - timedelta(days=29)}"' in page
    assert f'value="{today}"' in page
    assert re.search(r'range=last-30"\s+aria-current="true"', page)


@pytest.mark.parametrize("preset", ["last-7", "last-30", "last-90", "this-month", "last-month"])
def test_a_preset_is_an_address_and_fills_the_days(world: World, preset: str) -> None:
    page = world.sign_in("admin").get(f"/reports/analytics?range={preset}")
    assert page.status_code == 200
    assert re.search(rf'range={preset}"\s+aria-current="true"', page.text)
    assert len(re.findall(r'type="date" value="\d{4}-\d\d-\d\d"', page.text)) == 2


def _tomorrow() -> str:
    return str(datetime.now(UTC).date() + timedelta(days=2))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("start_date=2026-01-02", "Enter the last day."),
        ("end_date=2026-01-02&start_date=", "Enter the first day."),
        ("start_date=soon&end_date=2026-01-02", "Enter a date as year-month-day"),
        ("start_date=2026-02-30&end_date=2026-03-01", "Enter a date as year-month-day"),
        ("start_date=2026-01-03&end_date=2026-01-02", "The last day is before the first day."),
        ("start_date=0001-01-01&end_date=0001-01-02", "Enter a date from the year 1900 to 2999."),
        ("start_date=1999-01-01&end_date=1999-01-02", "before the year 2000"),
        ("start_date=2026-01-01&end_date=2999-12-31", "The last day is in the future."),
        ("start_date=2020-01-01&end_date=2026-01-01", "Choose at most two years."),
        (f"start_date={_tomorrow()}&end_date={_tomorrow()}", "The first day is in the future."),
        ("start_date=2026-01-01%00&end_date=2026-01-02", "Enter a date as year-month-day"),
        ("range=whenever", "Choose one of these ranges"),
        ("range=%00", "Choose one of these ranges"),
        ("team=0", "of the list."),
        ("team=-1", "of the list."),
        ("team=99999999999999999999999999", "of the list."),
        ("team=%00", "of the list."),
        (f"team={quote(chr(0x661))}", "of the list."),
    ],
)
def test_a_bad_value_is_told_at_its_field_and_shows_no_figures(
    either: tuple[World, str, str], query: str, says: str
) -> None:
    world, path, _ = either
    page = world.sign_in("admin").get(f"{path}?{query}")
    assert page.status_code == 422
    assert says in words(page.text)
    assert "By user" not in words(page.text)


def test_a_team_of_another_tenant_or_not_their_own_is_none_of_the_list(
    world: World, legacy_world: World
) -> None:
    agent = world.sign_in("agent")
    for team_id in (world.other_team_id, legacy_world.team_id):
        page = agent.get(f"/reports/analytics?team={team_id}")
        assert page.status_code == 422
        assert "Choose a team of the list." in words(page.text)


def test_a_leap_day_and_the_first_days_of_all_are_fine(world: World) -> None:
    admin = world.sign_in("admin")
    for first, last in ((date(2024, 2, 29), date(2024, 2, 29)), (date(2000, 1, 1), date(2000, 1, 2))):
        page = admin.get(f"/reports/analytics?start_date={first}&end_date={last}")
        assert page.status_code == 200


def test_the_help_says_what_the_figures_mean_in_the_words_of_the_mode(either: tuple[World, str, str]) -> None:
    world, path, word = either
    admin = world.sign_in("admin")
    assert 'href="/help/message-activity"' in admin.get(path).text
    page = admin.get("/help/message-activity").text
    said = words(page)
    assert f'href="{path}"' in page
    for figure in ("Sent", "Delivery %", "Reply %", "Received", "Unread", "Automatic replies"):
        assert figure in said
    assert f"By {word}, user, inbox and campaign" in said


def test_a_name_is_shown_as_text(world: World) -> None:
    with world.session():
        db.session.get_one(User, world.agent_id).name = "<b>Bo</b>"
        db.session.commit()
    world.text(new_number(), "hi")
    assert "&lt;b&gt;Bo&lt;/b&gt;" in world.sign_in("admin").get("/reports/analytics").text
