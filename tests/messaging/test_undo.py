"""Undo after Send: what is held and for how long, what goes back into the box, and what is left of it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import delete, func, select, update

from cadence_app.accounts.models import Role, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import holding
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.messaging.sending import deliver
from cadence_app.tenancy import use_tenant
from tests.messaging.undoing import (
    give_undo,
    goes,
    let_pass,
    press,
    seconds_left,
    send_now,
    undo,
    url,
)
from tests.records.people import known
from tests.world import World, make_world, new_number


@pytest.fixture
def undoing(world: World) -> World:
    give_undo(world)
    return world


def talk_of(world: World, number: str | None = None) -> int:
    return world.text(number or new_number(), "Are you open today?").conversation_id


def bodies(world: World, talk: int) -> list[str]:
    return [message.body for message in world.messages(talk)]


def test_real_users_have_five_seconds_and_tests_have_none_unless_they_say_so(world: World) -> None:
    with world.session():
        assert db.session.get_one(User, world.agent_id).undo_seconds == 0
        user = User(
            tenant_id=world.tenant_id,
            email="new@college.example",
            name="New",
            password_hash="",
            role=Role.AGENT,
        )
        db.session.add(user)
        db.session.flush()
        assert user.undo_seconds == 5


@pytest.mark.parametrize("seconds", [5, 10])
def test_a_text_waits_for_the_seconds_that_its_writer_chose(world: World, seconds: int) -> None:
    give_undo(world, seconds)
    talk = talk_of(world)
    press(world, talk, "Until five", stays=False)
    pressed = world.messages(talk)[-1]
    assert pressed.held_until
    assert abs((pressed.held_until - pressed.created_at).total_seconds() - seconds) < 1
    text = press(world, talk_of(world), "Until five")
    assert not goes(world, text)
    let_pass(world, 5, text)
    assert goes(world, text)


def test_without_undo_a_text_goes_at_once(world: World) -> None:
    talk = talk_of(world)
    assert goes(world, press(world, talk, "Until five"))
    assert world.messages(talk)[-1].held_until is None


def test_only_what_somebody_types_and_sends_is_held(undoing: World) -> None:
    """Not the confirmation of an opt out, which goes within the request that brings the STOP here."""
    talk = undoing.text(number := new_number(), "hi").conversation_id
    undoing.text(number, "STOP")
    confirmation = undoing.messages(talk)[-1]
    assert (confirmation.kind, confirmation.state) == ("opt_out_reply", "delivered")
    assert confirmation.held_until is None


def test_pressed_and_sent_are_both_kept_and_shown(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    let_pass(undoing, 5, text)
    assert goes(undoing, text)
    sent = undoing.messages(talk)[-1]
    assert sent.created_at < (sent.sending_since or sent.created_at)
    page = undoing.sign_in("agent").get(f"/messages/conversations/{talk}").text
    assert re.search(r'title="Send pressed \d{4}-[^"]* UTC, sent \d{4}-[^"]* UTC"', page)


def test_a_held_text_is_the_clocks_and_not_queued_at_the_press(undoing: World) -> None:
    talk = talk_of(undoing)
    agent = undoing.sign_in("agent")
    assert agent.post(f"/messages/conversations/{talk}/send", {"body": "Until five"}).status_code == 302
    text = undoing.messages(talk)[-1]
    assert (text.body, text.state, text.held_until) == ("Until five", "queued", text.next_attempt_at)
    assert f"text-{text.id}" not in queued(undoing)


def test_a_held_text_shows_when_it_goes_and_two_buttons_that_work_without_scripts(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    page = undoing.sign_in("agent").get(f"/messages/conversations/{talk}").text
    assert re.search(r"Sending at \d{1,2}:\d\d:\d\d [AP]M", page)
    for what in ("undo", "send-now"):
        assert f'form="composer-form" formaction="{url(talk, text, what)}"' in page
    admin = undoing.sign_in("admin").get(f"/messages/conversations/{talk}").text
    assert "Sending at" in admin
    assert "formaction" not in admin


def test_what_is_taken_back_never_was_a_text(undoing: World) -> None:
    talk = talk_of(undoing)
    before = in_the_list(undoing, talk)
    text = press(undoing, talk, "Until fvie")
    answer = undo(undoing.sign_in("agent"), talk, text)
    assert answer.status_code == 200
    assert "Taken back. Nothing was sent." in answer.text
    assert re.search(r"<textarea[^>]*>\s*Until fvie</textarea>", answer.text)
    assert bodies(undoing, talk) == ["Are you open today?"]
    assert in_the_list(undoing, talk) == before
    let_pass(undoing, 5, text)
    assert not goes(undoing, text)


def in_the_list(world: World, talk: int) -> tuple[object, ...]:
    """Its words, and its time to the minute: that of the text itself, not of its arrival."""
    with world.session():
        row = db.session.get_one(Conversation, talk)
        return row.last_message_text, row.last_message_at.strftime("%H:%M"), row.unread


def test_a_conversation_whose_only_text_was_taken_back_is_in_no_list(undoing: World) -> None:
    contact_id = known(undoing, number=new_number(), first_name="Quentin")
    agent = undoing.sign_in("agent")
    with undoing.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == undoing.shared)).one()
    form = {"to": str(contact_id), "from": str(inbox_id), "body": "Welcome", "once": "a"}
    assert agent.post("/messages/new", form).status_code == 302
    with undoing.session():
        text = db.session.scalars(select(Message).where(Message.body == "Welcome")).one()
        message_id, talk = text.id, text.conversation_id
    assert text.held_until
    assert "Quentin" in agent.get("/messages/?only=all").text
    assert "Welcome" in undo(agent, talk, message_id).text
    assert "Quentin" not in agent.get("/messages/?only=all").text
    # The same form once more is a text of its own, for there is none.
    assert agent.post("/messages/new", form).status_code == 302
    assert bodies(undoing, talk) == ["Welcome"]


def test_words_in_the_box_stay_below_those_that_come_back(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    answer = undo(undoing.sign_in("agent"), talk, text, body="And on Monday")
    assert re.search(r"<textarea[^>]*>\s*Until five\n\nAnd on Monday</textarea>", answer.text)


def test_undo_works_without_scripts_and_keeps_the_box(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    answer = undoing.sign_in("agent").post(url(talk, text), {"body": "And on Monday"})
    assert answer.status_code == 200
    assert "<!doctype html>" in answer.text.lower()
    assert re.search(r"<textarea[^>]*>\s*Until five\n\nAnd on Monday</textarea>", answer.text)


def test_send_now_skips_the_rest_and_what_is_typed_stays(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    answer = send_now(undoing.sign_in("agent"), talk, text, body="And on Monday")
    assert re.search(r"<textarea[^>]*>\s*And on Monday</textarea>", answer.text)
    assert seconds_left(undoing, text) <= 0
    assert f"text-{text}" in queued(undoing)
    assert goes(undoing, text)
    # Twice is no harm.
    assert send_now(undoing.sign_in("agent"), talk, text).status_code == 200


def queued(world: World) -> list[str]:
    with world.app.app_context():
        use_tenant(world.tenant_id)
        going = select(Message.id).where(Message.state == MessageState.QUEUED, holding.in_turn())
        return [f"text-{each}" for each in db.session.scalars(going)]


def test_undo_after_the_text_went_says_so_and_changes_nothing(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    let_pass(undoing, 5, text)
    assert goes(undoing, text)
    answer = undo(undoing.sign_in("agent"), talk, text, body="Wait")
    assert (answer.status_code, "Too late to take it back" in answer.text) == (409, True)
    assert re.search(r"<textarea[^>]*>\s*Wait</textarea>", answer.text)
    assert bodies(undoing, talk)[-1] == "Until five"


def test_undo_twice_gives_the_words_back_once(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    agent = undoing.sign_in("agent")
    assert undo(agent, talk, text).status_code == 200
    again = undo(agent, talk, text, body="Until five")
    assert (again.status_code, again.text.count("Until five")) == (409, 1)
    assert send_now(agent, talk, text).status_code == 409


def test_a_colleague_can_neither_take_a_text_back_nor_hurry_it(undoing: World) -> None:
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    admin = undoing.sign_in("admin")
    assert undo(admin, talk, text).status_code == 409
    assert send_now(admin, talk, text).status_code == 409
    assert seconds_left(undoing, text) > 3


def test_the_application_can_delete_no_text_but_a_held_one_of_its_writer(undoing: World) -> None:
    talk = talk_of(undoing)
    (came,) = undoing.messages(talk)
    held, other = press(undoing, talk, "Until five"), press(undoing, talk, "Not this one")
    let_pass(undoing, 10, other)
    with undoing.session():
        for text, writer in ((came.id, undoing.agent_id), (held, undoing.admin_id)):
            assert db.session.scalar(select(func.take_back_text(text, writer))) is False
        db.session.execute(update(Message).where(Message.id == other).values(state="sending"))
        assert db.session.scalar(select(func.take_back_text(other, undoing.agent_id))) is False
        with pytest.raises(Exception, match="permission denied"):
            db.session.execute(delete(Message).where(Message.id == held))
        db.session.rollback()


def test_a_second_text_is_not_sent_before_the_first(undoing: World) -> None:
    talk = talk_of(undoing)
    first, second = press(undoing, talk, "one"), press(undoing, talk, "two")
    let_pass(undoing, 5, second)
    assert not goes(undoing, second)
    let_pass(undoing, 5, first)
    assert goes(undoing, first)
    assert goes(undoing, second)


def test_send_now_on_the_second_sends_the_first_before_it(undoing: World) -> None:
    talk = talk_of(undoing)
    first, second = press(undoing, talk, "one"), press(undoing, talk, "two")
    send_now(undoing.sign_in("agent"), talk, second)
    assert not goes(undoing, second)
    assert goes(undoing, first)
    assert goes(undoing, second)


def test_a_colleagues_earlier_text_keeps_its_time_and_goes_first(undoing: World) -> None:
    """Send now is for one's own; and who has no Undo waits as long as a colleague may take theirs back."""
    talk = talk_of(undoing)
    first = press(undoing, talk, "one")
    second = press(undoing, talk, "two", undoing.admin_id, stays=False)
    held = {each.held_until for each in undoing.messages(talk) if each.id in (first, second)}
    assert len(held) == 1
    send_now(undoing.sign_in("admin"), talk, second)
    assert seconds_left(undoing, first) > 3
    assert not goes(undoing, second)
    let_pass(undoing, 5, first)
    assert goes(undoing, first)
    assert goes(undoing, second)


