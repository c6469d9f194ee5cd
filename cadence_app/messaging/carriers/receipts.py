"""What became of a text, by its carrier's word."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering, followers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.scopes import note_block
from cadence_app.messaging.models import Message, MessageState, Unsent
from cadence_app.messaging.providers.events import Fate, Receipt

_STATES = {
    Fate.SENT: MessageState.SENT,
    Fate.DELIVERED: MessageState.DELIVERED,
    Fate.FAILED: MessageState.FAILED,
}
# One that waits for its next try was taken after all, if its carrier tells of it.
_OPEN = (MessageState.QUEUED, MessageState.SENDING, MessageState.SENT)


def apply(account: CarrierAccount, receipt: Receipt) -> bool:
    """Notes a receipt at its text. The caller commits. False where the account has no such text (yet).

    Receipts may come repeated and in any order: a text that was delivered or failed stays so, except one that
    we had only lost sight of.
    """
    ours = Message.provider_message_id == receipt.carrier_message_id
    if receipt.key:
        ours = or_(ours, Message.send_key == receipt.key)
    message = db.session.scalars(
        select(Message)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(
            Inbox.carrier_account_id == account.id,
            ours,
        )
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None:
        return False
    lost = message.state == MessageState.FAILED and message.unsent_reason == Unsent.LOST_SIGHT
    if message.state not in _OPEN and not lost:
        return True
    message.provider_message_id = receipt.carrier_message_id
    message.state, message.detail = _STATES[receipt.fate], receipt.words
    message.failure_code = receipt.code
    message.unsent_reason = Unsent.CARRIER_REFUSED if receipt.fate == Fate.FAILED else None
    if receipt.fate == Fate.DELIVERED:
        message.provider_at = receipt.at
    followers.tell([message])
    if receipt.blocks:
        contact_id = message.conversation.contact_id
        # Whoever was erased or merged meanwhile is texted no more.
        if held := lock_contacts([contact_id]).get(contact_id):
            number = message.other_number or _texted_then(contact_id, message.created_at) or held.number
            note_block(message.conversation.inbox, contact_id, number)
    # Last, for the contact is held before the conversation.
    if lost and message.state != MessageState.FAILED:
        answering.answered_after_all(message)
    answering.unanswered(message)
    return True


def _texted_then(contact_id: int, at: datetime) -> str | None:
    """The number that a contact was texted at when a text was made: the one that they are texted at now,
    where they had it then, else the first that they gave up since. None where neither is known."""
    then = (
        select(ContactNumber.number)
        .join(Contact, Contact.id == ContactNumber.contact_id)
        .where(
            ContactNumber.contact_id == contact_id,
            ContactNumber.since <= at,
            (ContactNumber.until > at) | (ContactNumber.number == Contact.number),
        )
        .order_by((ContactNumber.number == Contact.number).desc(), ContactNumber.until)
        .limit(1)
    )
    return db.session.scalar(then)
