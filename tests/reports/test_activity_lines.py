"""The figures of activity by team, user and inbox: what each line has, and who sees it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import MessageKind, MessageState
from cadence_app.reports.activity import AUTOMATIC, NOBODY, Figures, activity_of
from tests.reports.talking import DAYS, NOON, SECOND, Talk, activity, by_name
from tests.world import World, new_number


@pytest.fixture
def busy(world: World) -> World:
    """Two users in the shared inbox, each in their own, and a text to every inbox."""
    shared, aid = Talk(world), Talk(world, world.other_shared)
    own, theirs = Talk(world, world.personal), Talk(world, world.other_personal)
    shared.sent(NOON, world.agent_id)
    shared.sent(NOON, world.agent_id)
    shared.sent(NOON, world.admin_id)
    shared.received(NOON + SECOND)
    shared.sent(NOON + 2 * SECOND, kind=MessageKind.OPT_OUT_REPLY)
    own.sent(NOON, world.agent_id)
    own.received(NOON - SECOND)
    aid.sent(NOON, world.admin_id, MessageState.FAILED)
    aid.received(NOON - SECOND)
    theirs.sent(NOON, world.admin_id)
    theirs.received(NOON - SECOND)
    return world


def test_every_table_adds_up_to_the_totals_for_an_admin(busy: World) -> None:
    shown = activity(busy)
    assert shown.now == Figures(sent=7, automatic=1, delivered=6, replied=3, received=4, unread=4)
    for lines in (shown.teams, shown.users, shown.inboxes):
        assert sum((line.figures for line in lines), Figures()) == shown.now


def test_a_shared_inbox_is_split_by_who_sent_from_it(busy: World) -> None:
    shown = activity(busy)
    assert by_name(shown.teams) == {
        "Admissions": Figures(sent=5, automatic=1, delivered=5, replied=3, received=2, unread=2),
        "Aid": Figures(sent=2, delivered=1, received=2, unread=2),
    }
    assert by_name(shown.users) == {
        "Agent Person": Figures(sent=3, delivered=3, replied=2, received=1, unread=1),
        "Admin Person": Figures(sent=3, delivered=2, replied=1, received=1, unread=1),
        AUTOMATIC: Figures(sent=1, automatic=1, delivered=1),
        NOBODY: Figures(received=2, unread=2),
    }
    parts = {line.name: by_name(line.parts) for line in shown.inboxes}
    assert parts == {
        "Front desk": {
            "Agent Person": Figures(sent=2, delivered=2, replied=2),
            "Admin Person": Figures(sent=1, delivered=1, replied=1),
            AUTOMATIC: Figures(sent=1, automatic=1, delivered=1),
        },
        "Aid line": {"Admin Person": Figures(sent=1)},
        "Agent": {},
        "Admin": {},
        "Toll-free": {},
    }


def test_an_agent_sees_their_teams_and_their_own_line_only(busy: World) -> None:
    with busy.session():
        db.session.add(
            TeamMember(tenant_id=busy.tenant_id, team_id=busy.team_id, user_id=_colleague(busy, "Pat Doe"))
        )
        db.session.commit()
    shown = activity(busy, "agent")
    assert by_name(shown.teams) == {
        "Admissions": Figures(sent=5, automatic=1, delivered=5, replied=3, received=2, unread=2)
    }
    assert by_name(shown.users) == {
        "Agent Person": Figures(sent=3, delivered=3, replied=2, received=1, unread=1)
    }
    inboxes = {line.name: set(by_name(line.parts)) for line in shown.inboxes}
    assert inboxes == {"Front desk": {"Agent Person", AUTOMATIC}, "Agent": set(), "Toll-free": set()}


def _colleague(world: World, name: str) -> int:
    """Another agent, with a personal inbox in the first team that has texts of its own."""
    user = User(
        tenant_id=world.tenant_id, email=f"{new_number()}@college.example", name=name, password_hash="x"
    )
    db.session.add(user)
    db.session.flush()
    db.session.add(
        Inbox(
            tenant_id=world.tenant_id,
            team_id=world.team_id,
            user_id=user.id,
            kind="personal",
            name=name,
            number=new_number(),
        )
    )
    return user.id


def test_who_left_the_team_keeps_a_line_and_who_sent_nothing_has_one(busy: World) -> None:
    with busy.session():
        agent = db.session.get_one(User, busy.agent_id)
        agent.active = False
        db.session.execute(text("DELETE FROM team_members WHERE user_id = :id"), {"id": agent.id})
        quiet = _colleague(busy, "Quiet Person")
        db.session.add(TeamMember(tenant_id=busy.tenant_id, team_id=busy.team_id, user_id=quiet))
        db.session.commit()
    users = by_name(activity(busy).users)
    assert users["Agent Person"].sent == 3
    assert users["Quiet Person"] == Figures()


def test_the_team_filter_narrows_every_part(busy: World) -> None:
    shown = activity(busy, team_ids=[busy.other_team_id])
    assert shown.now == Figures(sent=2, delivered=1, received=2, unread=2)
    assert [line.name for line in shown.teams] == ["Aid"]
    assert {line.name for line in shown.inboxes} == {"Aid line", "Admin"}
    assert by_name(shown.users) == {
        "Admin Person": Figures(sent=2, delivered=1, received=1, unread=1),
        AUTOMATIC: Figures(),
        NOBODY: Figures(received=1, unread=1),
    }


def test_nothing_of_another_tenant_is_counted(busy: World, legacy_world: World) -> None:
    Talk(legacy_world).sent(NOON)
    assert activity(busy).now.sent == 7
    assert activity(legacy_world).now.sent == 1
    with legacy_world.session():
        viewer = db.session.get_one(User, legacy_world.admin_id)
        foreign = Team(id=busy.team_id, tenant_id=busy.tenant_id, name="x", code="x")
        assert activity_of(viewer, [foreign], DAYS).now == Figures()


def test_a_member_of_no_team_has_nothing_to_see_and_no_error(world: World) -> None:
    Talk(world).sent(NOON)
    shown = activity(world, team_ids=[])
    assert (shown.now, shown.teams, shown.inboxes) == (Figures(), [], [])
