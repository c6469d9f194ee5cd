"""Legal holds: contacts that are never removed until an admin lifts the hold."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import joinedload

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.retention.models import LegalHold


class Gone(LookupError):
    """The contact was removed meanwhile."""


def hold_of(contact_id: int) -> LegalHold | None:
    return db.session.get(LegalHold, contact_id)


def all_holds(limit: int = 200) -> list[LegalHold]:
    """The tenant's holds, newest first."""
    query = select(LegalHold).options(joinedload(LegalHold.contact), joinedload(LegalHold.set_by))
    return list(db.session.scalars(query.order_by(LegalHold.set_at.desc()).limit(limit)))


def set_hold(user: User, contact: Contact, reason: str) -> None:
    """Puts a contact on hold, or changes why, and commits. Errors: Gone."""
    contact_id = contact.id
    if contact_id not in lock_contacts([contact_id]):
        db.session.rollback()
        raise Gone
    before = db.session.scalar(select(LegalHold.reason).where(LegalHold.contact_id == contact_id))
    values = {"tenant_id": user.tenant_id, "reason": reason, "set_by_id": user.id}
    db.session.execute(
        upsert(LegalHold)
        .values(contact_id=contact_id, **values)
        .on_conflict_do_update(index_elements=["contact_id"], set_=values)
    )
    audit.record(user, "hold.set", f"Contact {contact_id}", reason=(before, reason))
    db.session.commit()


def lift_hold(user: User, contact: Contact) -> None:
    """Lifts a hold and commits; none is fine."""
    reason = db.session.scalar(
        delete(LegalHold).where(LegalHold.contact_id == contact.id).returning(LegalHold.reason)
    )
    if reason is not None:
        audit.record(user, "hold.lifted", f"Contact {contact.id}", reason=(reason, None))
    db.session.commit()
