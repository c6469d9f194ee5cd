"""Drafts as pages show them: to their author alone, in their boxes, and until the words are sent."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import drafts
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.drafts import Outcome
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.page_freshness import lists_version
from tests.messaging.drafting import Window, address, kept, post, rows, window, words_of
from tests.world import World, make_user, make_world, new_number


@pytest.fixture
def page(world: World) -> Window:
    return window(world, world.text(new_number(), "hello").conversation_id)


def test_a_draft_is_its_authors_alone(world: World, page: Window) -> None:
    post(world.sign_in("agent"), page.place, "Between me and me")
    admin = world.sign_in("admin")
    assert admin.get(address(page.place)).get_json()["words"] == ""
    conversation = page_of(world, page)
    for path in (conversation, "/messages/?inbox=", f"/contacts/{page.place.contact_id}"):
        assert "Between me and me" not in admin.get(path).text
    assert "Between me and me" in world.sign_in("agent").get(conversation).text


def page_of(world: World, page: Window) -> str:
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == page.place.contact_id)
        return f"/messages/conversations/{db.session.scalars(query).one()}"


def test_what_is_not_the_users_to_see_is_not_there(world: World, page: Window) -> None:
    stranger = make_world(world.app, "teams").sign_in("admin")
    with world.session():
        outsider = make_user(world.tenant_id, Role.AGENT, "Other Team").email
        db.session.commit()
    for browser in (stranger, world.sign_in_as(outsider)):
        assert browser.get(address(page.place)).status_code == 404
        assert browser.post(address(page.place), {"words": "x"}).status_code == 404
    agent = world.sign_in("agent")
    contact_id = page.place.contact_id
    for path in ("text/1/99", f"text/{contact_id}/{2**62}", f"reason/{contact_id}/{world.other_team_id}"):
        assert agent.post(f"/messages/drafts/{path}", {"words": "x"}).status_code == 404
    assert rows(world) == []


def test_another_persons_personal_inbox_takes_no_draft(world: World) -> None:
    theirs = window(world, world.text(new_number(), "hi", world.personal).conversation_id)
    assert world.sign_in("admin").post(address(theirs.place), {"words": "x"}).status_code == 404
    assert post(world.sign_in("agent"), theirs.place, "mine")["outcome"] == "saved"


def test_without_a_token_nothing_is_saved_and_a_new_one_is_to_be_had(world: World, page: Window) -> None:
    agent = world.sign_in("agent")
    assert agent.client.post(address(page.place), data={"words": "x"}).status_code == 400
    agent.token = agent.get(address(page.place)).get_json()["token"]
    answer = agent.client.post(address(page.place), data={"words": "x"}, headers={"X-CSRFToken": agent.token})
    assert answer.status_code == 200
    assert world.app.test_client().get(address(page.place)).status_code == 302


def test_what_is_too_long_or_can_not_be_stored(world: World, page: Window) -> None:
    agent = world.sign_in("agent")
    assert agent.post(address(page.place), {"words": "a" * (drafts.LONGEST + 1)}).status_code == 422
    assert post(agent, page.place, "one\x00\r\ntwo")["words"] == "one\ntwo"


def test_the_conversation_has_text_and_note_in_their_boxes(world: World, page: Window) -> None:
    page.write("A text that waits")
    note = Window(world, drafts.Place(What.NOTE, page.place.contact_id, page.place.of_id), world.agent_id)
    note.write("A note that waits")
    shown = world.sign_in("agent").get(page_of(world, page)).text
    assert "A text that waits</textarea>" in shown
    assert "A note that waits</textarea>" in shown


def test_sending_a_text_ends_its_draft_and_saving_a_note_its_own(world: World, page: Window) -> None:
    agent, conversation = world.sign_in("agent"), page_of(world, page)
    note = Window(world, drafts.Place(What.NOTE, page.place.contact_id, page.place.of_id), world.agent_id)
    page.write("Dear Maya")
    note.write("Ask her")
    agent.post(f"{conversation}/send", {"body": "Dear Maya", "draft_writer": page.name, "draft_turn": "9"})
    assert words_of(world, page.place) == ("", "")
    assert words_of(world, note.place) == ("Ask her", "")
    agent.post(f"{conversation}/notes", {"note": "Ask her"})
    assert words_of(world, note.place) == ("", "")


def test_a_text_that_is_refused_keeps_its_draft(world: World) -> None:
    number = new_number()
    page = window(world, world.text(number, "hello").conversation_id)
    page.write("Dear Maya")
    world.text(number, "STOP")
    agent, conversation = world.sign_in("agent"), page_of(world, page)
    assert agent.post(f"{conversation}/send", {"body": "Dear Maya"}).status_code == 409
    late = {"body": "Dear Maya", "later": "1", "send_at": "2027-03-01T09:00"}
    assert agent.post(f"{conversation}/send", late).status_code == 409
    assert agent.post(f"{conversation}/send", {"body": " "}).status_code == 422
    assert words_of(world, page.place) == ("Dear Maya", "")
    shown = agent.get(conversation).text
    assert "Dear Maya</textarea>" in shown
    assert "Copy what you wrote" in shown


def test_a_text_set_for_later_ends_its_draft(world: World, page: Window) -> None:
    page.write("See you in May")
    body = {"body": "See you in May", "later": "1", "send_at": "2027-03-01T09:00"}
    world.sign_in("agent").post(f"{page_of(world, page)}/send", body)
    assert words_of(world, page.place) == ("", "")


def test_the_list_says_draft_to_its_author_alone(world: World, page: Window) -> None:
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    with world.session():
        before = lists_version(db.session.get_one(User, world.agent_id))
        others = lists_version(db.session.get_one(User, world.admin_id))
    page.write("Dear Maya, about your room")
    with world.session():
        assert lists_version(db.session.get_one(User, world.agent_id)) != before
        assert lists_version(db.session.get_one(User, world.admin_id)) == others
    assert "Draft:</span> Dear Maya, about" in agent.get("/messages/?inbox=").text
    assert "Draft:</span>" not in admin.get("/messages/?inbox=").text
    page.write("")
    assert "Draft:</span>" not in agent.get("/messages/?inbox=").text


def test_a_new_text_is_kept_by_person_and_inbox_and_listed_where_one_begins(world: World) -> None:
    contact_id = world.contact_id_of(world.text(new_number(), "hi", world.toll_free).conversation_id)
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()
    place = drafts.Place(What.TEXT, contact_id, inbox_id)
    agent = world.sign_in("agent")
    post(agent, place, "Welcome to Lakeside")
    form = f"/messages/new?to={contact_id}&from={inbox_id}"
    assert "Welcome to Lakeside</textarea>" in agent.get(form).text
    assert "Your drafts" in agent.get("/messages/new").text
    assert "Your drafts" not in world.sign_in("admin").get("/messages/new").text
    sent = {"to": contact_id, "from": inbox_id, "body": "Welcome to Lakeside", "draft_writer": "tab"}
    assert agent.post("/messages/new", {**sent, "draft_turn": "2"}).status_code == 302
    assert words_of(world, place) == ("", "")
    assert "Your drafts" not in agent.get("/messages/new").text


def test_a_reason_waits_in_its_field_until_the_status_changes_again(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "hello").conversation_id
    world.text(number, "STOP")
    contact_id = world.contact_id_of(conversation_id)
    place = drafts.for_reason(contact_id, world.team_id)
    page = Window(world, place, world.agent_id)
    stop = world.history(contact_id)[-1].id
    page.write("She asked at the desk", about=stop)
    agent = world.sign_in("agent")
    for path in (f"/messages/conversations/{conversation_id}", f"/contacts/{contact_id}"):
        assert "She asked at the desk</textarea>" in agent.get(path).text
    world.text(number, "START")
    world.text(number, "STOP")
    shown = agent.get(f"/contacts/{contact_id}").text
    assert "She asked at the desk</textarea>" not in shown
    assert 'data-draft-other="She asked at the desk"' in shown
    consent = f"/contacts/{contact_id}/teams/{world.team_id}/consent"
    assert agent.post(consent, {"status": "opted_in", "reason": "She asked again"}).status_code == 302
    assert words_of(world, place) == ("", "")


def test_who_left_the_team_finds_nothing_until_they_come_back(world: World, page: Window) -> None:
    page.write("Dear Maya")
    agent = world.sign_in("agent")
    with world.session():
        theirs = TeamMember.user_id == world.agent_id
        db.session.execute(delete(TeamMember).where(theirs))
        db.session.commit()
    assert agent.get(address(page.place)).status_code == 404
    with world.session():
        back = TeamMember(tenant_id=world.tenant_id, team_id=world.team_id, user_id=world.agent_id)
        db.session.add(back)
        db.session.commit()
    assert agent.get(address(page.place)).get_json()["words"] == "Dear Maya"


def test_a_page_of_a_row_that_was_swept_goes_on(page: Window) -> None:
    page.write("Dear")
    with page.world.session():
        db.session.query(Draft).delete()
        db.session.commit()
    assert page.write("Dear Maya") == Outcome.SAVED
    assert kept(page.world, page.place).words == "Dear Maya"
