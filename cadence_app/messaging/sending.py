"""Texts going out, and the two moments at which consent is asked: when composing and when sending.

A text goes out exactly once although its worker may die at any moment: it is committed as `sending` under a
key of its own, then hand_over() calls the carrier; a text that is found in `sending` later is one whose fate
the carrier is asked for before it may go again. A carrier that was too busy to take it is asked again later.
"""

from __future__ import annotations

import uuid

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering, bars, followers, holding, trying_again
from cadence_app.messaging.carriers.of_inbox import provider_of
from cadence_app.messaging.carriers.scopes import note_block
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.media.links import urls_of
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState, Unsent
from cadence_app.messaging.providers.base import CannotTell, NotTaken, Outgoing, Refused, Sent
from cadence_app.vault import Unreadable

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
    """Sends a queued text, unless consent or time is against it by now, and commits.

    False, and it is left alone, where another worker holds it, it is not queued any more, its time has not
    come or an earlier one of its conversation must go first. The status is held while the provider is called,
    so a STOP comes either before the text or after it.
    """
    message = db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED, holding.in_turn())
        .with_for_update(skip_locked=True, of=Message)
    ).one_or_none()
    if message is None:
        db.session.rollback()
        return False
    message.state, message.sending_since = MessageState.SENDING, func.clock_timestamp()
    message.next_attempt_at = None
    message.send_key = message.send_key or str(uuid.uuid4())
    db.session.commit()
    hand_over(message_id)
    db.session.commit()
    return True


def claim_text(
    conversation: Conversation, body: str, user_id: int, campaign_id: int, why_not: str = ""
) -> Message:
    """A campaign's text, for hand_over(); or kept as failed where `why_not` says so. The caller commits it
    first, so that a crash leaves the key to ask the carrier by."""
    return add_message(
        conversation,
        Message(
            direction=Direction.OUTBOUND,
            body=body,
            user_id=user_id,
            campaign_id=campaign_id,
            by_hand=False,
            send_key=str(uuid.uuid4()),
            sending_since=func.clock_timestamp(),
            state=MessageState.FAILED if why_not else MessageState.SENDING,
            detail=why_not,
            unsent_reason=Unsent.NO_TEXT if why_not else None,
        ),
    )


def hand_over(message_id: int) -> Message | None:
    """Sends a text that this worker has just claimed, unless consent is against it by now. The caller
    commits. None where it is not `sending` any more."""
    message = _claimed(message_id)
    if message:
        _send_or_say_why(message)
        _ended(message)
    return message


def hand_over_again(message_id: int, stopped: str = "") -> Message | None:
    """Deals with a claimed text whose worker is gone: the carrier is asked whether it went. If it did not it
    goes now, or is suppressed because its campaign was cancelled, as `stopped` says. Where the carrier can't
    tell, its events may; if they don't it is failed after a while, for a text that goes twice is worse than
    one that does not go. The caller commits.
    """
    message = _claimed(message_id)
    if message and not _settled_by_carrier(message):
        if stopped:
            message.end(MessageState.SUPPRESSED, Unsent.CANCELLED, stopped)
        else:
            _send_or_say_why(message)
    if message:
        _ended(message)
    return message


def _ended(message: Message) -> None:
    """Tells of what has become of a text; one that answered and does not go has answered nothing."""
    answering.unanswered(message)
    followers.tell(message)


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
        followers.tell(message)


def _claimed(message_id: int) -> Message | None:
    return db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.SENDING)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _settled_by_carrier(message: Message) -> bool:
    """Asks what became of a text; False only where it surely did not go."""
    inbox = message.conversation.inbox
    others = select(Message.provider_message_id).where(
        Message.conversation_id == message.conversation_id, Message.provider_message_id.is_not(None)
    )
    known = {provider_id for provider_id in db.session.scalars(others) if provider_id}
    try:
        sent = provider_of(inbox).find(_outgoing(message), known)
    except CannotTell:
        trying_again.ask_later(message, trying_again.EVENTS_WITHIN)
        return True
    except Exception:
        current_app.logger.exception("nobody can tell whether text %s went", message.id)
        trying_again.ask_later(message, trying_again.ASKED_FOR)
        return True
    if sent:
        note_sent(message, sent)
    return sent is not None


def _send_or_say_why(message: Message) -> None:
    """Sends a text that this transaction holds, or notes why it does not go. The status is held from here to
    the transaction's end, so a STOP comes either before the text or after it."""
    conversation = message.conversation
    inbox = conversation.inbox
    if message.expires_at and message.expires_at < db.session.scalars(select(func.clock_timestamp())).one():
        message.end(MessageState.DROPPED, Unsent.TOO_LATE, "Dropped: it could not go within five minutes.")
        return
    bar = bars.ask(
        inbox,
        conversation.contact_id,
        bars.kind_of(message.kind, by_hand=message.by_hand),
        number=message.other_number,
        confirms_team_id=message.confirms_team_id,
        lock=True,
    ).bar
    if bar:
        message.end(MessageState.SUPPRESSED, Unsent(bar), bars.words_of(bar, inbox))
    else:
        _send(message, inbox)


def _send(message: Message, inbox: Inbox) -> None:
    message.attempts += 1
    try:
        sent = provider_of(inbox).send(_outgoing(message))
    except Refused as refusal:
        message.end(MessageState.FAILED, Unsent.CARRIER_REFUSED, refusal.words)
        message.failure_code = refusal.code
        if refusal.blocks:
            note_block(inbox, message.conversation.contact_id, _number_of(message))
    except NotTaken as busy:
        current_app.logger.warning("text %s was not taken: %s", message.id, busy)
        trying_again.try_later(message, busy.wait_seconds)
    except (KeyError, Unreadable):
        current_app.logger.exception("text %s has no carrier", message.id)
        words = "The settings of this inbox's carrier can't be used."
        message.end(MessageState.FAILED, Unsent.CARRIER_UNUSABLE, words)
    except Exception:
        # Whether it went is unknown: it stays as it is until the carrier is asked.
        current_app.logger.exception("it is unknown whether text %s went", message.id)
    else:
        note_sent(message, sent)


def _outgoing(message: Message) -> Outgoing:
    conversation = message.conversation
    return Outgoing(
        conversation.inbox.number,
        _number_of(message),
        message.body,
        message.send_key or f"text-{message.id}",
        message.sending_since,
        urls_of(message),
    )


def _number_of(message: Message) -> str:
    """The number a text goes to: the contact's, or another one of theirs that it answers."""
    return message.other_number or number_of(message.conversation.contact_id)


def note_sent(message: Message, sent: Sent) -> None:
    """Notes the receipt of a text that the carrier has taken."""
    message.state = MessageState.DELIVERED if sent.delivered_at else MessageState.SENT
    message.detail, message.unsent_reason = "", None
    message.provider_message_id = sent.provider_message_id
    message.provider_at = sent.delivered_at
