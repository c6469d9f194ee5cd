"""What happens when a contact texts an inbox: the one way in, for carriers and the simulator alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from cadence_app.accounts.models import Team
from cadence_app.consent import by_text, standing, team_only
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.deciding import Arrival, Decided, decide
from cadence_app.consent.keyword_scope import policy_of
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.number_holders import contact_with
from cadence_app.consent.standing import Question
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answer_limits, answering, followers, out_of_office
from cadence_app.messaging.auto_replies import CONFIRM_WITHIN, KINDS, answer_of
from cadence_app.messaging.consent_notes import words_for
from cadence_app.messaging.conversations import add_message, texted_in
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MediaState
from cadence_app.messaging.media.service import Came, note_came
from cadence_app.messaging.models import Conversation, Direction, Message, MessageState, Unsent
from cadence_app.messaging.needs_reply import needs_reply
from cadence_app.messaging.reading_context import beside
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use, use_tenant

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


@dataclass(frozen=True)
class Sender:
    """Who texted: the contact, held, whether it is the number they are texted at, and what lock_contacts()
    said of them."""

    contact_id: int
    texted: bool
    held: Mapping[int, Any]


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
    # A provider's clock may be ahead of ours; nothing was sent in the future.
    received_at = min(received_at, datetime.now(UTC))
    sender = held_contact(from_number)
    # All that follows is read while the contact is held.
    same = select(Message.id).where(
        Message.inbox_id == Inbox.id, Message.provider_message_id == provider_message_id
    )
    inbox, known_id = db.session.execute(
        select(Inbox, same.scalar_subquery())
        .where(Inbox.id == found.inbox_id)
        .options(joinedload(Inbox.team).joinedload(Team.tenant))
    ).one()
    if known_id:
        known = db.session.get_one(Message, known_id)
        again = Received(inbox.tenant_id, known.conversation_id, known_id, duplicate=True, reply_id=None)
        db.session.commit()
        return again

    stored = standing.read(sender.contact_id, from_number)
    conversation = texted_in(inbox, sender.contact_id, body)
    arrival = Arrival(
        team_id=inbox.team_id,
        inbox_id=inbox.id,
        words=body,
        personal=inbox.personal,
        toll_free=inbox.toll_free,
        received_at=received_at,
        number=from_number,
        texted=sender.texted,
        carrier_meaning=carrier.acted,
        carrier_lifts=carrier.lifts,
        carrier_inboxes=carrier.inbox_ids,
        answers_team_only=carrier.acted is None and _answers_team_only(inbox, stored.question, body),
        beside=beside(body, inbox.team, conversation),
    )
    decided = decide(stored, arrival, policy_of(inbox.team.tenant, stored.at))
    limit = answer_limits.limit_of(conversation, decided.answer) if decided.answer else None
    if carrier.acted:
        limit = None
    wants = needs_reply(decided, body, arrival.beside, has_files=bool(media))
    message = _message(conversation, arrival, decided, limit, provider_message_id, wants)
    noted = note_came(message, media)
    if noted and not body.strip():
        conversation.last_message_text = kinds.summary([each.content_type for each in noted])
    by_text.write(
        decided,
        stored,
        arrival,
        message_id=message.id,
        zone=inbox.team.tenant.zone,
        held=sender.held,
    )
    reply = _answer(inbox, arrival, decided) if decided.answer and not limit else None
    answering.came_in(conversation, message, needs_reply=wants)
    if wants:
        followers.tell_answer(conversation, received_at)
    if not decided.answer:
        reply = out_of_office.answer_to(conversation, arrival, decided, wants=wants)
    if reply:
        add_message(conversation, reply)
    goes = reply is not None and reply.state == MessageState.QUEUED
    if reply and goes and decided.asks_team_only:
        team_only.asked_in(sender.contact_id, reply.id)
    received = Received(
        inbox.tenant_id,
        conversation.id,
        message.id,
        duplicate=False,
        reply_id=reply.id if reply and goes else None,
        media_ids=tuple(each.id for each in noted if each.state == MediaState.WAITING),
    )
    db.session.commit()
    return received


def _message(
    conversation: Conversation,
    arrival: Arrival,
    decided: Decided,
    limit: answer_limits.Limit | None,
    provider_message_id: str,
    wants_reply: bool,
) -> Message:
    """The text itself, stored, with what an agent should know of it."""
    other_number = None if arrival.texted else arrival.number
    told = words_for(decided.note, conversation.inbox.team) if decided.note else ""
    if other_number and not told:
        told = f"From another number of theirs, {other_number}."
    message = Message(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.id,
        inbox_id=conversation.inbox_id,
        direction=Direction.INBOUND,
        body=arrival.words,
        state=MessageState.RECEIVED,
        detail=" ".join(filter(None, (told, answer_limits.WORDS[limit] if limit else ""))),
        provider_message_id=provider_message_id,
        provider_at=arrival.received_at,
        other_number=other_number,
        needs_reply=wants_reply,
    )
    db.session.add(message)
    db.session.flush()
    return message


def _answers_team_only(inbox: Inbox, question: Question | None, body: str) -> bool:
    """Whether a text is TEAM to an inbox whose question about it has gone out."""
    if question is None or question.reply_id is None or not team_only.is_word(body):
        return False
    asked = db.session.get(Message, question.reply_id)
    return asked is not None and asked.inbox_id == inbox.id and asked.state in _GONE_OUT


def held_contact(number: str) -> Sender:
    """The contact who has this number now, made where nobody has, and held from here on. Texts of one contact
    wait for each other here, so a repeated one sees the first.

    Where they were merged, or gave the number up, while this waited, the one who has it then.
    """
    while True:
        contact_id = contact_with(number) or new_contact(number)
        held = lock_contacts([contact_id])
        if contact_id in held and contact_with(number) == contact_id:
            return Sender(contact_id, held[contact_id].number in spellings(number), held)


def new_contact(number: str) -> int:
    """Makes the unknown contact that a number gets; whoever else makes it at the same time is found."""
    made = insert(Contact).values(
        tenant_id=tenant_in_use(), number=number, first_name="", last_name="", external_id=""
    )
    try:
        with db.session.begin_nested():
            return db.session.scalars(made.returning(Contact.id)).one()
    except IntegrityError:
        # The number has a row of its own in contact_numbers by a trigger, where it is unique too.
        now = ContactNumber.number == number, ContactNumber.until.is_(None)
        return db.session.scalars(select(ContactNumber.contact_id).where(*now)).one()


def _answer(inbox: Inbox, arrival: Arrival, decided: Decided) -> Message | None:
    """The automatic answer to a text that gets one, not stored yet: queued, or with why it does not go."""
    if decided.answer is None:
        return None
    reply = Message(
        direction=Direction.OUTBOUND,
        kind=KINDS[decided.answer],
        body=answer_of(inbox.team, decided),
        state=MessageState.QUEUED,
        confirms_team_id=decided.team_ids[0] if decided.team_ids else None,
        other_number=None if arrival.texted else arrival.number,
    )
    if arrival.carrier_meaning:
        reply.state, reply.detail = MessageState.SUPPRESSED, "Skipped: the carrier answers this word itself."
        reply.unsent_reason = Unsent.CARRIER_ANSWERS
    elif decided.answer == Meaning.HELP and decided.opted_out:
        reply.state, reply.unsent_reason = MessageState.SUPPRESSED, Unsent.OPTED_OUT
        reply.detail = f"Not sent: the contact is opted out of {inbox.team.name}."
    elif decided.answer == Meaning.OUT:
        reply.expires_at = arrival.received_at + CONFIRM_WITHIN
    return reply
