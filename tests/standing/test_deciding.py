"""Whoever takes an admin's right away on screen decides on each of their tokens and schedules."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import Role, User
from cadence_app.accounts.service import Refused
from cadence_app.administration import leaving, people
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, Scope
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.models import Format
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Period
from cadence_app.standing import service
from tests.api.conftest import Api, problem
from tests.standing.leaving import (
    add_admin,
    address_of,
    logged,
    mailed,
    schedule_of,
    sweep,
    take_right,
    token_of,
    token_row,
)
from tests.world import Browser, World

USERS = "/settings/users/"


class Leaver:
    """An admin with a token in use and a schedule that goes to them alone, and how they lose their right."""

    def __init__(self, world: World, way: str) -> None:
        self.world, self.id = world, add_admin(world, "Left Admin")
        self.api, self.schedule = token_of(world, self.id), schedule_of(world, self.id)
        self.path = f"{USERS}{self.id}" + ("/deactivate" if way == "deactivate" else "")
        self.form = {} if way == "deactivate" else {"name": "Left Admin", "role": way, "time_zone": ""}

    def choose(self, token: object, schedule: object) -> dict[str, str]:
        chosen = {f"token-{self.api.token_id}": token, f"schedule-{self.schedule}": schedule}
        return self.form | {field: str(said) for field, said in chosen.items() if said}

    @property
    def acts(self) -> bool:
        with self.world.session():
            return db.session.get_one(User, self.id).acts_as_admin

    @property
    def row(self) -> ExportSchedule:
        with self.world.session():
            row = db.session.get_one(ExportSchedule, self.schedule)
            assert row.owner
            assert row.recipients is not None
            db.session.expunge_all()
            return row


@pytest.fixture(params=["deactivate", "agent", "auditor"])
def leaver(world: World, request: pytest.FixtureRequest) -> Leaver:
    return Leaver(world, request.param)


def test_each_is_shown_with_its_last_use_and_none_is_left_undecided(world: World, leaver: Leaver) -> None:
    admin = world.sign_in("admin")
    for token, schedule in ((None, None), ("end", None), (None, world.admin_id), ("nonsense", "end")):
        answer = admin.post(leaver.path, leaver.choose(token, schedule))
        assert answer.status_code == 422
        assert "Choose what becomes of the" in answer.text
        assert f"What becomes of the API token {leaver.api.name}?" in answer.text
        assert "What becomes of the schedule Opt out history: Every day at 6:00 AM?" in answer.text
        assert "Last used <time" in answer.text
        assert "Never run." in answer.text
    assert leaver.acts
    assert leaver.api.get("/contacts").status_code == 200
    assert token_row(leaver.api).owner_id == leaver.id
    assert leaver.row.owner_id == leaver.id


def test_each_is_taken_over_and_goes_on(world: World, leaver: Leaver) -> None:
    other = add_admin(world, "Third Admin")
    admin = world.sign_in("admin")
    assert admin.post(leaver.path, leaver.choose(world.admin_id, other)).status_code == 302
    assert not leaver.acts
    assert leaver.api.get("/contacts").status_code == 200
    token, schedule = token_row(leaver.api), leaver.row
    assert (token.owner_id, token.created_by_id) == (world.admin_id, leaver.id)
    # An auditor may have its files still; else it would go to nobody.
    to = leaver.id if leaver.form.get("role") == "auditor" else other
    assert (schedule.owner_id, [user.id for user in schedule.recipients]) == (other, [to])
    assert (schedule.paused_at, schedule.deleted_at) == (None, None)
    assert logged(world, "token")[-1] == ("Admin Person", "token.handed_over", leaver.api.name)
    assert logged(world, "schedule")[-1][:2] == ("Admin Person", "schedule.handed_over")
    sweep(world)
    assert mailed(world, "left_behind") == []
    page = admin.get("/settings/api-tokens").text
    assert "by Left Admin" in page
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"}
    assert leaver.api.post("/exports", json=body).status_code == 202


def test_each_is_ended(world: World, leaver: Leaver) -> None:
    assert world.sign_in("admin").post(leaver.path, leaver.choose("end", "end")).status_code == 302
    assert problem(leaver.api.set(world.add_contact(), "opted_out")) == (401, "token_ended")
    assert leaver.row.deleted_at
    assert logged(world, "token")[-1] == ("Admin Person", "token.ended", leaver.api.name)


@pytest.mark.parametrize("who", ["agent", "themselves", "foreign"])
def test_nobody_takes_over_who_is_no_other_admin_of_the_organisation(
    world: World, legacy_world: World, leaver: Leaver, who: str
) -> None:
    heir = {"agent": world.agent_id, "themselves": leaver.id, "foreign": legacy_world.admin_id}[who]
    answer = world.sign_in("admin").post(leaver.path, leaver.choose(heir, "end"))
    assert answer.status_code == 422
    assert leaver.acts


def test_a_change_that_takes_no_right_asks_nothing(world: World) -> None:
    leaver = Leaver(world, "admin")
    with world.session():
        db.session.get_one(User, leaver.id).name = "Renamed"
    admin = world.sign_in("admin")
    assert admin.post(leaver.path, leaver.form | {"name": "Renamed Admin"}).status_code == 302
    assert leaver.api.get("/contacts").status_code == 200
    # A team taken away is none of a token's: it works for all of them.
    assert admin.post(leaver.path, leaver.form | {"teams": world.team_id}).status_code == 302
    assert admin.post(leaver.path, leaver.form).status_code == 302
    assert leaver.api.get("/contacts").status_code == 200


def test_who_gives_up_their_own_right_decides_too(world: World) -> None:
    leaver, other = Leaver(world, "agent"), add_admin(world, "Third Admin")
    own = world.sign_in_as(address_of(world, leaver.id))
    assert own.post(leaver.path, leaver.form).status_code == 422
    assert own.post(leaver.path, leaver.choose(leaver.id, "end")).status_code == 422
    assert own.post(leaver.path, leaver.choose(other, "end")).status_code == 302
    assert token_row(leaver.api).owner_id == other
    assert own.get("/settings/").status_code == 403


def test_what_is_made_after_the_page_was_read_is_not_left_undecided(world: World) -> None:
    leaver = Leaver(world, "deactivate")
    form = leaver.choose("end", "end")
    late = token_of(world, leaver.id)
    answer = world.sign_in("admin").post(leaver.path, form)
    assert answer.status_code == 422
    assert f"Choose what becomes of the API token {late.name}" in answer.text
    assert token_row(leaver.api).revoked_at is None


def test_whoever_is_no_admin_any_more_makes_no_token_and_no_schedule(world: World) -> None:
    second = add_admin(world)
    with world.session():
        user = db.session.get_one(User, second)
        assert user.acts_as_admin
        take_right(world, second, role="agent")
        with pytest.raises(Refused, match="no admin any more"):
            tokens.create_token(user, "Late", [Scope.CONTACTS_READ])
        db.session.rollback()
    with pytest.raises(Refused, match="no admin any more"):
        schedule_of(world, second)


def test_two_admins_at_once_leave_no_token_with_somebody_who_is_none(world: World) -> None:
    """One hands a token to the second admin while another demotes that one."""
    leaver, heir, third = Leaver(world, "deactivate"), add_admin(world), add_admin(world, "Third Admin")
    barrier, refused = threading.Barrier(2), []
    with world.session():
        actor = db.session.get_one(User, world.admin_id)
        assert actor.acts_as_admin

    def act(actor_id: int, change: Callable[[User], None]) -> None:
        with world.session():
            actor = db.session.get_one(User, actor_id)
            barrier.wait(10)
            try:
                change(actor)
                db.session.commit()
            except Refused as refusal:
                db.session.rollback()
                refused.append(str(refusal))

    def hand_over(actor: User) -> None:
        user, to = db.session.get_one(User, leaver.id), db.session.get_one(User, heir)
        fields = [errand.field for errand in service.errands_of(user)]
        leaving.deactivate(actor, user, {}, dict.fromkeys(fields, to))

    def demote(actor: User) -> None:
        people.edit(actor, db.session.get_one(User, heir), "Second Admin", Role.AGENT, [], None)

    threads = [
        threading.Thread(target=act, args=(world.admin_id, hand_over)),
        threading.Thread(target=act, args=(third, demote)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(refused) == 1
    with world.session():
        for token in db.session.scalars(select(ApiToken).where(ApiToken.revoked_at.is_(None))):
            assert token.owner.acts_as_admin


class TestLeftBehind:
    """The page where what nobody was asked about is decided."""

    @pytest.fixture
    def left(self, world: World) -> tuple[Api, int, Browser]:
        leaver = add_admin(world, "Left Admin")
        api, schedule = token_of(world, leaver), schedule_of(world, leaver)
        take_right(world, leaver)
        sweep(world)
        return api, schedule, world.sign_in("admin")

    def test_it_shows_each_whose_it_is_and_when_it_ends(self, left: tuple[Api, int, Browser]) -> None:
        api, _, admin = left
        page = admin.get("/settings/left-behind/").text
        assert f"What becomes of the API token {api.name}?" in page
        assert page.count("It is Left Admin\u2019s.") == 2
        assert "It only writes opt outs, and ends <time" in page
        assert "It goes on, and ends <time" in page
        for other in ("/settings/api-tokens", "/reports/schedules/"):
            assert "Left Admin is no admin any more" in admin.get(other).text

    def test_some_are_decided_and_the_rest_waits(self, world: World, left: tuple[Api, int, Browser]) -> None:
        api, schedule, admin = left
        nothing = admin.post("/settings/left-behind/", {})
        assert (nothing.status_code, "at least one" in nothing.text) == (422, True)
        assert admin.post("/settings/left-behind/", {f"token-{api.token_id}": "end"}).status_code == 302
        assert problem(api.get("/teams")) == (401, "token_ended")
        page = admin.get("/settings/left-behind/").text
        assert f"schedule-{schedule}" in page
        assert f"token-{api.token_id}" not in page
        me = str(world.admin_id)
        assert admin.post("/settings/left-behind/", {f"schedule-{schedule}": me}).status_code == 302
        assert "Nothing is left behind" in admin.get("/settings/left-behind/").text
        assert admin.post("/settings/left-behind/", {f"schedule-{schedule}": me}).status_code == 302

    def test_what_belongs_to_an_admin_or_another_organisation_is_not_decided_there(
        self, world: World, legacy_world: World, left: tuple[Api, int, Browser]
    ) -> None:
        _, _, admin = left
        own, theirs = token_of(world, world.admin_id), token_of(legacy_world, legacy_world.admin_id)
        for api in (own, theirs):
            answer = admin.post("/settings/left-behind/", {f"token-{api.token_id}": "end"})
            assert answer.status_code == 422
            assert api.get("/contacts").status_code == 200

    def test_who_saves_a_schedule_takes_it_over(self, world: World, left: tuple[Api, int, Browser]) -> None:
        _, schedule, _ = left
        with world.session():
            row, admin = (
                db.session.get_one(ExportSchedule, schedule),
                db.session.get_one(User, world.admin_id),
            )
            plan = schedule_runs.Plan(
                *(Filters(), (), Format.CSV, Period.DAY),
                *(row.timing, [admin]),
            )
            schedule_runs.change_schedule(row, admin, plan)
            assert (row.owner_id, row.gone_at) == (world.admin_id, None)
