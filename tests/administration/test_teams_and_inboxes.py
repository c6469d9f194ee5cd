"""Teams and inboxes under Settings: what they are, what closing them means, and what the log says of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, Role, Team, TeamMember, User
from cadence_app.consent.models import OptOutChange
from cadence_app.contacts import service as contacts
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sending import compose, deliver
from tests.world import World, make_user, new_number


def logged(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Action, subject and changes of the tenant's log, oldest first, sign-ins left out."""
    with world.session():
        query = select(AuditEntry).where(AuditEntry.action != "user.signed_in").order_by(AuditEntry.id)
        return [(entry.action, entry.subject, entry.changes) for entry in db.session.scalars(query)]


def inbox_id(world: World, number: str) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == number)).one()


def test_a_team_is_made_and_what_is_taken_is_told_at_its_field(world: World) -> None:
    admin = world.sign_in("admin")
    answer = admin.post("/settings/teams/", {"name": "Housing", "code": "HOU"})
    assert answer.status_code == 302
    for name, code, field in (("Housing", "H2", "name"), ("Other", "HOU", "code"), ("Other", "a b", "code")):
        refused = admin.post("/settings/teams/", {"name": name, "code": code})
        assert refused.status_code == 422
        assert f'id="{field}-error"' in refused.text
    assert admin.post("/settings/teams/", {"name": "\x00", "code": "\x00"}).status_code == 422
    assert logged(world)[-1] == ("team.made", "Housing", {"code": [None, "HOU"]})


def test_history_keeps_the_code_it_was_written_with(world: World) -> None:
    first = world.text(new_number(), "hello")
    admin = world.sign_in("admin")
    path = f"/settings/teams/{world.team_id}"
    assert admin.post(path, {"name": "Admission", "code": "ADMIN"}).status_code == 302
    world.text(new_number(), "hello")
    with world.session():
        codes = db.session.scalars(select(OptOutChange.team_code).order_by(OptOutChange.id)).all()
    assert codes == ["ADM", "ADMIN"]
    assert world.history(world.contact_id_of(first.conversation_id))[0].team_code == "ADM"
    assert logged(world)[-1] == (
        "team.changed",
        "Admission",
        {"name": ["Admissions", "Admission"], "code": ["ADM", "ADMIN"]},
    )


def test_members_come_and_go_but_not_the_owner_of_an_open_inbox(world: World) -> None:
    with world.session():
        newcomer = make_user(world.tenant_id, Role.AGENT, "New Comer").id
        db.session.commit()
    admin = world.sign_in("admin")
    path = f"/settings/teams/{world.team_id}/members"
    refused = admin.post(path, {"members": [world.admin_id, newcomer]})
    assert refused.status_code == 422
    assert "has the inbox Agent there" in refused.text
    assert admin.post(path, {"members": [world.agent_id, newcomer]}).status_code == 302
    with world.session():
        members = select(TeamMember.user_id).where(TeamMember.team_id == world.team_id)
        assert set(db.session.scalars(members)) == {world.agent_id, newcomer}
    assert logged(world)[-1][2] == {
        "members": [["Admin Person", "Agent Person"], ["Agent Person", "New Comer"]]
    }


def test_somebody_of_another_tenant_is_no_member(world: World, legacy_world: World) -> None:
    path = f"/settings/teams/{world.team_id}/members"
    answer = world.sign_in("admin").post(path, {"members": [world.agent_id, legacy_world.agent_id]})
    assert answer.status_code == 422


def test_a_team_answers_with_its_own_text_and_an_empty_one_is_the_default(world: World) -> None:
    admin = world.sign_in("admin")
    path = f"/settings/teams/{world.team_id}/texts"
    own = f"{world.name}: no more texts."
    assert admin.post(path, {"opt_out": own, "opt_in": "", "help_text": ""}).status_code == 302
    received = world.text(new_number(), "STOP")
    assert world.messages(received.conversation_id)[-1].body == own
    page = admin.get(f"/settings/teams/{world.team_id}").text
    assert re.search(r'id="opt_out-count">\d+ characters in GSM-7, 1 text<', page)
    assert page.count("The text shown goes out, in 1 text.") == 2
    assert admin.post(path, {"opt_out": "x" * 460}).status_code == 422
    assert admin.post(path, {"opt_out": "", "opt_in": "", "help_text": ""}).status_code == 302
    received = world.text(new_number(), "STOP")
    assert world.messages(received.conversation_id)[-1].body.startswith(f"{world.name} Admissions: You are")


