"""Undo after Send: when a held text goes, what may happen meanwhile, and its files."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import sender
from cadence_app.messaging.media.models import DiscardedFile
from cadence_app.messaging.models import ConversationState, Message
from tests.messaging import media
from tests.messaging.answering import Talk
from tests.messaging.undoing import (
    HTMX,
    give_undo,
    goes,
    let_pass,
    press,
    undo,
    url,
)
from tests.records.people import erase, merge
from tests.world import World, new_number


@pytest.fixture
def undoing(world: World) -> World:
    give_undo(world)
    return world


def talk_of(world: World, number: str | None = None) -> int:
    return world.text(number or new_number(), "Are you open today?").conversation_id


def bodies(world: World, talk: int) -> list[str]:
    return [message.body for message in world.messages(talk)]


def test_the_sender_takes_what_is_due_and_nothing_before_its_time(undoing: World) -> None:
    early, late = press(undoing, talk_of(undoing), "one"), press(undoing, talk_of(undoing), "two")
    with undoing.app.app_context():
        sender.send_due()
    assert {state(undoing, early), state(undoing, late)} == {"queued"}
    let_pass(undoing, 5.1, early)
    with undoing.app.app_context():
        sender.send_due()
    assert (state(undoing, early), state(undoing, late)) == ("delivered", "queued")
    let_pass(undoing, 60, late)
    with undoing.app.app_context():
        sender.send_due()
    assert state(undoing, late) == "delivered"


def state(world: World, message_id: int) -> str:
    with world.session():
        return db.session.get_one(Message, message_id).state


def test_a_stop_during_the_hold_wins_and_the_text_says_why(undoing: World) -> None:
    talk = talk_of(undoing, number := new_number())
    text = press(undoing, talk, "Until five")
    undoing.text(number, "STOP")
    let_pass(undoing, 5, text)
    assert goes(undoing, text)
    kept = next(message for message in undoing.messages(talk) if message.id == text)
    assert (kept.state, kept.unsent_reason, kept.body) == ("suppressed", "opted_out", "Until five")
    assert "opted out" in kept.detail
    answer = undo(undoing.sign_in("agent"), talk, text)
    assert (answer.status_code, "was not sent" in answer.text) == (409, True)


def test_words_come_back_although_the_person_has_stopped(undoing: World) -> None:
    talk = talk_of(undoing, number := new_number())
    text = press(undoing, talk, "Until five")
    undoing.text(number, "STOP")
    answer = undoing.sign_in("agent").post(url(talk, text), {}, headers=HTMX)
    assert answer.status_code == 200
    assert "Until five</textarea>" in answer.text
    assert "Until five" not in bodies(undoing, talk)


def test_a_text_goes_although_its_writer_was_deactivated_or_left_the_page(undoing: World) -> None:
    """They were allowed to send it when they did."""
    talk = talk_of(undoing)
    text = press(undoing, talk, "Until five")
    with undoing.session():
        db.session.get_one(User, undoing.agent_id).active = False
        db.session.commit()
    let_pass(undoing, 5, text)
    assert goes(undoing, text)
    assert state(undoing, text) == "delivered"


def test_an_inbox_that_closes_during_the_hold_suppresses_the_text(undoing: World) -> None:
    text = press(undoing, talk_of(undoing), "Until five")
    with undoing.session():
        db.session.execute(update(Inbox).where(Inbox.number == undoing.shared).values(closed_at=func.now()))
        db.session.commit()
    let_pass(undoing, 5, text)
    assert goes(undoing, text)
    assert state(undoing, text) == "suppressed"


def test_a_person_who_is_erased_during_the_hold_gets_nothing_and_nothing_comes_back(undoing: World) -> None:
    talk = talk_of(undoing, number := new_number())
    text = press(undoing, talk, "Until five")
    erase(undoing, undoing.contact_id(number))
    assert undo(undoing.sign_in("agent"), talk, text).status_code == 404
    let_pass(undoing, 5, text)
    assert not goes(undoing, text)
    assert (bodies(undoing, talk)[-1], state(undoing, text)) == ("", "suppressed")


def test_a_merge_during_the_hold_takes_the_text_along_and_undo_too(undoing: World) -> None:
    kept_talk = talk_of(undoing, kept := new_number())
    talk = talk_of(undoing, gone := new_number())
    first, second = press(undoing, talk, "one"), press(undoing, talk, "two")
    merge(undoing, undoing.contact_id(kept), undoing.contact_id(gone))
    assert undo(undoing.sign_in("agent"), kept_talk, second).status_code == 200
    let_pass(undoing, 5, first)
    assert goes(undoing, first)
    assert state(undoing, first) == "delivered"


def test_files_come_back_with_the_words_and_go_with_the_next_text(undoing: World) -> None:
    talk = talk_of(undoing)
    media.send(undoing, talk, ("plan.png", media.PNG), ("form.pdf", media.PDF))
    text = undoing.messages(talk)[-1].id
    (picture, form) = media.of_conversation(undoing, talk)
    agent = undoing.sign_in("agent")
    answer = undo(agent, talk, text)
    words = re.findall(r'name="kept" value="([^"]+)" checked', answer.text)
    assert len(words) == 2
    assert media.of_conversation(undoing, talk) == []
    media.sweep(undoing)
    assert media.is_stored(undoing, picture.file_key)
    # One of them is taken out of the box.
    path = f"/messages/conversations/{talk}/send"
    assert agent.post(path, {"body": "Here", "kept": words[:1]}).status_code == 302
    (again,) = media.of_conversation(undoing, talk)
    assert (again.file_key, again.file_name, again.sha256) == (
        *(picture.file_key, picture.file_name, picture.sha256),
    )
    # The other leaves the storage by itself, and this one stays.
    with undoing.session():
        db.session.execute(update(DiscardedFile).values(due_at=func.now()))
        db.session.commit()
    media.sweep(undoing)
    assert media.is_stored(undoing, picture.file_key)
    assert not media.is_stored(undoing, form.file_key)
    # Sent once; and the one that has gone must be chosen again.
    for word in words:
        refused = agent.post(path, {"body": "Here", "kept": [word]})
        assert (refused.status_code, "Choose it again" in refused.text) == (422, True)


def test_a_file_that_came_back_is_of_no_use_to_anybody_else(undoing: World) -> None:
    talk = talk_of(undoing)
    media.send(undoing, talk, ("plan.png", media.PNG))
    answer = undo(undoing.sign_in("agent"), talk, undoing.messages(talk)[-1].id)
    (word,) = re.findall(r'name="kept" value="([^"]+)" checked', answer.text)
    path = f"/messages/conversations/{talk}/send"
    for kept in (word, "nonsense", word + "x"):
        browser = undoing.sign_in("admin" if kept == word else "agent")
        refused = browser.post(path, {"body": "Here", "kept": [kept]})
        assert (refused.status_code, "Choose it again" in refused.text) == (422, True)
    assert media.of_conversation(undoing, talk) == []


def test_files_count_together_with_those_that_came_back(undoing: World) -> None:
    talk = talk_of(undoing)
    media.send(undoing, talk, ("plan.jpg", media.JPEG + bytes(300_000)))
    agent = undoing.sign_in("agent")
    answer = undo(agent, talk, undoing.messages(talk)[-1].id)
    (word,) = re.findall(r'name="kept" value="([^"]+)" checked', answer.text)
    refused = media.send(undoing, talk, ("more.jpg", media.JPEG + bytes(300_000)), kept=[word])
    assert (refused.status_code, "500 KB together" in refused.text) == (422, True)
    assert f'value="{word}" checked' in refused.text


def test_what_is_taken_back_leaves_a_conversation_snoozed_until_then(undoing: World) -> None:
    talk = Talk(undoing, id=talk_of(undoing))
    talk.snooze()
    before = talk.row()
    assert before.snoozed_until
    text = press(undoing, talk.id, "Until five")
    assert undo(undoing.sign_in("agent"), talk.id, text).status_code == 200
    row = talk.row()
    assert (row.state, row.snoozed_until, row.waiting_since) == (
        ConversationState.SNOOZED,
        before.snoozed_until,
        before.waiting_since,
    )
