"""Users under Settings: finding, inviting, changing and letting go, and the last admin who has to stay."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.accounts.service import Refused
from cadence_app.administration import leaving, people
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.mails.models import OutgoingMail
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Every, Period, Timing
from cadence_app.vault import encrypt
from tests.administration.test_teams_and_inboxes import inbox_id, logged
from tests.world import World, make_user, new_number

USERS = "/settings/users/"


def add_user(world: World, role: Role, name: str, *team_ids: int) -> int:
    with world.session():
        user = make_user(world.tenant_id, role, name)
        db.session.add_all(
            TeamMember(tenant_id=world.tenant_id, team_id=team_id, user_id=user.id) for team_id in team_ids
        )
        db.session.commit()
        return user.id


def edited(world: World, user_id: int, **changes: object) -> dict[str, object]:
    """The form of a user as it stands, with changes."""
    with world.session():
        user = db.session.get_one(User, user_id)
        stored = {"name": user.name, "role": user.role, "teams": [team.id for team in user.teams]}
    return stored | {"time_zone": ""} | changes


def mails(world: World, kind: str) -> list[str]:
    with world.session():
        return list(db.session.scalars(select(OutgoingMail.recipient).where(OutgoingMail.kind == kind)))


def test_users_are_found_by_name_state_role_and_team(world: World, legacy_world: World) -> None:
    add_user(world, Role.AUDITOR, "Zed Auditor")
    gone = add_user(world, Role.AGENT, "Gone Person", world.team_id)
    with world.session():
        db.session.get_one(User, gone).active = False
        db.session.commit()
    admin = world.sign_in("admin")

    def names(query: str) -> set[str]:
        page = admin.get(f"{USERS}?{query}").text
        every = ("Admin Person", "Agent Person", "Zed Auditor", "Gone Person")
        return {name for name in every if f'">{name}</a>' in page}

    assert names("") == {"Admin Person", "Agent Person", "Zed Auditor", "Gone Person"}
    assert names("q=zed") == {"Zed Auditor"}
    assert names("state=deactivated") == {"Gone Person"}
    assert names("role=auditor") == {"Zed Auditor"}
    assert names(f"team={world.other_team_id}") == {"Admin Person"}
    assert names("state=invited&q=%00%25&page=99999&team=-1") == set()
    assert names(f"team={legacy_world.team_id}") == set()
    assert "2 users" not in admin.get(USERS).text


def test_somebody_is_invited_and_it_can_be_sent_again_and_taken_back(world: World) -> None:
    admin = world.sign_in("admin")
    email = new_number("n") + "@new.example"
    wanted = {"email": email, "name": "New", "role": "agent", "teams": world.team_id}
    assert admin.post(f"{USERS}invite", wanted).status_code == 302
    with world.session():
        user_id = db.session.scalars(select(User.id).where(User.email == wanted["email"])).one()
    assert "Invited" in admin.get(f"{USERS}?state=invited").text
    taken = admin.post(f"{USERS}invite", wanted)
    assert (taken.status_code, 'id="email-error"' in taken.text) == (422, True)
    assert admin.post(f"{USERS}invite", wanted | {"role": "owner"}).status_code == 422
    assert admin.post(f"{USERS}invite", wanted | {"email": "\x00"}).status_code == 422
    assert admin.post(f"{USERS}{user_id}/resend").status_code == 302
    assert mails(world, "invitation") == [wanted["email"]] * 2
    assert admin.post(f"{USERS}{user_id}/deactivate").status_code == 302
    with world.session():
        assert not db.session.get_one(User, user_id).active
    assert "no open invitation" in admin.get(admin.post(f"{USERS}{user_id}/resend").location).text


def test_a_user_is_changed_and_the_log_has_before_and_after(world: World) -> None:
    user_id = add_user(world, Role.AGENT, "Kim", world.team_id)
    admin = world.sign_in("admin")
    form = edited(
        world, user_id, name="Kim Lee", role="admin", teams=world.other_team_id, time_zone="Asia/Tokyo"
    )
    assert admin.post(f"{USERS}{user_id}", form).status_code == 302
    assert logged(world)[-1][2] == {
        "name": ["Kim", "Kim Lee"],
        "role": ["agent", "admin"],
        "teams": [["Admissions"], ["Aid"]],
        "time_zone": [None, "Asia/Tokyo"],
    }
    assert admin.post(f"{USERS}{user_id}", form | {"time_zone": "Mars"}).status_code == 422
    auditor = edited(world, user_id, role="auditor")
    assert admin.post(f"{USERS}{user_id}", auditor).status_code == 302
    with world.session():
        assert db.session.get_one(User, user_id).teams == []


def test_who_owns_an_open_inbox_stays_in_its_team_until_it_is_given_away(world: World) -> None:
    admin = world.sign_in("admin")
    for change in ({"teams": world.other_team_id}, {"role": "auditor"}):
        refused = admin.post(f"{USERS}{world.agent_id}", edited(world, world.agent_id, **change))
        assert (refused.status_code, "Give it to somebody else" in refused.text) == (422, True)


def test_the_last_active_admin_stays_one(world: World) -> None:
    admin = world.sign_in("admin")
    demoted = edited(world, world.admin_id, role="agent")
    refused = admin.post(f"{USERS}{world.admin_id}", demoted)
    assert (refused.status_code, "last active admin" in refused.text) == (422, True)
    assert "deactivate yourself" in admin.post(f"{USERS}{world.admin_id}/deactivate").text
    add_user(world, Role.ADMIN, "Second Admin")
    assert admin.post(f"{USERS}{world.admin_id}", demoted).status_code == 302
    assert admin.get("/settings/").status_code == 403


def test_two_admins_who_deactivate_or_demote_each_other_at_once_leave_one(world: World) -> None:
    ids = [world.admin_id, add_user(world, Role.ADMIN, "Second Admin")]
    with world.session():
        for inbox in db.session.scalars(select(Inbox).where(Inbox.user_id == world.admin_id)):
            inbox.user_id = None
            inbox.kind = InboxKind.SHARED
        db.session.commit()
    barrier = threading.Barrier(2)
    refused: list[str] = []

    def act(mine: int, theirs: int, demote: bool) -> None:
        with world.session():
            actor, user = db.session.get_one(User, mine), db.session.get_one(User, theirs)
            barrier.wait(10)
            try:
                if demote:
                    people.edit(actor, user, user.name, Role.AGENT, [], None)
                else:
                    leaving.deactivate(actor, user, {})
                db.session.commit()
            except Refused as refusal:
                refused.append(str(refusal))

    threads = [
        threading.Thread(target=act, args=(*pair, demote))
        for pair, demote in ((ids, False), (list(reversed(ids)), True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert refused == ["You are no admin any more."]
    with world.session():
        left = select(User.id).where(User.role == Role.ADMIN, User.active)
        assert len(db.session.scalars(left).all()) == 1


def test_who_is_deactivated_is_out_at_once_and_what_they_owned_goes_on(world: World) -> None:
    received = world.text(new_number(), "hello", inbox=world.personal)
    colleague = add_user(world, Role.AGENT, "Colleague", world.team_id)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        agent.role = Role.ADMIN
        timing = Timing(Every.DAY, 0, 1, 6)
        both = [agent, db.session.get_one(User, world.admin_id)]
        ids = [
            schedule_runs.add_schedule(
                owner, OPT_OUT_HISTORY, schedule_runs.Plan(Filters(), (), Format.CSV, Period.DAY, timing, to)
            ).id
            for owner, to in ((both[0], both), (both[1], both[:1]))
        ]
    agent_browser, admin = world.sign_in("agent"), world.sign_in("admin")
    page = admin.get(f"{USERS}{world.agent_id}/deactivate").text
    assert "Opt out history: Every day at 6:00 AM" in page
    inbox = inbox_id(world, world.personal)
    path = f"{USERS}{world.agent_id}/deactivate"
    undecided = admin.post(path)
    assert (undecided.status_code, "Choose what becomes" in undecided.text) == (422, True)
    assert agent_browser.get("/messages/").status_code == 200
    taken = {f"inbox-{inbox}": str(colleague), f"schedule-{ids[0]}": str(world.admin_id)}
    assert admin.post(path, taken).status_code == 302
    assert agent_browser.get("/messages/").location.startswith("/login")
    with world.session():
        assert db.session.get_one(Inbox, inbox).user_id == colleague
        theirs, received_only = (db.session.get_one(ExportSchedule, each) for each in ids)
        assert theirs.owner_id == world.admin_id
        assert [user.id for user in theirs.recipients] == [world.admin_id]
        assert theirs.paused_at is None
        assert (received_only.recipients, received_only.paused_at is None) == ([], False)
        conversation_email = db.session.get_one(User, colleague).email
    thread = f"/messages/conversations/{received.conversation_id}"
    assert world.sign_in_as(conversation_email).get(thread).status_code == 200
    assert [entry[0] for entry in logged(world)[-4:]] == [
        *("user.deactivated", "inbox.handed_over", "schedule.handed_over", "schedule.paused")
    ]
    assert admin.post(f"{USERS}{world.agent_id}/reactivate").status_code == 302
    assert world.sign_in("agent").get("/messages/").status_code == 200


def test_a_personal_inbox_may_be_closed_with_its_owner_and_goes_to_nobody_outside(world: World) -> None:
    outsider = add_user(world, Role.AGENT, "Outsider", world.other_team_id)
    admin, inbox = world.sign_in("admin"), inbox_id(world, world.personal)
    path = f"{USERS}{world.agent_id}/deactivate"
    assert admin.post(path, {f"inbox-{inbox}": str(outsider)}).status_code == 422
    assert admin.post(path, {f"inbox-{inbox}": "close"}).status_code == 302
    with world.session():
        assert db.session.get_one(Inbox, inbox).closed_at is not None
    assert "does not work in" in admin.get(admin.post(f"/settings/inboxes/{inbox}/reopen").location).text


@pytest.mark.parametrize("action", ["reset-link", "reset-second-factor"])
def test_a_reset_goes_by_mail_to_the_user_and_is_audited(world: World, action: str) -> None:
    admin = world.sign_in("admin")
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        agent.second_factor_secret, email = encrypt("JBSWY3DPEHPK3PXP"), agent.email
        db.session.commit()
    assert admin.post(f"{USERS}{world.agent_id}/{action}").status_code == 302
    with world.session():
        has_one = db.session.get_one(User, world.agent_id).has_second_factor
    assert has_one == (action == "reset-link")
    if action == "reset-link":
        assert mails(world, "password_reset") == [email]
    assert email in {entry[1] for entry in logged(world)}