def test_a_team_closes_only_without_open_inboxes_and_takes_nobody_then(world: World) -> None:
    admin = world.sign_in("admin")
    team, path = world.other_team_id, f"/settings/teams/{world.other_team_id}"
    assert "2 open inboxes" in admin.post(f"{path}/close").text
    for number in (world.other_shared, world.other_personal):
        assert admin.post(f"/settings/inboxes/{inbox_id(world, number)}/close").status_code == 302
    assert admin.post(f"{path}/close").status_code == 302
    page = admin.get("/contacts/new").text
    assert f'<option value="{team}"' not in page
    with world.session():
        user, closed = db.session.get_one(User, world.admin_id), db.session.get_one(Team, team)
        with pytest.raises(contacts.TeamClosed):
            contacts.add_contact(user, closed, new_number(), "", "", "")
    new = {"name": "Late", "number": new_number(), "team": team, "owner": ""}
    assert admin.post("/settings/inboxes/", new).status_code == 422
    reopened = admin.post(f"/settings/inboxes/{inbox_id(world, world.other_shared)}/reopen")
    assert "is closed. Reopen it first" in admin.get(reopened.location).text
    assert admin.post(f"{path}/reopen").status_code == 302
    with world.session():
        assert db.session.get_one(Team, team).closed_at is None


def test_an_inbox_is_made_shared_or_for_a_member_of_its_team(world: World) -> None:
    admin = world.sign_in("admin")
    new = {"name": "Second desk", "number": new_number(), "team": world.other_team_id, "owner": ""}
    assert admin.post("/settings/inboxes/", new).status_code == 302
    assert logged(world)[-1][:2] == ("inbox.made", "Second desk")
    personal = new | {"number": new_number(), "owner": str(world.agent_id)}
    refused = admin.post("/settings/inboxes/", personal)
    assert (refused.status_code, "does not work in Aid" in refused.text) == (422, True)
    assert admin.post("/settings/inboxes/", personal | {"team": world.team_id}).status_code == 302


def test_a_number_of_another_tenant_is_refused_without_a_word_of_whose(
    world: World, legacy_world: World
) -> None:
    new = {"name": "Desk", "number": legacy_world.shared, "team": world.team_id, "owner": ""}
    refused = world.sign_in("admin").post("/settings/inboxes/", new)
    assert refused.status_code == 422
    assert "belongs to an inbox already" in refused.text
    assert legacy_world.name not in refused.text


@pytest.mark.parametrize("number", ["", "12", "x" * 50, "+1\x00", "+999999999999999999", "+15550145"])
def test_a_number_that_is_none_is_told_at_its_field(world: World, number: str) -> None:
    new = {"name": "Desk", "number": number, "team": world.team_id, "owner": ""}
    assert 'id="number-error"' in world.sign_in("admin").post("/settings/inboxes/", new).text


def test_a_personal_inbox_goes_to_another_member_with_its_conversations(world: World) -> None:
    received = world.text(new_number(), "hello", inbox=world.personal)
    admin, agent = world.sign_in("admin"), world.sign_in("agent")
    thread = f"/messages/conversations/{received.conversation_id}"
    assert (admin.get(thread).status_code, agent.get(thread).status_code) == (404, 200)
    path = f"/settings/inboxes/{inbox_id(world, world.personal)}"
    assert admin.post(f"{path}/owner", {"owner": world.admin_id}).status_code == 302
    assert (admin.get(thread).status_code, agent.get(thread).status_code) == (200, 404)
    assert admin.post(path, {"name": "Renamed"}).status_code == 302
    assert [entry[0] for entry in logged(world)[-2:]] == ["inbox.handed_over", "inbox.renamed"]
    shared = f"/settings/inboxes/{inbox_id(world, world.shared)}/owner"
    assert admin.post(shared, {"owner": world.admin_id}).status_code == 422


def test_nothing_goes_out_of_a_closed_inbox_and_a_stop_to_it_counts(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "hello").conversation_id
    admin, agent = world.sign_in("admin"), world.sign_in("agent")
    path = f"/settings/inboxes/{inbox_id(world, world.shared)}"
    assert admin.post(f"{path}/close").status_code == 302
    refused = agent.post(f"/messages/conversations/{conversation_id}/send", {"body": "after"})
    assert (refused.status_code, "This inbox is closed" in refused.text) == (409, True)
    world.text(number, "STOP")
    assert world.status(world.contact_id_of(conversation_id)) == "opted_out"
    reply = world.messages(conversation_id)[-1]
    assert (reply.kind, reply.state) == ("opt_out_reply", "suppressed")
    assert reply.detail.startswith("This inbox is closed")
    assert admin.post(f"{path}/reopen").status_code == 302
    assert [entry[0] for entry in logged(world)[-2:]] == ["inbox.closed", "inbox.reopened"]


def test_a_text_that_was_written_before_the_inbox_closed_is_held_back(world: World) -> None:
    received = world.text(new_number(), "hello")
    with world.session():
        from_conversation = db.session.get_one(Message, received.message_id).conversation
        message = compose(db.session.get_one(User, world.agent_id), from_conversation, "on its way")
        db.session.commit()
        message_id = message.id
    world.sign_in("admin").post(f"/settings/inboxes/{inbox_id(world, world.shared)}/close")
    with world.session():
        deliver(message_id)
        assert db.session.get_one(Message, message_id).state == MessageState.SUPPRESSED
