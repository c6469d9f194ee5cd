"""Whose conversation it is: by hand, by two at once, and when somebody leaves."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import Role, Team, User
from cadence_app.administration import leaving, people, teams
from cadence_app.extensions import db
from cadence_app.messaging import assignments
from cadence_app.messaging.desk_models import AssignmentChange
from cadence_app.messaging.models import Conversation
from tests.administration.test_people import add_user
from tests.records.people import merge
from tests.world import Browser, World, new_number


def address(conversation_id: int) -> str:
    return f"/messages/conversations/{conversation_id}"


def assign(browser: Browser, conversation_id: int, to: object, seen: object = "") -> str:
    """The page that a person sees after it."""
    answer = browser.post(
        f"{address(conversation_id)}/assignment", {"assignee": to, "seen": seen}, follow_redirects=True
    )
    assert answer.status_code == 200
    return answer.text


def owner(world: World, conversation_id: int) -> int | None:
    with world.session():
        return db.session.get_one(Conversation, conversation_id).assignee_id


def listed(page: str) -> set[int]:
    return {int(each) for each in re.findall(r'id="convo-(\d+)"', page)}


def thread_of(page: str) -> str:
    return re.sub(r"<[^>]*>", "", page[page.index('id="thread-items"') :])


def test_an_assignment_is_in_the_thread_and_in_the_list_by_initials_with_the_name(world: World) -> None:
    ben_id = add_user(world, Role.AGENT, "Ben Ortiz", world.team_id)
    received = world.text(new_number(), "hi")
    admin = world.sign_in("admin")
    page = assign(admin, received.conversation_id, ben_id)
    assert "Admin Person assigned this to Ben Ortiz, " in thread_of(page)
    row = page[page.index(f'id="convo-{received.conversation_id}"') :]
    assert re.search(r'initials-sm" aria-hidden="true">BO</span>', row)
    assert '<span class="visually-hidden">Assigned to Ben Ortiz</span>' in row
    assert "Admin Person took this from Ben Ortiz" in thread_of(
        assign(admin, received.conversation_id, world.admin_id, ben_id)
    )
    assert "Admin Person unassigned this" in thread_of(
        assign(admin, received.conversation_id, "", world.admin_id)
    )
    assert owner(world, received.conversation_id) is None


def test_the_list_shows_mine_and_those_of_nobody(world: World) -> None:
    mine, theirs, free = (world.text(new_number(), "hi").conversation_id for _ in range(3))
    own = world.text(new_number(), "hi", world.personal).conversation_id
    agent = world.sign_in("agent")
    assign(agent, mine, world.agent_id)
    assign(agent, theirs, world.admin_id)
    assert listed(agent.get("/messages/?inbox=&only=mine").text) == {mine}
    assert listed(agent.get("/messages/?inbox=&only=unassigned").text) == {free}
    assert listed(agent.get("/messages/?inbox=&only=all").text) == {mine, theirs, free, own}


def test_answering_assigns_nothing(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    assert agent.post(f"{address(received.conversation_id)}/send", {"body": "Hello"}).status_code == 302
    assert owner(world, received.conversation_id) is None


def test_the_later_of_two_wins_and_is_told_who_had_it(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    assign(agent, received.conversation_id, world.agent_id)
    told = assign(admin, received.conversation_id, world.admin_id, seen="")
    assert "Agent Person had it since you opened this page; now it is Admin Person&#39;s." in told
    assert owner(world, received.conversation_id) == world.admin_id
    told = assign(agent, received.conversation_id, world.admin_id, seen=world.agent_id)
    assert "since you opened this page" not in told, "both wanted the same"


def test_two_at_once_leave_one_owner_and_a_line_for_each(world: World) -> None:
    received = world.text(new_number(), "hi")
    start = Barrier(2)

    def take(user_id: int) -> bool:
        with world.session():
            user = db.session.get_one(User, user_id)
            conversation = db.session.get_one(Conversation, received.conversation_id)
            start.wait(30)
            overtaken = assignments.assign(user, conversation, user_id, None)
            db.session.commit()
            return overtaken is not None

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(take, (world.agent_id, world.admin_id)))
    assert sorted(told) == [False, True]
    with world.session():
        changes = db.session.scalars(select(AssignmentChange).order_by(AssignmentChange.id)).all()
        assert [change.before_id for change in changes] == [None, changes[0].after_id]
        last = changes[1].after_id
    assert owner(world, received.conversation_id) == last


@pytest.mark.parametrize("to", ["-1", "none", "9" * 30, "\u0661", None])
def test_an_assignment_to_no_colleague_is_refused_and_changes_nothing(world: World, to: str | None) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    page = assign(agent, received.conversation_id, to) if to else _without_assignee(agent, received)
    assert "Choose a colleague, or nobody." in page
    assert owner(world, received.conversation_id) is None


def _without_assignee(browser: Browser, received: object) -> str:
    path = f"{address(received.conversation_id)}/assignment"  # type: ignore[attr-defined]
    return browser.post(path, {}, follow_redirects=True).text


def test_who_does_not_work_in_the_inbox_gets_nothing_of_it(world: World, legacy_world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    outsider = add_user(world, Role.AGENT, "Outsider", world.other_team_id)
    auditor = add_user(world, Role.AUDITOR, "Auditor", world.team_id)
    for user_id in (outsider, auditor, legacy_world.agent_id, 999_999_999):
        assert "does not work in this inbox" in assign(agent, received.conversation_id, user_id)
    assert owner(world, received.conversation_id) is None


def test_a_personal_inbox_has_no_assignment(world: World) -> None:
    received = world.text(new_number(), "hi", world.personal)
    agent = world.sign_in("agent")
    assert "/assignment" not in agent.get(address(received.conversation_id)).text
    assert "A personal inbox is its owner&#39;s" in assign(agent, received.conversation_id, world.agent_id)
    assert owner(world, received.conversation_id) is None


@pytest.mark.parametrize("how", ["deactivated", "edited", "left out", "auditor"])
def test_what_somebody_had_is_nobodys_once_they_leave(world: World, how: str) -> None:
    user_id = add_user(world, Role.AGENT, "Lea Leaving", world.team_id, world.other_team_id)
    here = world.text(new_number(), "hi").conversation_id
    there = world.text(new_number(), "hi", world.other_shared).conversation_id
    admin = world.sign_in("admin")
    for conversation_id in (here, there):
        assign(admin, conversation_id, user_id)
    with world.session():
        actor, user = (db.session.get_one(User, each) for each in (world.admin_id, user_id))
        team, other = (db.session.get_one(Team, each) for each in (world.team_id, world.other_team_id))
        if how == "deactivated":
            leaving.deactivate(actor, user, {})
        elif how == "edited":
            people.edit(actor, user, user.name, Role.AGENT, [other], None)
        elif how == "auditor":
            people.edit(actor, user, user.name, Role.AUDITOR, [], None)
        else:
            teams.set_members(actor, team, [actor, db.session.get_one(User, world.agent_id)])
        db.session.commit()
    assert owner(world, here) is None
    assert owner(world, there) == (user_id if how in {"edited", "left out"} else None)
    line = "Unassigned, because Lea Leaving is not in this team any more"
    assert line in thread_of(admin.get(address(here)).text)


def test_legacy_screens_say_department(legacy_world: World) -> None:
    world = legacy_world
    user_id = add_user(world, Role.AGENT, "Lea Leaving", world.team_id)
    conversation_id = world.text(new_number(), "hi").conversation_id
    admin = world.sign_in("admin")
    assign(admin, conversation_id, user_id)
    with world.session():
        leaving.deactivate(db.session.get_one(User, world.admin_id), db.session.get_one(User, user_id), {})
        db.session.commit()
    assert "not in this department any more" in thread_of(admin.get(address(conversation_id)).text)


def test_whoever_is_assigned_to_just_as_they_leave_does_not_keep_it(world: World) -> None:
    user_id = add_user(world, Role.AGENT, "Lea Leaving", world.team_id)
    conversation_id = world.text(new_number(), "hi").conversation_id
    start = Barrier(2)

    def give() -> None:
        with world.session():
            user = db.session.get_one(User, world.agent_id)
            conversation = db.session.get_one(Conversation, conversation_id)
            start.wait(30)
            try:
                assignments.assign(user, conversation, user_id, None)
            except assignments.Refused:
                db.session.rollback()
            db.session.commit()

    def leave() -> None:
        with world.session():
            actor, user = (db.session.get_one(User, each) for each in (world.admin_id, user_id))
            start.wait(30)
            leaving.deactivate(actor, user, {})
            db.session.commit()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(give), pool.submit(leave)]:
            done.result(60)
    assert owner(world, conversation_id) is None


def test_an_open_page_learns_whose_it_became(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    found = re.search(r'hx-get="([^"]*fresh[^"]*)"', agent.get(address(received.conversation_id)).text)
    assert found
    fresh = found[1].replace("&amp;", "&")
    assert agent.get(fresh).status_code == 204
    assign(admin, received.conversation_id, world.agent_id)
    answer = agent.get(fresh).text
    assert 'id="assignment" hx-swap-oob="true"' in answer
    assert "Assigned to Agent Person" in answer


def test_a_merge_keeps_whose_it_was(world: World) -> None:
    kept, gone = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    assign(world.sign_in("agent"), gone.conversation_id, world.agent_id)
    merge(world, world.contact_id_of(kept.conversation_id), world.contact_id_of(gone.conversation_id))
    assert owner(world, kept.conversation_id) == world.agent_id
