"""Texts on the queue. The queued row in PostgreSQL is the record; a job only hastens it."""

from __future__ import annotations

from datetime import timedelta

from cadence_app.extensions import db
from cadence_app.messaging import holding
from cadence_app.messaging.answering import wake
from cadence_app.messaging.holding import LOST_SIGHT_OF
from cadence_app.messaging.later import take_up
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sending import deliver, hand_over_again
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep

# A text that is still queued after this long has lost its job.
_OVERDUE = timedelta(seconds=20)


@job("texts")
def deliver_text(tenant_id: int, message_id: int) -> None:
    use_tenant(tenant_id)
    _deliver(tenant_id, message_id)


def dispatch(tenant_id: int, message_id: int | None) -> None:
    """Queues a text's delivery. Without Redis it stays queued in the database until the sweep."""
    if message_id is not None:
        deliver_text.put(f"text-{message_id}", tenant_id, message_id)


def dispatch_pressed(message: Message) -> None:
    """Queues the delivery of a text that somebody has just pressed Send for, unless it is held: its time is
    the clock's (waking.py)."""
    if message.held_until is None:
        dispatch(message.tenant_id, message.id)


def dispatch_next(tenant_id: int, conversation_id: int, message_id: int) -> None:
    """Queues the typed text that waited behind one that has gone, or was taken back, if its time has come."""
    following = holding.next_in_line(conversation_id, message_id)
    db.session.rollback()
    dispatch(tenant_id, following)


def _deliver(tenant_id: int, message_id: int) -> None:
    if deliver(message_id):
        message = db.session.get_one(Message, message_id)
        dispatch_next(tenant_id, message.conversation_id, message_id)


@sweep("due_texts", queue="sweeps", late=_OVERDUE, given=lambda: {"lost_sight_of": LOST_SIGHT_OF})
def sweep_texts(tenant_id: int, message_id: int) -> None:
    """Delivers a text whose job was lost or whose carrier was busy, and finds out about one whose worker was
    lost while it handed it over; a campaign sees to its own. It waits for the carrier, so it is a job of its
    own."""
    message = db.session.get(Message, message_id, populate_existing=True)
    if message is not None:
        if message.state == MessageState.QUEUED:
            _deliver(tenant_id, message_id)
        elif hand_over_again(message_id):
            conversation_id = message.conversation_id
            db.session.commit()
            dispatch_next(tenant_id, conversation_id, message_id)


# Those that are held, or wait until a gap is read back, stay due: many of those must not hide others.
@sweep("due_later_texts", of_each=1000)
def sweep_later_texts(tenant_id: int, text_id: int) -> None:
    """Sends a text whose time has come."""
    dispatch(tenant_id, take_up(text_id))


@sweep("due_snoozes", of_each=1000)
def wake_snoozed(tenant_id: int, conversation_id: int) -> None:
    """Opens a conversation whose snooze has ended."""
    wake(conversation_id)
