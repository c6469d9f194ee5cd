"""Texts going out, and the two moments at which consent is asked: when composing and when sending."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, possible
from cadence_app.consent import service as consent
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import BlockScope
from cadence_app.contacts.models import Contact
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

# Ten segments of a text in GSM-7, the most that carriers will join.
MAX_BODY_LENGTH = 1530


def refusal(inbox: Inbox, contact_id: int, kind: MessageKind, *, lock: bool = False) -> str | None:
    """Why a text of this kind may not go from this inbox to this contact, in words for an agent, or None.

    With `lock` nothing that this rests on can change before the transaction ends: whoever changes a contact's
    status, blocks or flags holds the contact first.
    """
    if lock:
        lock_contacts([contact_id])
    if inbox.closed_at:
        return "This inbox is closed: it takes texts in and sends none."
    if kind != MessageKind.OPT_OUT_REPLY and inbox.team.tenant.suspended_at:
        return "The organisation is suspended. Only the confirmation of an opt out goes out."
    stored = consent.consent_of(contact_id, inbox.team_id)
    number = number_of(contact_id)
    barred = [block for block in blocks.blocks_of(contact_id) if block.number in {"", number}]
    scopes = {(block.scope, block.inbox_id) for block in barred}
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
    if kind != MessageKind.PERSON and possible.open_flag(contact_id, inbox.team_id):
        return "Held: the contact's words may be an opt out, and nobody has decided yet."
    return None


def number_of(contact_id: int) -> str:
    """The number that a contact is texted at, as it is now."""
    return db.session.scalars(select(Contact.number).where(Contact.id == contact_id)).one()


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
    conversation = message.conversation
    inbox, contact = conversation.inbox, conversation.contact
    now = db.session.scalars(select(func.clock_timestamp())).one()
    why_not = refusal(inbox, contact.id, MessageKind(message.kind), lock=True)
    if message.expires_at and message.expires_at < now:
        message.state = MessageState.DROPPED
        message.detail = "Dropped: it could not go within five minutes."
    elif why_not:
        message.state, message.detail = MessageState.SUPPRESSED, why_not
    else:
        _send(message, inbox, message.other_number or number_of(contact.id))
    db.session.commit()


def _send(message: Message, inbox: Inbox, number: str) -> None:
    try:
        sent = provider_named(inbox.provider).send(inbox.number, number, message.body)
    except Exception:
        # Whether it went is unknown, and a text that goes twice is worse than one that an agent sends again.
        current_app.logger.exception("text %s was not taken", message.id)
        message.state, message.detail = MessageState.FAILED, "The carrier did not take it."
        return
    message.state = MessageState.DELIVERED
    message.provider_message_id, message.provider_at = sent.provider_message_id, sent.delivered_at
