"""Keywords and confirmations that come late: what was said last counts, not what came last."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import func

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, by_user
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.messaging.inbound import Received, receive_text
from cadence_app.messaging.models import Conversation, Message, MessageKind, MessageState
from cadence_app.messaging.sending import deliver
from tests.messaging.words import opt_out_by_hand, replies
from tests.world import World, new_number


def test_a_confirmation_that_could_not_go_within_five_minutes_is_dropped(world: World) -> None:
    number = new_number()
    with world.app.app_context():
        from_phone = world.text(number, "hi")
    with world.session():
        conversation = db.session.get_one(Conversation, from_phone.conversation_id)
        late = Message(
            tenant_id=world.tenant_id,
            conversation_id=conversation.id,
            inbox_id=conversation.inbox_id,
            direction="outbound",
            kind=MessageKind.OPT_OUT_REPLY,
            body="You are opted out.",
            state=MessageState.QUEUED,
            expires_at=func.now() - timedelta(seconds=1),
        )
        db.session.add(late)
        db.session.commit()
        deliver(late.id)
        assert (late.state, late.detail) == (
            MessageState.DROPPED,
            "Dropped: it could not go within five minutes.",
        )


def _sent_earlier(world: World, number: str, body: str, minutes: int) -> Received:
    """A text that the provider received that long ago and brings only now."""
    with world.app.app_context():
        sent_at = datetime.now(UTC) - timedelta(minutes=minutes)
        received = receive_text(world.shared, number, body, str(uuid.uuid4()), sent_at)
        if received.reply_id:
            deliver(received.reply_id)
        return received


def test_a_start_sent_before_the_last_stop_but_brought_after_it_changes_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    late = _sent_earlier(world, number, "START", minutes=5)
    assert world.status(world.contact_id(number)) == "opted_out"
    assert "changes nothing" in world.messages(late.conversation_id)[-1].detail
    world.text(number, "START")
    assert world.status(world.contact_id(number)) == "opted_in"


def test_a_stop_brought_late_opts_out_and_its_five_minutes_run_from_when_it_was_sent(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    late = _sent_earlier(world, number, "STOP", minutes=180)
    assert world.status(world.contact_id(number)) == "opted_out"
    assert replies(world, late.conversation_id) == [("opt_out_reply", "dropped")]


def test_a_confirmation_that_a_start_overtook_does_not_go(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    with world.app.app_context():
        stop = receive_text(world.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC))
        receive_text(world.shared, number, "START", str(uuid.uuid4()), datetime.now(UTC))
        assert stop.reply_id
        deliver(stop.reply_id)
    assert replies(world, stop.conversation_id)[0] == ("opt_out_reply", "suppressed")


def _late(world: World, number: str, body: str, minutes: int, inbox: str) -> Received:
    """A text that the provider had so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    with world.app.app_context():
        return receive_text(inbox, number, body, str(uuid.uuid4()), at)


def test_a_start_from_before_a_user_opted_them_out_changes_nothing(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    opt_out_by_hand(world, contact_id)
    received = _late(world, number, "START", 1, world.shared)
    assert world.status(contact_id) == "opted_out"
    assert "before they were opted out" in world.messages(received.conversation_id)[-1].detail


def test_a_start_from_before_words_that_bar_more_than_a_team_leaves_the_bar(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    world.text(number, "STOPALL", world.other_personal)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_IN, "Asked at the desk.")
        db.session.commit()
    _late(world, number, "START", 1, world.personal)
    with world.session():
        assert {each.scope for each in blocks.blocks_of(contact_id)} == {"organisation", "personal"}


def test_stop_and_start_that_both_come_late_count_in_the_order_they_were_said(world: World) -> None:
    number = new_number()
    _late(world, number, "STOPALL", 10, world.personal)
    _late(world, number, "START", 5, world.personal)
    contact_id = world.contact_id(number)
    assert world.status(contact_id) == "opted_in"
    with world.session():
        assert blocks.blocks_of(contact_id) == []
