"""Texts going out, and the two moments at which consent is asked: when composing and when sending.

A text goes out exactly once although its worker may die at any moment: it is committed as `sending` under a
key of its own (leaving.py), then its carrier is called; a text that is found in `sending` later is one whose
fate the carrier is asked for before it may go again. A carrier that was too busy to take it is asked again
later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import current_app
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars, followers, holding, outcomes, trying_again
from cadence_app.messaging.calling import call
from cadence_app.messaging.carriers.of_inbox import lasting_provider_of
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.leaving import leave
from cadence_app.messaging.media.links import urls_of
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState, Unsent
from cadence_app.messaging.providers.base import CannotTell, Outgoing, Sent
from cadence_app.work.leases import held

# Ten segments of a text in GSM-7, the most that carriers will join.
MAX_BODY_LENGTH = 1530


def refusal(
    inbox: Inbox, contact_id: int, kind: MessageKind, *, by_hand: bool = True, lock: bool = False
) -> str | None:
    """Why a text of this kind may not go from this inbox to this contact (consent/may_text.py), in words for
    an agent, or None. `lock` as in bars.ask()."""
    bar = bars.ask(inbox, contact_id, bars.kind_of(kind, by_hand=by_hand), lock=lock).bar
    return bars.words_of(bar, inbox) if bar else None


def number_of(contact_id: int) -> str:
    """The number that a contact is texted at, as it is now."""
    return db.session.scalars(select(Contact.number).where(Contact.id == contact_id)).one()


def compose(user: User, conversation: Conversation, body: str, seen_id: int | None = None) -> Message:
    """A user's text: queued, held for as long as they may take it back, or suppressed with the reason in its
    `detail`. It answers what came until the text that they saw last, and everything where that is None. The
    caller holds the contact, commits and, for a queued one, calls jobs.dispatch()."""
    bar = bars.ask(conversation.inbox, conversation.contact_id, Kind.BY_HAND).bar
    message = written(conversation.inbox, body, user.id, bar, by_hand=True)
    if bar is None:
        holding.hold(user, conversation, message)
    seen = (Message.conversation_id == conversation.id, Message.id == seen_id)
    seen_at = db.session.scalar(select(Message.created_at).where(*seen)) if seen_id else None
    return add_message(conversation, message, seen_at)


def written(inbox: Inbox, body: str, user_id: int, bar: Bar | None, *, by_hand: bool) -> Message:
    """A user's text, to be added to a conversation: queued, or suppressed by a bar."""
    return Message(
        direction=Direction.OUTBOUND,
        body=body,
        user_id=user_id,
        by_hand=by_hand,
        state=MessageState.SUPPRESSED if bar else MessageState.QUEUED,
        detail=bars.words_of(bar, inbox) if bar else "",
        unsent_reason=bar,
    )


def deliver(message_id: int) -> bool:
    """Sends one queued text at once, unless consent or time is against it by now, and commits. (The worker
    takes many: sender.py.)

    False, and it is left alone, where another worker holds it, it is not queued any more, its time has not
    come or an earlier one of its conversation must go first.
    """
    message = db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED, holding.in_turn())
        .with_for_update(skip_locked=True, of=Message)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None:
        db.session.rollback()
        return False
    _leave_now(message)
    return True


def _leave_now(message: Message) -> None:
    """Has a text go that the transaction holds, in this thread, and commits."""
    leaving = leave(message.conversation.inbox, [message])
    db.session.commit()
    outcomes.note([call(each) for each in leaving])


def hand_over_again(message_id: int, stopped: str = "", goes_on: Callable[[], bool] = lambda: True) -> bool:
    """Deals with a claimed text whose worker is gone, and commits: the carrier is asked whether it went. If
    it did not it goes now, or is suppressed because its campaign was cancelled, as `stopped` says. Where the
    carrier can't tell, its events may; if they don't it is failed after a while, for a text that goes twice
    is worse than one that does not go. False where it is not `sending`, or somebody else is about it, and
    where it did not go and must not now: `goes_on` says so, asked before the text is held again.
    """
    with held(f"text {message_id}") as mine:
        message = _claimed(message_id) if mine else None
        if message is None:
            db.session.rollback()
            return False
        fate = _fate(message)
        going_again = fate is None and not stopped
        message = _claimed(message_id) if not going_again or goes_on() else None
        if message is None:
            # Its carrier's post has told meanwhile, or it waits.
            db.session.rollback()
            return False
        if isinstance(fate, Sent):
            outcomes.note_sent(message, fate)
        elif isinstance(fate, timedelta):
            trying_again.ask_later(message, fate)
        elif stopped:
            message.end(MessageState.SUPPRESSED, Unsent.CANCELLED, stopped)
        else:
            _leave_now(message)
            return True
        outcomes.ended([message])
        db.session.commit()
        return True


def take_back(message_id: int, why: str) -> None:
    """Lets a cancelled campaign's text that waits to be tried again not go. The caller commits."""
    message = db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message:
        message.end(MessageState.SUPPRESSED, Unsent.CANCELLED, why)
        followers.tell([message])


def _claimed(message_id: int) -> Message | None:
    """A text whose fate is open, held."""
    return db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.SENDING)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _fate(message: Message) -> Sent | timedelta | None:
    """Asks the carrier what became of a text; ends the transaction first. None only where it surely did not
    go; where nobody can tell, for how long it is asked about."""
    inbox, message_id = message.conversation.inbox, message.id
    others = select(Message.provider_message_id).where(
        Message.conversation_id == message.conversation_id, Message.provider_message_id.is_not(None)
    )
    known = {provider_id for provider_id in db.session.scalars(others) if provider_id}
    text = _outgoing(message)
    try:
        provider = lasting_provider_of(inbox)
        db.session.commit()
        return provider.find(text, known)
    except CannotTell:
        return trying_again.EVENTS_WITHIN
    except Exception:
        current_app.logger.exception("nobody can tell whether text %s went", message_id)
        return trying_again.ASKED_FOR


def _outgoing(message: Message) -> Outgoing:
    conversation = message.conversation
    return Outgoing(
        conversation.inbox.number,
        message.other_number or number_of(conversation.contact_id),
        message.body,
        message.send_key or f"text-{message.id}",
        message.sending_since,
        urls_of(message),
    )
