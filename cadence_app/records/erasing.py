"""Erasing a person, as privacy law asks: who they are goes everywhere, what was decided stays without a name.

The rows of the history stay, pseudonymised, with the legal reason (consent/retiring.py); so do the texts,
empty, for what was sent is counted. The numbers are kept as keyed digests, so that nobody texts them again.
"""

from __future__ import annotations

from sqlalchemy import delete, func, select, update

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent import number_stops, possible, retiring
from cadence_app.consent.ledger import leave_teams, lock_contacts, with_merged
from cadence_app.consent.models import Block, Decision, OptOutChange, PossibleOptOut, StopOrigin
from cadence_app.contacts import forgetting
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag
from cadence_app.extensions import db
from cadence_app.messaging.conversations import hold_queued
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.records.phones import Gone
from cadence_app.retention.protecting import OnHold, on_hold, until_done

_EMPTY = "Erased with the person it was from or for."


def erase(user: User, contact_id: int, reason: str) -> None:
    """Erases a contact and those merged into them, and commits. `reason` is the legal one and must name
    nobody: it is kept. Errors: Gone, where they were merged or erased meanwhile; OnHold, where they are on
    legal hold."""
    until_done(lambda: _erase(user, contact_id, reason))


def _erase(user: User, contact_id: int, reason: str) -> None:
    hold_queued(contact_id)
    if contact_id not in lock_contacts([contact_id]):
        db.session.rollback()
        raise Gone
    ids = sorted(db.session.scalars(with_merged(contact_id)))
    if on_hold(ids):
        db.session.rollback()
        raise OnHold
    number_stops.keep_of_contacts(
        ContactNumber.contact_id == contact_id,
        StopOrigin.ERASED,
        f"This number was of a person who was erased: {reason}",
    )
    changes = db.session.scalars(select(OptOutChange.id).where(OptOutChange.contact_id.in_(ids)))
    retiring.erase_changes(changes.all(), user, reason)
    forgetting.clear(ids)
    _empty_texts(ids)
    leave_teams(ids)
    for table in (Block, ContactTag, ContactNumber):
        db.session.execute(delete(table).where(table.contact_id.in_(ids)))
    db.session.execute(
        update(Contact)
        .where(Contact.id.in_(ids))
        .values(
            first_name="",
            last_name="",
            external_id="",
            custom={},
            number=func.concat(retiring.ERASED_NUMBER, Contact.id),
            merged_into_id=None,
            gone_at=func.now(),
            gone_by_id=user.id,
        )
        .execution_options(synchronize_session=False)
    )
    audit.record(user, "contact.erased", f"Contact {contact_id}", reason=(None, reason))
    db.session.commit()


def _empty_texts(ids: list[int]) -> None:
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    theirs = Message.conversation_id.in_(conversations)
    db.session.execute(
        update(Message)
        .where(theirs, Message.state == MessageState.QUEUED)
        .values(state=MessageState.SUPPRESSED)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Message)
        .where(theirs)
        .values(body="", detail=_EMPTY, other_number=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Conversation).where(Conversation.contact_id.in_(ids)).values(last_message_text="", unread=0)
    )
    flags = PossibleOptOut.contact_id.in_(ids)
    still_open = flags, PossibleOptOut.decision == Decision.OPEN
    open_in = db.session.execute(select(PossibleOptOut.contact_id, PossibleOptOut.team_id).where(*still_open))
    possible.settle_opted_out([(row.contact_id, row.team_id) for row in open_in])
    db.session.execute(update(PossibleOptOut).where(flags).values(words="", phrases="", numbers=[]))
