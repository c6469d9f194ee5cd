"""Texts that are set for a later time, and saved texts, in a conversation."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from cadence_app.extensions import db
from cadence_app.messaging import jobs
from cadence_app.messaging.models import Message, ScheduledText
from cadence_app.messaging.sending import deliver
from cadence_app.messaging.text_template_models import TextTemplate
from tests.world import World, new_number

TOMORROW = (datetime.now() + timedelta(days=1)).strftime("%Y-%m-%dT10:00")


def set_text(world: World, conversation_id: int, body: str = "See you", when: str = TOMORROW) -> int:
    answer = world.sign_in("agent").post(
        f"/messages/conversations/{conversation_id}/send", {"body": body, "send_at": when, "later": "1"}
    )
    assert answer.status_code == 302
    with world.session():
        query = select(ScheduledText.id).where(ScheduledText.conversation_id == conversation_id)
        return db.session.scalars(query.order_by(ScheduledText.id.desc())).first() or 0


def come(world: World, text_id: int, late: timedelta = timedelta()) -> None:
    """Its time has come; the sweep runs, and what it queued is delivered."""
    with world.session():
        db.session.execute(
            update(ScheduledText)
            .where(ScheduledText.id == text_id)
            .values(send_at=datetime.now(UTC) - late - timedelta(seconds=1))
        )
        db.session.commit()
    with world.app.app_context():
        jobs.sweep_later_texts()
    with world.session():
        message_id = db.session.get_one(ScheduledText, text_id).message_id
        if message_id:
            deliver(message_id)


def state(world: World, text_id: int) -> str:
    with world.session():
        return db.session.get_one(ScheduledText, text_id).state


def last(world: World, conversation_id: int) -> Message:
    return world.messages(conversation_id)[-1]


def test_a_text_for_later_is_listed_changed_and_sent_at_its_time(world: World) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    text_id = set_text(world, talk)
    agent, path = world.sign_in("agent"), f"/messages/conversations/{talk}"
    page = agent.get(path).text
    assert "To be sent later" in page
    assert "10:00 AM" in page
    # Buttons are told apart by the reader's own clock, as the texts are.
    named = re.findall(r"the text for <time[^>]*>([^<]*)", page)
    assert len(named) == 2
    assert all("10:00 AM" in each and "UTC" not in each for each in named)
    edit = f"{path}/later/{text_id}"
    assert "See you" in agent.get(edit).text
    assert agent.post(edit, {"body": "See you soon", "send_at": TOMORROW}).status_code == 302
    come(world, text_id)
    sent = last(world, talk)
    assert (sent.body, sent.state, sent.user_id) == ("See you soon", "delivered", world.agent_id)
    assert state(world, text_id) == "sent"
    after = agent.get(path).text
    assert "To be sent later" not in after
    assert "Sent at a set time" in after
    assert agent.get(edit).status_code == 404


def test_a_cancelled_one_never_goes(world: World) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    text_id = set_text(world, talk)
    agent = world.sign_in("agent")
    cancel = f"/messages/conversations/{talk}/later/{text_id}/cancel"
    assert "is cancelled" in agent.post(cancel, follow_redirects=True).text
    come(world, text_id)
    assert len(world.messages(talk)) == 1


def test_a_stop_before_its_time_suppresses_it_and_it_is_not_lost(world: World) -> None:
    talk = world.text(number := new_number(), "hi").conversation_id
    text_id = set_text(world, talk)
    agent, path = world.sign_in("agent"), f"/messages/conversations/{talk}"
    assert "this will not go out" not in agent.get(path).text
    world.text(number, "STOP")
    assert "this will not go out" in agent.get(path).text
    come(world, text_id)
    assert last(world, talk).state == "suppressed"
    assert "opted out" in last(world, talk).detail


def test_a_possible_opt_out_holds_it_until_somebody_decides(world: World) -> None:
    talk = world.text(number := new_number(), "hi").conversation_id
    text_id = set_text(world, talk)
    world.text(number, "please stop texting me")
    come(world, text_id)
    agent, path = world.sign_in("agent"), f"/messages/conversations/{talk}"
    assert state(world, text_id) == "held"
    page = agent.get(path).text
    assert "Held" in page
    flagged = re.search(r'name="flagged" value="(\d+)"', page)
    assert flagged
    agent.post(f"{path}/consent", {"status": "dismiss", "flagged": flagged[1]})
    come(world, text_id)
    assert last(world, talk).state == "delivered"


@pytest.mark.parametrize(("late", "becomes"), [(23, "sent"), (25, "missed")])
def test_one_that_is_more_than_a_day_late_waits_for_a_person(world: World, late: int, becomes: str) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    text_id = set_text(world, talk)
    come(world, text_id, timedelta(hours=late))
    assert state(world, text_id) == becomes
    page = world.sign_in("agent").get(f"/messages/conversations/{talk}").text
    assert ("More than a day late" in page) == (becomes == "missed")


def test_an_opted_out_contact_gets_none_set(world: World) -> None:
    talk = world.text(number := new_number(), "hi").conversation_id
    world.text(number, "STOP")
    agent = world.sign_in("agent")
    form = {"body": "x", "send_at": TOMORROW, "later": "1"}
    answer = agent.post(f"/messages/conversations/{talk}/send", form)
    assert answer.status_code == 409
    assert "Not set." in answer.text or "opted out of" in answer.text


@pytest.mark.parametrize("when", ["", "soon", "2001-01-01T10:00", "9999-12-31T23:59"])
def test_a_time_that_is_none_is_told_at_its_field(world: World, when: str) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    agent = world.sign_in("agent")
    form = {"body": "kept words", "send_at": when, "later": "1"}
    answer = agent.post(f"/messages/conversations/{talk}/send", form)
    assert answer.status_code == 422
    assert "composer-when-error" in answer.text
    assert "kept words" in answer.text


def test_a_text_in_a_colleagues_personal_inbox_or_another_tenant_is_404(
    world: World, legacy_world: World
) -> None:
    private = world.text(new_number(), "hi", world.other_personal).conversation_id
    theirs = legacy_world.text(new_number(), "hi").conversation_id
    agent = world.sign_in("agent")
    for talk in (private, theirs):
        for action in ("", "/cancel"):
            path = f"/messages/conversations/{talk}/later/1{action}"
            assert agent.post(path, {"body": "x", "send_at": TOMORROW}).status_code == 404


def test_an_open_page_learns_of_a_text_that_is_set(world: World) -> None:
    talk = world.text(new_number(), "hi").conversation_id
    agent, path = world.sign_in("agent"), f"/messages/conversations/{talk}"
    version = re.search(r"version=([^\"&]+)", agent.get(path).text)
    assert version
    assert agent.get(f"{path}/fresh?version={version[1]}").status_code == 204
    set_text(world, talk)
    assert "To be sent later" in agent.get(f"{path}/fresh?version={version[1]}").text


def test_a_template_is_offered_with_the_contacts_own_values(world: World) -> None:
    number = new_number()
    world.add_contact(number, first_name="Maya")
    talk = world.text(number, "hi").conversation_id
    with world.session():
        template = TextTemplate(
            tenant_id=world.tenant_id, team_id=world.team_id, name="Hello", body="Hi {first_name|there}!"
        )
        db.session.add(template)
        db.session.commit()
        template_id = template.id
    agent = world.sign_in("agent")
    page = agent.get(f"/messages/conversations/{talk}").text
    assert 'data-insert="Hi Maya!"' in page
    assert re.search(r"<textarea[^>]*>\s*Hi Maya!", page) is None
    chosen = agent.get(f"/messages/conversations/{talk}?template={template_id}").text
    assert re.search(r"<textarea[^>]*>\s*Hi Maya!", chosen)
