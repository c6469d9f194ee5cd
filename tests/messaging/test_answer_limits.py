"""How often the same words are answered; what they do is done each time."""

from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import update

from cadence_app.extensions import db
from cadence_app.messaging.models import Message
from tests.world import World, new_number


def answers(world: World, conversation_id: int, kind: str) -> list[str]:
    return [m.state for m in world.messages(conversation_id) if m.kind == kind]


def time_passes(world: World, conversation_id: int, time: timedelta) -> None:
    with world.session():
        theirs = update(Message).where(Message.conversation_id == conversation_id)
        db.session.execute(theirs.values(created_at=Message.created_at - time))
        db.session.commit()


def test_help_is_answered_once_in_ten_minutes_and_the_thread_says_so(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    conversation_id = world.text(number, "HELP").conversation_id
    for word in ("help", "INFO"):
        second = world.text(number, word)
        assert second.reply_id is None
        assert "less than ten minutes ago" in world.messages(conversation_id)[-1].detail
    assert answers(world, conversation_id, "help_reply") == ["delivered"]
    elsewhere = world.text(number, "HELP", world.personal).conversation_id
    assert answers(world, elsewhere, "help_reply") == ["delivered"]
    time_passes(world, conversation_id, timedelta(minutes=9, seconds=50))
    assert world.text(number, "HELP").reply_id is None
    time_passes(world, conversation_id, timedelta(seconds=20))
    world.text(number, "HELP")
    assert answers(world, conversation_id, "help_reply") == ["delivered", "delivered"]


def test_help_that_was_not_sent_does_not_stand_in_the_way_of_help_that_may_be(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    conversation_id = world.text(number, "HELP").conversation_id
    world.text(number, "START")
    world.text(number, "HELP")
    assert answers(world, conversation_id, "help_reply") == ["suppressed", "delivered"]


def test_of_many_helps_at_once_one_is_answered(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "hi").conversation_id
    threads = [threading.Thread(target=lambda: world.text(number, "HELP")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers(world, conversation_id, "help_reply") == ["delivered"]


def test_five_opt_outs_and_opt_ins_a_day_are_answered_and_every_one_counts(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "hi").conversation_id
    contact_id = world.contact_id(number)
    for turn in range(7):
        for word, status in (("STOP", "opted_out"), ("START", "opted_in")):
            received = world.text(number, word)
            assert world.status(contact_id) == status
            assert (received.reply_id is not None) == (turn < 5), (turn, word)
    last = [m for m in world.messages(conversation_id) if m.direction == "inbound"][-1]
    assert "opted out and in 5 times here within a day" in last.detail
    assert len(world.history(contact_id)) == 15
    for kind in ("opt_out_reply", "opt_in_reply"):
        assert answers(world, conversation_id, kind) == ["delivered"] * 5
    assert world.text(number, "STOP", world.personal).reply_id is not None
    world.text(number, "START")
    time_passes(world, conversation_id, timedelta(days=1))
    assert world.text(number, "STOP").reply_id is not None


def test_a_confirmation_is_never_held_back_by_other_answers(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "HELP")
    world.text(number, "HELP")
    received = world.text(number, "STOP")
    assert world.messages(received.conversation_id)[-1].state == "delivered"
