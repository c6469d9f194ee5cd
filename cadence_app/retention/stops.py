"""What must outlast a contact who is removed: that they had stopped.

Whoever was opted out anywhere, or barred by a word of theirs, leaves a stop of each of their numbers for the
whole organisation (consent/number_stops.py), as a person who was erased does. A contact who is made later
with such a number, by whichever way, starts opted out of every team until the phone itself texts START.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select

from cadence_app.consent import number_stops
from cadence_app.consent.models import Block, Consent, Status, StopOrigin
from cadence_app.contacts.models import ContactNumber

REASON = "Somebody with this number had opted out before their record was removed by age."


def keep_stops(contact_ids: Collection[int]) -> None:
    """Keeps the stops of these contacts, in this transaction, which holds them."""
    stopped = or_(
        select(Consent.contact_id)
        .where(Consent.contact_id == ContactNumber.contact_id, Consent.status == Status.OPTED_OUT)
        .exists(),
        select(Block.id).where(Block.contact_id == ContactNumber.contact_id).exists(),
    )
    number_stops.keep_of_contacts(
        ContactNumber.contact_id.in_(contact_ids) & stopped, StopOrigin.AGED, REASON
    )
