"""Saved filters: kept under a name, for oneself or shared, relative ranges staying relative."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.ranges import today
from cadence_app.reports.saved import service
from cadence_app.reports.saved.models import SavedFilter
from cadence_app.ui.navigation import Words
from tests.reports.scheduling import add_admin
from tests.world import World, make_user

NEW = "/reports/saved/new?kind=opt-out-history"
WORDS = Words("team", "teams")


def day_of() -> date:
    return today(ZoneInfo("America/New_York"))


def saved_of(world: World) -> list[SavedFilter]:
    with world.session():
        rows = list(db.session.scalars(select(SavedFilter).order_by(SavedFilter.id)))
        db.session.expunge_all()
        return rows


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_filters_columns_and_format_are_saved_and_open_again(
    mode: str, world: World, legacy_world: World
) -> None:
    here = world if mode == "teams" else legacy_world
    admin = here.sign_in("admin")
    path = "/reports/exports/opt-out-history" if mode == "teams" else "/reports/opt-out-changes/export"
    assert "Save filters" in admin.get(path).text
    asked = f"{NEW}&source=keyword&columns=Reason&format=xlsx&team={here.team_id}"
    assert "Source: Keyword" in admin.get(asked).text
    done = admin.post(asked, {"name": "Stops", "days": "Last 30 days"})
    opened = admin.get(done.location)
    assert opened.location.startswith(path)
    page = admin.get(opened.location).text
    assert '<option selected value="keyword">' in page
    assert "Stops is saved." in page
    assert "Excel (XLSX), 1 extra column" in page


def test_a_relative_range_stays_relative_and_a_fixed_one_fixed(world: World) -> None:
    admin, day = world.sign_in("admin"), day_of()
    span = f"{NEW}&start_date={day - timedelta(days=6)}&end_date={day}"
    admin.post(span, {"name": "Moving", "days": "Last 7 days"})
    admin.post(span, {"name": "Fixed", "days": "fixed"})
    with world.session():
        moving, fixed = db.session.scalars(select(SavedFilter).order_by(SavedFilter.id)).all()
        later = day + timedelta(days=40)
        assert service.days_of(moving, later) == (later - timedelta(days=6), later)
        assert service.days_of(fixed, later) == (day - timedelta(days=6), day)


def test_a_name_is_the_owners_once_and_is_replaced_only_when_asked(world: World) -> None:
    admin = world.sign_in("admin")
    admin.post(NEW, {"name": "Mine", "days": "Last 30 days"})
    again = admin.post(f"{NEW}&source=toggle", {"name": "MINE", "days": "Last 30 days"})
    assert again.status_code == 422
    assert "You have one of this name." in again.text
    assert "Replace the one of this name" in again.text
    admin.post(f"{NEW}&source=toggle", {"name": "MINE", "days": "Last 30 days", "replace": "y"})
    (saved,) = saved_of(world)
    assert (saved.name, saved.filters) == ("MINE", {"source": "toggle"})


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        (NEW, {"name": "", "days": "fixed"}, "Give it a name."),
        (NEW, {"name": "a\x00b", "days": "fixed"}, "can&#39;t be stored"),
        (NEW, {"name": "x" * 81, "days": "fixed"}, "longer than 80"),
        (NEW, {"name": "x", "days": "Last century"}, "Choose from the list."),
    ],
)
def test_what_can_not_be_saved_is_told_at_its_field(
    world: World, path: str, form: dict[str, str], says: str
) -> None:
    answer = world.sign_in("admin").post(path, form)
    assert answer.status_code == 422
    assert says in answer.text
    assert saved_of(world) == []


def test_filters_that_are_wrong_are_not_saved(world: World) -> None:
    admin = world.sign_in("admin")
    for wrong in ("source=nonsense", "start_date=soon", "team=99999999999999999999", "words=%00"):
        assert admin.get(f"{NEW}&{wrong}").status_code == 302
    assert admin.get("/reports/saved/new?kind=nonsense").status_code == 404


def test_one_whose_team_is_no_more_still_opens_and_says_so(world: World) -> None:
    with world.session():
        saved = SavedFilter(
            tenant_id=world.tenant_id,
            owner_id=world.admin_id,
            kind=OPT_OUT_HISTORY.key,
            name="Old",
            filters={"team_id": 2**40, "user_id": 2**40, "source": "keyword"},
            extra_columns=["Reason", "Gone"],
            format="csv",
        )
        db.session.add(saved)
        db.session.commit()
        saved_id = saved.id
        opened = service.opened(saved, OPT_OUT_HISTORY, day_of(), WORDS)
    assert opened.fields == {"source": "keyword", "columns": ["Reason"]}
    page = world.sign_in("admin").get(f"/reports/saved/{saved_id}", follow_redirects=True)
    assert page.status_code == 200
    assert "The team that it was saved with is no more" in page.text
    assert "The user that it was saved with is no more" in page.text


def test_a_shared_one_is_open_to_other_admins_and_changed_by_its_owner(world: World) -> None:
    with world.session():
        owner = make_user(world.tenant_id, Role.ADMIN, "Owner")
        day = day_of()
        wanted = service.Wanted(Filters(), (), Format.CSV, "fixed", day, day)
        own = service.save(owner, OPT_OUT_HISTORY, "Own", False, wanted, False).id
        shared = service.save(owner, OPT_OUT_HISTORY, "Shared", True, wanted, False).id
        owner_id = owner.id
    admin = world.sign_in("admin")
    listed = admin.get("/reports/saved/").text
    assert "Shared" in listed
    assert ">Own<" not in listed
    assert admin.get(f"/reports/saved/{own}").status_code == 404
    assert admin.get(f"/reports/saved/{shared}").status_code == 302
    assert admin.get(f"/reports/saved/{shared}/edit").status_code == 403
    assert admin.post(f"/reports/saved/{shared}/delete").status_code == 403
    with world.session():
        db.session.get_one(User, owner_id).role = Role.AGENT
        db.session.commit()
    # Nobody else could any more.
    assert admin.post(f"/reports/saved/{shared}/edit", {"name": "Ours", "shared": "y"}).status_code == 302
    assert admin.post(f"/reports/saved/{shared}/delete").status_code == 302
    assert [saved.name for saved in saved_of(world)] == ["Own"]


def test_a_plain_kind_opens_with_what_was_saved(world: World) -> None:
    admin = world.sign_in("admin")
    done = admin.post("/reports/saved/new?kind=message-history&words=fees", {"name": "Fees", "days": "fixed"})
    page = admin.get(done.location, follow_redirects=True).text
    assert 'value="fees"' in page


def test_one_is_copied_into_a_schedule(world: World) -> None:
    admin = world.sign_in("admin")
    admin.post(f"{NEW}&words=fees", {"name": "Fees", "days": "Last 30 days"})
    (saved,) = saved_of(world)
    add_admin(world)
    page = admin.get("/reports/schedules/new?kind=opt-out-history").text
    assert f"saved={saved.id}" in page
    assert 'value="fees"' in admin.get(f"/reports/schedules/new?kind=opt-out-history&saved={saved.id}").text
    assert admin.get("/reports/schedules/new?kind=opt-out-history&saved=x").status_code == 200


def test_saved_filters_are_for_admins_of_their_own_tenant(world: World, legacy_world: World) -> None:
    world.sign_in("admin").post(NEW, {"name": "Ours", "days": "fixed", "shared": "y"})
    (saved,) = saved_of(world)
    agent, stranger = world.sign_in("agent"), legacy_world.sign_in("admin")
    for path in ("/reports/saved/", NEW, f"/reports/saved/{saved.id}", f"/reports/saved/{saved.id}/edit"):
        assert world.app.test_client().get(path).status_code == 302
        assert agent.get(path).status_code == 403
    assert "Ours" not in stranger.get("/reports/saved/").text
    for path in (f"/reports/saved/{saved.id}", f"/reports/saved/{saved.id}/edit"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/reports/saved/{saved.id}/delete").status_code == 404
    assert world.sign_in("admin").client.post(f"/reports/saved/{saved.id}/delete").status_code == 400


def test_an_auditor_keeps_their_own_and_shares_none(world: World) -> None:
    with world.session():
        auditor = make_user(world.tenant_id, Role.AUDITOR, "Auditor")
        db.session.commit()
        email, auditor_id = auditor.email, auditor.id
    world.sign_in("admin").post(NEW, {"name": "Ours", "days": "fixed", "shared": "y"})
    browser = world.sign_in_as(email)
    assert "Share it" not in browser.get(NEW).text
    assert browser.post(NEW, {"name": "Mine", "days": "fixed", "shared": "y"}).status_code == 302
    ours, mine = saved_of(world)
    assert (mine.owner_id, mine.shared) == (auditor_id, False)
    listed = browser.get("/reports/saved/").text
    assert "Ours" in listed
    assert "/reports/schedules/" not in listed
    assert browser.get(f"/reports/saved/{ours.id}").status_code == 302
    assert browser.post(f"/reports/saved/{ours.id}/edit", {"name": "Theirs"}).status_code == 403
    assert browser.post(f"/reports/saved/{ours.id}/delete").status_code == 403
    assert browser.post(f"/reports/saved/{mine.id}/edit", {"name": "More", "shared": "y"}).status_code == 302
    assert [saved.shared for saved in saved_of(world)] == [True, False]
    assert browser.post(f"/reports/saved/{mine.id}/delete").status_code == 302


def test_what_an_admin_shared_stays_as_it_is_when_they_become_an_auditor(world: World) -> None:
    with world.session():
        owner = make_user(world.tenant_id, Role.ADMIN, "Owner")
        db.session.commit()
        email, owner_id = owner.email, owner.id
    world.sign_in_as(email).post(NEW, {"name": "Ours", "days": "fixed", "shared": "y"})
    with world.session():
        db.session.get_one(User, owner_id).role = Role.AUDITOR
        db.session.commit()
    browser = world.sign_in_as(email)
    again = browser.post(NEW, {"name": "Ours", "days": "fixed", "replace": "y"})
    (saved,) = saved_of(world)
    assert (again.status_code, saved.shared) == (422, True)
    assert browser.get(f"/reports/saved/{saved.id}/edit").status_code == 403
    assert world.sign_in("admin").get(f"/reports/saved/{saved.id}/edit").status_code == 200
