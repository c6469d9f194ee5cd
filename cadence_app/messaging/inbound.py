"""What happens when a contact texts an inbox: the one way in, for carriers and the simulator alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent import service as consent
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.auto_replies import CONFIRM_WITHIN, KINDS, text_of
from cadence_app.messaging.models import (
    Conversation,
    Direction,
    Inbox,
    Message,
    MessageState,
)
from cadence_app.messaging.providers import provider_named
from cadence_app.tenancy import use_tenant

_FIND_INBOX = text("SELECT tenant_id, inbox_id FROM find_inbox(:number)")


class UnknownInbox(LookupError):
    """No inbox has this number."""


@dataclass(frozen=True)
class Received:
    """Where a text went. `reply_id` is the automatic answer that waits to be delivered, if there is one."""

    tenant_id: int
    conversation_id: int
    message_id: int
    duplicate: bool
    reply_id: int | None


def receive_text(
    inbox_number: str, from_number: str, body: str, provider_message_id: str, received_at: datetime
) -> Received:
    """Takes one text in: contact, conversation, message, consent and automatic answer, in one transaction,
    which it commits. Numbers are E.164; `received_at` is the provider's (UTC).

    A provider message id that the inbox has already is the same text: nothing happens again. Errors:
    UnknownInbox.
    """
    found = db.session.execute(_FIND_INBOX, {"number": inbox_number}).one_or_none()
    if found is None:
        raise UnknownInbox(inbox_number)
    use_tenant(found.tenant_id)
    inbox = db.session.get_one(Inbox, found.inbox_id)
    contact_id = _contact(inbox, from_number)
    # Texts of one contact wait for each other here, so a repeated one sees the first.
    lock_contacts([contact_id])
    known = db.session.scalars(
        select(Message).where(
            Message.inbox_id == inbox.id, Message.provider_message_id == provider_message_id
        )
    ).one_or_none()
    if known:
        db.session.commit()
        return Received(inbox.tenant_id, known.conversation_id, known.id, duplicate=True, reply_id=None)

    conversation = conversation_with(inbox, contact_id)
    message = add_message(
        conversation,
        Message(
            direction=Direction.INBOUND,
            body=body,
            state=MessageState.RECEIVED,
            provider_message_id=provider_message_id,
            provider_at=received_at,
        ),
    )
    conversation.unread = Conversation.unread + 1
    reading = consent.read_text(
        consent.Arrival(
            contact_id=contact_id,
            team_id=inbox.team_id,
            inbox_id=inbox.id,
            message_id=message.id,
            words=body,
            personal=inbox.personal,
            toll_free=consent.is_toll_free(inbox.number),
        )
    )
    message.detail = reading.note
    reply = _answer(inbox, conversation, reading)
    db.session.commit()
    return Received(
        inbox.tenant_id, conversation.id, message.id, duplicate=False, reply_id=reply.id if reply else None
    )


def conversation_with(inbox: Inbox, contact_id: int) -> Conversation:
    """The conversation between an inbox and a contact, made where there is none."""
    db.session.execute(
        upsert(Conversation)
        .values(
            tenant_id=inbox.tenant_id,
            inbox_id=inbox.id,
            contact_id=contact_id,
            last_message_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing(index_elements=["inbox_id", "contact_id"])
    )
    return db.session.scalars(
        select(Conversation).where(Conversation.inbox_id == inbox.id, Conversation.contact_id == contact_id)
    ).one()


def add_message(conversation: Conversation, message: Message) -> Message:
    """Puts a new text into a conversation and moves that to the top of its inbox."""
    message.tenant_id = conversation.tenant_id
    message.inbox_id = conversation.inbox_id
    message.conversation_id = conversation.id
    db.session.add(message)
    conversation.last_message_at = func.clock_timestamp()
    conversation.last_message_text = message.body
    db.session.flush()
    return message


def _contact(inbox: Inbox, number: str) -> int:
    by_number = select(Contact.id).where(Contact.number == number)
    contact_id = db.session.scalar(by_number)
    if contact_id is None:
        db.session.execute(
            upsert(Contact)
            .values(tenant_id=inbox.tenant_id, number=number, first_name="", last_name="", external_id="")
            .on_conflict_do_nothing(index_elements=["tenant_id", "number"])
        )
        contact_id = db.session.scalars(by_number).one()
    return contact_id


def _answer(inbox: Inbox, conversation: Conversation, reading: consent.Reading) -> Message | None:
    """The automatic answer to a keyword: one to a change of status, and one to each call for help."""
    if reading.keyword is None:
        return None
    meaning = reading.keyword.meaning
    if meaning != Meaning.HELP and not reading.changed:
        return None
    reply = Message(
        direction=Direction.OUTBOUND,
        kind=KINDS[meaning],
        body=text_of(inbox.team, meaning),
        state=MessageState.QUEUED,
    )
    stored = consent.consent_of(conversation.contact_id, inbox.team_id)
    if provider_named(inbox.provider).answers_keywords:
        reply.state, reply.detail = MessageState.SUPPRESSED, "Skipped: the carrier answers this word itself."
    elif meaning == Meaning.HELP and stored and stored.status == Status.OPTED_OUT:
        reply.state, reply.detail = (
            MessageState.SUPPRESSED,
            "Not sent: the contact is opted out of this team.",
        )
    elif meaning == Meaning.OUT:
        reply.expires_at = func.clock_timestamp() + CONFIRM_WITHIN
    add_message(conversation, reply)
    return reply if reply.state == MessageState.QUEUED else None
