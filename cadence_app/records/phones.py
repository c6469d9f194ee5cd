"""The numbers of a contact: the one texted, further ones, and those they had.

Consent is for the number that is texted: another one takes its place only with a reason, and opts the contact
out unless the reason says how consent was given for it (consent/merge_and_number_change.py).
"""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent import merge_and_number_change, number_stops
from cadence_app.consent.contact_rows import lock_contacts, with_merged
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.contacts.service import Taken
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use


class Gone(LookupError):
    """The contact was merged or erased meanwhile."""


def numbers_of(contact_id: int) -> list[ContactNumber]:
    """Every number that a contact, or one merged into them, has or had: current ones first."""
    query = select(ContactNumber).where(ContactNumber.contact_id.in_(with_merged(contact_id)))
    ordered = query.order_by(ContactNumber.until.desc().nulls_first(), ContactNumber.id.desc())
    return list(db.session.scalars(ordered))


def earlier_holders(number: str) -> list[Contact]:
    """Who had this number before and has it no more, the latest first."""
    query = (
        select(Contact)
        .join(ContactNumber, ContactNumber.contact_id == Contact.id)
        .where(ContactNumber.number == number, ContactNumber.until.is_not(None))
        .where(Contact.gone_at.is_(None))
        .order_by(ContactNumber.until.desc())
    )
    return list(dict.fromkeys(db.session.scalars(query)))


def add_number(user: User, contact_id: int, number: str, reason: str) -> None:
    """Adds a further number, from which texts reach this contact, and commits. Errors: Taken, Gone."""
    _hold(contact_id)
    _refuse_taken(number)
    db.session.add(
        ContactNumber(
            tenant_id=tenant_in_use(), contact_id=contact_id, number=number, user_id=user.id, reason=reason
        )
    )
    audit.record(user, "contact.number_added", f"Contact {contact_id}")
    _commit(number)


def text_at(
    user: User, contact_id: int, number: str, reason: str, given: str, evidence: Given | None = None
) -> int | None:
    """Makes this the number that the contact is texted at, and commits: a further number of theirs, which
    leaves the one texted so far a further one, or a new number, which ends it. `given` says how they agreed
    to texts there, empty where they did not, and `evidence` what is kept of that. Returns in how many teams
    that opts them in again; None where they are texted at this number already. Errors: Taken, Gone,
    AgreedBefore.
    """
    before = _hold(contact_id)
    if before == number:
        db.session.rollback()
        return None
    if contact_with(number) != contact_id:
        _refuse_taken(number)
    contact = db.session.get_one(Contact, contact_id)
    contact.number = number
    try:
        db.session.flush()
    except IntegrityError as error:
        _raise_taken(number, error)
    current = (ContactNumber.contact_id == contact_id) & ContactNumber.until.is_(None)
    db.session.execute(
        update(ContactNumber)
        .where(current, ContactNumber.number == number)
        .values(user_id=user.id, reason=reason)
    )
    db.session.execute(
        update(ContactNumber)
        .where(
            ContactNumber.contact_id == contact_id,
            ContactNumber.number == before,
            ContactNumber.until == func.now(),
        )
        .values(ended_by_id=user.id)
    )
    try:
        again = merge_and_number_change.number_changed(user, contact_id, before, given, evidence)
    except AgreedBefore:
        db.session.rollback()
        raise
    audit.record(user, "contact.number_changed", f"Contact {contact_id}", consent_given=(None, bool(given)))
    _commit(number)
    return again


def end_number(user: User, contact_id: int, number_id: int) -> bool:
    """Ends a further number of a contact, and commits: a text from it is a stranger's from now on. False for
    the number that is texted and for one that is not theirs now. Errors: Gone."""
    texted = _hold(contact_id)
    ended = db.session.execute(
        update(ContactNumber)
        .where(
            ContactNumber.id == number_id,
            ContactNumber.contact_id == contact_id,
            ContactNumber.until.is_(None),
            ContactNumber.number != texted,
        )
        .values(until=func.now(), ended_by_id=user.id)
        .returning(ContactNumber.id)
    ).one_or_none()
    if ended:
        audit.record(user, "contact.number_ended", f"Contact {contact_id}")
    db.session.commit()
    return ended is not None


def allow_personal_inboxes(user: User, contact_id: int, reason: str, number: str) -> bool:
    """Lifts what bars personal inboxes because of who had this number (E.164) before, and commits: `reason`
    says how this person agreed to texts there, and stands with the number. False where nothing of that sort
    bars it. Errors: Gone.
    """
    _hold(contact_id)
    lifted = number_stops.allow_personal_inboxes(contact_id, number)
    if lifted:
        db.session.execute(
            update(ContactNumber)
            .where(
                ContactNumber.contact_id == contact_id,
                ContactNumber.number == number,
                ContactNumber.until.is_(None),
            )
            .values(
                reason=func.ltrim(func.concat(ContactNumber.reason, f" Agreed to personal inboxes: {reason}"))
            )
        )
        audit.record(user, "contact.personal_inboxes_allowed", f"Contact {contact_id}")
    db.session.commit()
    return lifted


def _hold(contact_id: int) -> str:
    """Holds a contact; the number they are texted at."""
    held = lock_contacts([contact_id]).get(contact_id)
    if held is None:
        raise Gone
    return str(held.number)


def _refuse_taken(number: str) -> None:
    holder = contact_with(number)
    if holder is not None:
        db.session.rollback()
        raise Taken("number", db.session.get_one(Contact, holder))


def _commit(number: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        _raise_taken(number, error)


def _raise_taken(number: str, error: IntegrityError) -> None:
    """Somebody else gave the number to a contact between the two statements."""
    db.session.rollback()
    _refuse_taken(number)
    raise error
