"""What has texts go: the sender is woken for those that are queued; sweeps find what else is due."""

from __future__ import annotations

from cadence_app.messaging import sender
from cadence_app.messaging.answering import wake
from cadence_app.messaging.holding import LOST_SIGHT_OF
from cadence_app.messaging.later import take_up
from cadence_app.messaging.models import Message
from cadence_app.messaging.sending import hand_over_again
from cadence_app.work.sweeps import sweep


def dispatch(message_id: int | None) -> None:
    """Has a text looked at that is committed, if there is one. Without Redis that is a moment later."""
    if message_id is not None:
        sender.wake()


def dispatch_pressed(message: Message) -> None:
    """The same of a text that somebody has just pressed Send for, unless it is held."""
    if message.held_until is None:
        dispatch(message.id)


@sweep("due_lost_texts", queue="sweeps", late=LOST_SIGHT_OF)
def sweep_lost_texts(tenant_id: int, message_id: int) -> None:
    """Finds out about a text whose worker was lost while it handed it over; a campaign sees to its own. It
    waits for the carrier, so it is a job of its own."""
    if hand_over_again(message_id):
        # Another one of its conversation may have waited for it.
        sender.wake()


# Those that are held, or wait until a gap is read back, stay due: many of those must not hide others.
@sweep("due_later_texts", of_each=1000)
def sweep_later_texts(tenant_id: int, text_id: int) -> None:
    """Sends a text whose time has come."""
    dispatch(take_up(text_id))


@sweep("due_snoozes", of_each=1000)
def wake_snoozed(tenant_id: int, conversation_id: int) -> None:
    """Opens a conversation whose snooze has ended."""
    wake(conversation_id)
