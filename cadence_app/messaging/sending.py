"""Texts going out, and the two moments at which consent is asked: when composing and when sending.

A text of a campaign goes out exactly once although its worker may die at any moment: claim_text() commits it
as `sending` under a key of its own, then hand_over() calls the carrier; a text that is found in `sending`
later is one whose fate the carrier is asked for, by the key, before it may go again.
"""

from __future__ import annotations

import uuid

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, possible
from cadence_app.consent import service as consent
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import BlockScope
from cadence_app.extensions import db
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.models import (
    Conversation,
    Direction,
    Inbox,
    Message,
    MessageKind,
    MessageState,
)
from cadence_app.messaging.providers import provider_named
from cadence_app.messaging.providers.base import Sent

# Ten segments of a text in GSM-7, the most that carriers will join.
MAX_BODY_LENGTH = 1530
HELD = "Held: the contact's words may be an opt out, and nobody has decided yet."
_LOST_SIGHT = "Cadence was stopped while handing it over, and the carrier can't tell whether it went."


def refusal(
    inbox: Inbox, contact_id: int, kind: MessageKind, *, by_hand: bool = True, lock: bool = False
) -> str | None:
    """Why a text of this kind may not go from this inbox to this contact, in words for an agent, or None.
    A possible opt out holds all but what a person sends by hand.

    With `lock` nothing that this rests on can change before the transaction ends: whoever changes a contact's
    status, blocks or flags holds the contact first.
    """
    if lock:
        lock_contacts([contact_id])
    stored = consent.consent_of(contact_id, inbox.team_id)
    scopes = {(block.scope, block.inbox_id) for block in blocks.blocks_of(contact_id)}
    if (BlockScope.CARRIER_NUMBER, inbox.id) in scopes:
        return "The toll-free network blocks this number until the contact texts START or UNSTOP to it."
    if kind == MessageKind.OPT_OUT_REPLY:
        return None if stored and stored.opted_out else "The contact has opted in again since."
    if stored is None:
        return f"The contact is not in {inbox.team.name}."
    if stored.opted_out:
        return f"The contact is opted out of {inbox.team.name}."
    if inbox.personal and (BlockScope.PERSONAL, None) in scopes:
        return (
            "The contact opted out by a text to a personal inbox, so no personal inbox may text them until "
            "they text START to one. Shared inboxes may."
        )
    if not (by_hand and kind == MessageKind.PERSON) and possible.open_flag(contact_id, inbox.team_id):
        return HELD
    return None


def compose(user: User, conversation: Conversation, body: str) -> Message:
    """A user's text: queued, or suppressed with the reason in its `detail`. The caller commits and, for a
    queued one, calls jobs.dispatch()."""
    why_not = refusal(conversation.inbox, conversation.contact_id, MessageKind.PERSON)
    return add_message(
        conversation,
        Message(
            direction=Direction.OUTBOUND,
            body=body,
            user_id=user.id,
            state=MessageState.SUPPRESSED if why_not else MessageState.QUEUED,
            detail=why_not or "",
        ),
    )


def deliver(message_id: int) -> None:
    """Sends a queued text, unless consent or time is against it by now, and commits.

    A text that another worker holds, or that is not queued any more, is left alone. The status is held
    while the provider is called, so a STOP comes either before the text or after it.
    """
    message = db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if message is None:
        return
    _send_or_say_why(message)
    db.session.commit()


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
            state=MessageState.FAILED if why_not else MessageState.SENDING,
            detail=why_not,
        ),
    )


def hand_over(message_id: int) -> Message | None:
    """Sends a text that this worker has just claimed, unless consent is against it by now. The caller
    commits. None where it is not `sending` any more."""
    message = _claimed(message_id)
    if message:
        _send_or_say_why(message)
    return message


def hand_over_again(message_id: int, stopped: str = "") -> Message | None:
    """Deals with a claimed text whose worker is gone, while nobody else works on its campaign: the carrier is
    asked whether it went. If it did not it goes now, or is suppressed because it was `stopped` meanwhile. A
    carrier that can't tell leaves it failed, for a text that goes twice is worse than one that does not go.
    """
    message = _claimed(message_id)
    if message and not _settled_by_carrier(message):
        if stopped:
            message.state, message.detail = MessageState.SUPPRESSED, stopped
        else:
            _send_or_say_why(message)
    return message


def _claimed(message_id: int) -> Message | None:
    return db.session.scalars(
        select(Message)
        .where(Message.id == message_id, Message.state == MessageState.SENDING)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _settled_by_carrier(message: Message) -> bool:
    """Asks what became of a text; whether that is known now, or never will be."""
    inbox, contact = message.conversation.inbox, message.conversation.contact
    try:
        sent = provider_named(inbox.provider).find(inbox.number, contact.number, message.send_key or "")
    except Exception:
        current_app.logger.exception("nobody can tell whether text %s went", message.id)
        message.state, message.detail = MessageState.FAILED, _LOST_SIGHT
        return True
    if sent:
        _note_sent(message, sent)
    return sent is not None


def _send_or_say_why(message: Message) -> None:
    """Sends a text that this transaction holds, or notes why it does not go. The status is held from here to
    the transaction's end, so a STOP comes either before the text or after it."""
    conversation = message.conversation
    inbox, contact = conversation.inbox, conversation.contact
    now = db.session.scalars(select(func.clock_timestamp())).one()
    why_not = refusal(inbox, contact.id, MessageKind(message.kind), by_hand=message.by_hand, lock=True)
    if message.expires_at and message.expires_at < now:
        message.state = MessageState.DROPPED
        message.detail = "Dropped: it could not go within five minutes."
    elif why_not:
        message.state, message.detail = MessageState.SUPPRESSED, why_not
    else:
        _send(message, inbox, contact.number)


def _send(message: Message, inbox: Inbox, number: str) -> None:
    key = message.send_key or f"text-{message.id}"
    try:
        sent = provider_named(inbox.provider).send(inbox.number, number, message.body, key)
    except Exception:
        # Whether it went is unknown, and a text that goes twice is worse than one that an agent sends again.
        current_app.logger.exception("text %s was not taken", message.id)
        message.state, message.detail = MessageState.FAILED, "The carrier did not take it."
        return
    _note_sent(message, sent)


def _note_sent(message: Message, sent: Sent) -> None:
    message.state, message.detail = MessageState.DELIVERED, ""
    message.provider_message_id, message.provider_at = sent.provider_message_id, sent.delivered_at