def test_the_next_is_queued_once_the_one_before_it_went_or_was_taken_back(undoing: World) -> None:
    talk = talk_of(undoing)
    first, second, third = (press(undoing, talk, body) for body in ("one", "two", "three"))
    let_pass(undoing, 5, first, second)
    with undoing.app.app_context():
        use_tenant(undoing.tenant_id)
        deliver(first)
    assert f"text-{second}" in queued(undoing)
    let_pass(undoing, 5, third)
    undo(undoing.sign_in("agent"), talk, second)
    assert f"text-{third}" in queued(undoing)


def test_other_conversations_do_not_wait(undoing: World) -> None:
    press(undoing, talk_of(undoing), "one")
    other = press(undoing, talk_of(undoing), "two")
    let_pass(undoing, 5, other)
    assert goes(undoing, other)


def test_each_person_chooses_their_seconds_and_nothing_else_is_taken(world: World) -> None:
    agent = world.sign_in("agent")
    profile = {"name": "Agent Person", "time_zone": "", "shortcuts": "y"}
    assert agent.post("/account/", profile | {"undo_seconds": "10"}).status_code == 302
    for wrong in ("7", "-5", "x"):
        assert agent.post("/account/", profile | {"undo_seconds": wrong}).status_code == 422
    with world.session():
        assert db.session.get_one(User, world.agent_id).undo_seconds == 10
        assert db.session.get_one(User, world.admin_id).undo_seconds == 0


