"""What happens when a contact texts an inbox: the one way in, for carriers and the simulator alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts.models import Team
from cadence_app.consent import service as consent
from cadence_app.consent import team_only
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.ledger import lock_contacts
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.contacts.service import contact_with
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answer_limits
from cadence_app.messaging.auto_replies import CONFIRM_WITHIN, KINDS, confirmation_of, text_of
from cadence_app.messaging.beside import beside
from cadence_app.messaging.conversations import add_message, conversation_with
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MediaState
from cadence_app.messaging.media.service import Came, note_came
from cadence_app.messaging.models import Conversation, Direction, Message, MessageState, Unsent
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import use_tenant

_FIND_INBOX = text("SELECT tenant_id, inbox_id FROM find_inbox(:number)")


class UnknownInbox(LookupError):
    """No inbox has this number."""


@dataclass(frozen=True)
class Received:
    """Where a text went. `reply_id` is the automatic answer that waits to be delivered, if there is one, and
    `media_ids` are the files that wait to be fetched."""

    tenant_id: int
    conversation_id: int
    message_id: int
    duplicate: bool
    reply_id: int | None
    media_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class CarrierSays:
    """What the inbox's carrier took a text for and has acted on and answered by itself, whether it lifts a
    block of its own for this text, and the ids of the inboxes that share the scope of what it blocks."""

    acted: Meaning | None = None
    lifts: bool = False
    inbox_ids: tuple[int, ...] = ()


_NOTHING_SAID = CarrierSays()
# A confirmation that the contact may have read.
_GONE_OUT = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED)


def receive_text(
    inbox_number: str,
    from_number: str,
    body: str,
    provider_message_id: str,
    received_at: datetime,
    *,
    carrier: CarrierSays = _NOTHING_SAID,
    media: Sequence[Came] = (),
) -> Received:
    """Takes one text in: contact, conversation, message, files, consent and automatic answer, in one
    transaction, which it commits. Numbers are E.164; `received_at` is the provider's (UTC). A text with files
    may have no words; only words are read for keywords.

    A provider message id that the inbox has already is the same text: nothing happens again. Errors:
    UnknownInbox.
    """
    found = db.session.execute(_FIND_INBOX, {"number": inbox_number}).one_or_none()
    if found is None:
        raise UnknownInbox(inbox_number)
    use_tenant(found.tenant_id)
    inbox = db.session.get_one(Inbox, found.inbox_id)
    # A provider's clock may be ahead of ours; nothing was sent in the future.
    received_at = min(received_at, datetime.now(UTC))
    contact_id, texted = held_contact(inbox, from_number)
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
            other_number=None if texted else from_number,
        ),
    )
    noted = note_came(message, media)
    if noted and not body.strip():
        conversation.last_message_text = kinds.summary([each.content_type for each in noted])
    conversation.unread = Conversation.unread + 1
    reading = consent.read_text(
        consent.Arrival(
            contact_id=contact_id,
            team_id=inbox.team_id,
            inbox_id=inbox.id,
            message_id=message.id,
            words=body,
            personal=inbox.personal,
            toll_free=inbox.toll_free,
            received_at=received_at,
            number=from_number,
            texted=texted,
            carrier_meaning=carrier.acted,
            carrier_lifts=carrier.lifts,
            carrier_inboxes=carrier.inbox_ids,
            answers_team_only=carrier.acted is None and _answers_team_only(inbox, contact_id, body),
            beside=beside(body, inbox.team, conversation),
        )
    )
    message.detail = reading.note or ("" if texted else f"From another number of theirs, {from_number}.")
    limit = answer_limits.limit_of(conversation, reading.answer) if reading.answer else None
    if limit and not carrier.acted:
        message.detail = " ".join(filter(None, (message.detail, answer_limits.WORDS[limit])))
        reply = None
    else:
        reply = _answer(inbox, conversation, reading, received_at, carrier)
    if reply and reading.asks_team_only:
        team_only.asked_in(contact_id, reply.id)
    if reply:
        reply.other_number = message.other_number
    waiting = tuple(each.id for each in noted if each.state == MediaState.WAITING)
    db.session.commit()
    return Received(
        inbox.tenant_id,
        conversation.id,
        message.id,
        duplicate=False,
        reply_id=reply.id if reply else None,
        media_ids=waiting,
    )


def _answers_team_only(inbox: Inbox, contact_id: int, body: str) -> bool:
    """Whether a text is TEAM to an inbox whose question about it has gone out."""
    if not team_only.is_word(body):
        return False
    question = team_only.question_of(contact_id)
    asked = db.session.get(Message, question.reply_id) if question and question.reply_id else None
    return asked is not None and asked.inbox_id == inbox.id and asked.state in _GONE_OUT


def held_contact(inbox: Inbox, number: str) -> tuple[int, bool]:
    """The contact who has this number now, made where nobody has, and whether it is the one they are texted
    at. Texts of one contact wait for each other here, so a repeated one sees the first.

    Where they were merged, or gave the number up, while this waited, the one who has it then.
    """
    while True:
        contact_id = contact_with(number) or new_contact(inbox, number)
        held = lock_contacts([contact_id]).get(contact_id)
        if held and contact_with(number) == contact_id:
            return contact_id, held.number in spellings(number)


def new_contact(inbox: Inbox, number: str) -> int:
    """Makes the unknown contact that a number gets; whoever else makes it at the same time is found."""
    try:
        with db.session.begin_nested():
            db.session.execute(
                insert(Contact).values(
                    tenant_id=inbox.tenant_id, number=number, first_name="", last_name="", external_id=""
                )
            )
    except IntegrityError:
        # The number has a row of its own in contact_numbers by a trigger, where it is unique too.
        pass
    return db.session.scalars(
        select(ContactNumber.contact_id).where(ContactNumber.number == number, ContactNumber.until.is_(None))
    ).one()


def _answer(
    inbox: Inbox,
    conversation: Conversation,
    reading: consent.Reading,
    received_at: datetime,
    carrier: CarrierSays,
) -> Message | None:
    """The automatic answer to a text, where it gets one: queued, or kept with why it does not go."""
    if reading.answer is None:
        return None
    word = reading.keyword.word if reading.keyword else ""
    named = [db.session.get_one(Team, team_id) for team_id in reading.team_ids]
    reply = Message(
        direction=Direction.OUTBOUND,
        kind=KINDS[reading.answer],
        body=confirmation_of(named, word)
        if named
        else text_of(inbox.team, reading.answer, reading.asks_team_only, word),
        state=MessageState.QUEUED,
        confirms_team_id=named[0].id if named else None,
    )
    stored = consent.consent_of(conversation.contact_id, inbox.team_id)
    if carrier.acted:
        reply.state, reply.detail = MessageState.SUPPRESSED, "Skipped: the carrier answers this word itself."
        reply.unsent_reason = Unsent.CARRIER_ANSWERS
    elif reading.answer == Meaning.HELP and stored and stored.opted_out:
        reply.state, reply.unsent_reason = MessageState.SUPPRESSED, Unsent.OPTED_OUT
        reply.detail = f"Not sent: the contact is opted out of {inbox.team.name}."
    elif reading.answer == Meaning.OUT:
        reply.expires_at = received_at + CONFIRM_WITHIN
    add_message(conversation, reply)
    return reply if reply.state == MessageState.QUEUED else None
