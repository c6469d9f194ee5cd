"""A text of ours on its way out: a stop that comes first wins, and a carrier may not take it."""

from __future__ import annotations

import threading

from sqlalchemy import update

from cadence_app.accounts.models import User
from cadence_app.consent import blocks
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import BlockScope
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.messaging.sending import compose, deliver
from tests.messaging.words import inbox_of
from tests.world import World, new_number


def test_a_stop_between_composing_and_sending_wins_and_the_text_is_kept_as_suppressed(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    with world.session():
        conversation = conversation_with(inbox_of(world.shared), contact_id)
        message = compose(db.session.get_one(User, world.agent_id), conversation, "See you at ten!")
        db.session.commit()
        message_id, state = message.id, message.state
    world.text(number, "STOP")
    with world.session():
        deliver(message_id)
        late = db.session.get_one(Message, message_id)
        assert (state, late.state) == (MessageState.QUEUED, MessageState.SUPPRESSED)
        assert "opted out" in late.detail


def test_composing_to_an_opted_out_contact_is_recorded_as_suppressed(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    with world.session():
        conversation = conversation_with(inbox_of(world.shared), world.contact_id(number))
        message = compose(db.session.get_one(User, world.agent_id), conversation, "Hello?")
        db.session.commit()
        assert (message.state, message.body) == (MessageState.SUPPRESSED, "Hello?")


def test_a_text_waits_for_a_stop_to_another_teams_personal_inbox_and_then_does_not_go(world: World) -> None:
    number = new_number()
    for inbox in (world.personal, world.other_personal):
        world.text(number, "hi", inbox)
    contact_id = world.contact_id(number)
    with world.session():
        conversation = conversation_with(inbox_of(world.other_personal), contact_id)
        message = compose(db.session.get_one(User, world.admin_id), conversation, "See you!")
        db.session.commit()
        message_id = message.id
    with world.session():
        lock_contacts([contact_id])
        sender = threading.Thread(target=_deliver, args=(world, message_id))
        sender.start()
        # The STOP is read, and not yet committed, while the text is on its way out.
        blocks.block(contact_id, BlockScope.PERSONAL)
        sender.join(0.5)
        assert sender.is_alive()
        db.session.commit()
        sender.join()
        assert db.session.get_one(Message, message_id).state == MessageState.SUPPRESSED


def _deliver(world: World, message_id: int) -> None:
    with world.session():
        deliver(message_id)


def test_a_text_the_carrier_does_not_take_fails_and_is_not_tried_for_ever(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    with world.session():
        # No provider has this name: sending raises as one that is out of reach does.
        db.session.execute(update(Inbox).where(Inbox.number == world.shared).values(provider="gone"))
        conversation = db.session.get_one(Conversation, received.conversation_id)
        message = compose(db.session.get_one(User, world.agent_id), conversation, "Hello")
        db.session.commit()
        message_id = message.id
    _deliver(world, message_id)
    last = world.messages(received.conversation_id)[-1]
    assert (last.state, last.detail) == (
        MessageState.FAILED,
        "The settings of this inbox's carrier can't be used.",
    )