def test_another_organisations_text_is_not_found(undoing: World) -> None:
    other = make_world(undoing.app, "teams")
    talk = talk_of(other)
    give_undo(other)
    text = press(other, talk, "Until five")
    agent = undoing.sign_in("agent")
    assert undo(agent, talk, text).status_code == 404
    assert send_now(agent, talk, text).status_code == 404


def waits(world: World, talk: int) -> tuple[object, ...]:
    with world.session():
        row = db.session.get_one(Conversation, talk)
        return row.state, row.waiting_since


def test_a_pressed_text_answers_and_an_undone_one_gives_the_question_back(undoing: World) -> None:
    talk = talk_of(undoing)
    asked = waits(undoing, talk)
    assert asked[1] is not None
    first, second = press(undoing, talk, "one"), press(undoing, talk, "two")
    assert waits(undoing, talk) == ("open", None)
    agent = undoing.sign_in("agent")
    undo(agent, talk, second)
    assert waits(undoing, talk) == ("open", None)
    undo(agent, talk, first)
    assert waits(undoing, talk) == asked


def test_a_conversation_goes_back_to_its_place_in_the_list(undoing: World) -> None:
    first, second = talk_of(undoing), talk_of(undoing)
    agent = undoing.sign_in("agent")
    before = order(undoing)
    text = press(undoing, first, "Until five")
    assert order(undoing) == [first, second]
    undo(agent, first, text)
    assert order(undoing) == before == [second, first]


def order(world: World) -> list[int]:
    with world.session():
        listed = select(Conversation.id).where(Conversation.listed_at.is_not(None))
        return list(db.session.scalars(listed.order_by(Conversation.listed_at.desc())))
