"""Undo of a toggle: the user who has just opted somebody out, or in, by hand takes it back.

The opt out, or in, was at once and stays in the history; Undo is an ordinary change after it, by the same
user. It gives a status back only while nothing else has happened: a word of the person's own, by whatever
way, always counts for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import column, exists, func, or_, select, table

from cadence_app.accounts.models import User
from cadence_app.consent import number_stops, possible
from cadence_app.consent.by_user import consent_of, needs_reason, set_by_user
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.ledger import Change, note_stop, record_change
from cadence_app.consent.models import Block, Consent, Decision, OptOutChange, PossibleOptOut, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

WITHIN = timedelta(seconds=60)
# What the history says of the change that an Undo is.
REASON = "undone"
# Of the texts no more is known here than that some came.
_MESSAGES = table(
    *("messages", column("id"), column("conversation_id"), column("direction"), column("created_at"))
)
_CONVERSATIONS = table("conversations", column("id"), column("contact_id"))


class Why(StrEnum):
    """Why an Undo is refused: it comes too late or is not of this user's own change; the status or the number
    has changed since, or somebody else has opted them out too; the person has stopped, or may have."""

    LATE = "late"
    CHANGED = "changed"
    STOPPED = "stopped"


class Refused(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Offer:
    """An Undo of a change that is good for so many `seconds` from now."""

    change_id: int
    undone: Status
    seconds: float


def offered(user: User, consent: Consent | None) -> Offer | None:
    """The Undo that a user has of the status as it is now."""
    if consent is None or consent.change.user_id != user.id or consent.change.source != Source.TOGGLE:
        return None
    if refusal(user, consent, consent.change_id):
        return None
    return Offer(consent.change_id, consent.status, _seconds_left(consent))


def undo(user: User, contact_id: int, team_id: int, change_id: int) -> Status:
    """Takes a user's own change of the toggle back, in the caller's transaction: the status that it gave
    back. Errors: Refused, from how things stand under the lock."""
    lock_contacts(possible.with_holders([contact_id]))
    consent = consent_of(contact_id, team_id)
    if consent is None:
        raise Refused(Why.CHANGED)
    if why := refusal(user, consent, change_id):
        raise Refused(why)
    if consent.opted_out:
        # No reason of consent: it lifts nothing but the opt out.
        record_change(
            Change(contact_id, team_id, Status.OPTED_IN, Source.TOGGLE, user_id=user.id, reason=REASON)
        )
        return Status.OPTED_IN
    stopped, lifted = consent.stopped_before, consent.lifted or ()
    set_by_user(user, contact_id, team_id, Status.OPTED_OUT, REASON)
    if stopped:
        note_stop(contact_id, team_id, stopped)
    number_stops.bar_again(contact_id, lifted)
    return Status.OPTED_OUT


def refusal(user: User, consent: Consent, change_id: int) -> Why | None:
    """Why a user can't take a change back, if they can't."""
    change = db.session.get_one(OptOutChange, consent.change_id)
    if consent.change_id != change_id:
        return Why.CHANGED
    if change.user_id != user.id or change.source != Source.TOGGLE or _seconds_left(consent) <= 0:
        return Why.LATE
    before = _before(change)
    if before is None or before.status == change.status:
        return Why.CHANGED
    if consent.opted_out and (needs_reason(consent) or _said_since(consent)):
        return Why.STOPPED
    if consent.opted_out and (consent.out_again or _texted_at(consent.contact_id) != change.number):
        return Why.CHANGED
    return None


def _seconds_left(consent: Consent) -> float:
    left = func.extract("epoch", consent.since + WITHIN - func.clock_timestamp())
    return min(float(db.session.scalars(select(left)).one()), WITHIN.total_seconds())


def _before(change: OptOutChange) -> OptOutChange | None:
    """What the contact was in the team before a change."""
    earlier = select(OptOutChange).where(
        OptOutChange.contact_id == change.contact_id,
        OptOutChange.team_id == change.team_id,
        OptOutChange.id < change.id,
    )
    return db.session.scalars(earlier.order_by(OptOutChange.id.desc()).limit(1)).first()


def _texted_at(contact_id: int) -> str:
    """The number that a contact is texted at: what they had agreed to at another one is not given back."""
    return db.session.scalars(select(Contact.number).where(Contact.id == contact_id)).one()


def _said_since(consent: Consent) -> bool:
    """Whether words of theirs that may be an opt out wait for a decision; or they have texted anything since,
    for somebody must read that first; or something bars them since, such as their carrier."""
    flagged = exists().where(
        PossibleOptOut.contact_id == consent.contact_id,
        PossibleOptOut.team_id == consent.team_id,
        PossibleOptOut.decision == Decision.OPEN,
    )
    # A bar is as old as the transaction that waited for this opt out, or as the words that it is for.
    barred = exists().where(Block.contact_id == consent.contact_id, Block.since >= consent.since - WITHIN)
    texted = (
        select(_MESSAGES.c.id)
        .join(_CONVERSATIONS, _CONVERSATIONS.c.id == _MESSAGES.c.conversation_id)
        .where(
            _CONVERSATIONS.c.contact_id == consent.contact_id,
            _MESSAGES.c.direction == "inbound",
            _MESSAGES.c.created_at >= consent.since,
        )
    )
    return db.session.scalars(select(or_(flagged, barred, texted.exists()))).one()
