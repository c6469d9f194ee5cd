"""What must outlast a contact who is removed: that they had stopped.

Whoever was opted out anywhere, or barred by a word of theirs, keeps the digest of each of their numbers in
erased_numbers, as a person who was erased does. A contact who is made later with such a number, by whichever
way, starts opted out of every team until the phone itself texts START.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent.models import Block, Consent, Status
from cadence_app.contacts.models import Contact, ContactNumber, ErasedNumber
from cadence_app.extensions import db

REASON = "Somebody with this number had opted out before their record was removed by age."


def keep_stops(contact_ids: Collection[int]) -> None:
    """Keeps the stops of these contacts, in this transaction, which holds them."""
    stopped = or_(
        select(Consent.contact_id)
        .where(Consent.contact_id == Contact.id, Consent.status == Status.OPTED_OUT)
        .exists(),
        select(Block.id).where(Block.contact_id == Contact.id).exists(),
    )
    numbers = (
        select(
            Contact.tenant_id,
            func.number_digest(Contact.tenant_id, ContactNumber.number),
            literal(REASON),
        )
        .join(ContactNumber, ContactNumber.contact_id == Contact.id)
        .where(Contact.id.in_(contact_ids), stopped, ContactNumber.until.is_(None))
        .distinct()
    )
    kept = upsert(ErasedNumber).from_select(["tenant_id", "digest", "reason"], numbers)
    db.session.execute(kept.on_conflict_do_nothing())
