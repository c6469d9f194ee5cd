"""Whether the consent that a contact has now rests on each piece of their evidence, and why it does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from cadence_app.accounts.models import Tenant
from cadence_app.consent.evidence_basis import bases_of, last_out
from cadence_app.consent.evidence_models import Evidence
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use


class Bearing(StrEnum):
    """NOT_OPTED_IN: there is no consent that could rest on it. OTHER_NUMBER: it is of another number of
    theirs than the one they are texted at. AGREED_BEFORE: they agreed before they last opted out.
    RECORDED_BEFORE: it is of an opt in before the present one, or came while they were out."""

    RESTS = "rests"
    NOT_OPTED_IN = "not_opted_in"
    OTHER_NUMBER = "other_number"
    AGREED_BEFORE = "agreed_before"
    RECORDED_BEFORE = "recorded_before"


def bearings_of(contact_id: int, rows: Collection[Evidence]) -> Mapping[int, Bearing]:
    """How each of these rows, which are of the contact or of those merged into it, bears on the consent in
    its team; by its id."""
    if not rows:
        return {}
    team_ids = {row.team_id for row in rows}
    bases = bases_of(contact_id, team_ids)
    resting = {row.id for basis in bases.values() for row in basis.evidence}
    zone = db.session.get_one(Tenant, tenant_in_use()).zone
    at = spellings(db.session.get_one(Contact, contact_id).number)
    found = {}
    for row in rows:
        if row.id in resting:
            found[row.id] = Bearing.RESTS
        elif row.team_id not in bases:
            found[row.id] = Bearing.NOT_OPTED_IN
        elif row.number not in at:
            found[row.id] = Bearing.OTHER_NUMBER
        elif _agreed_before(row, last_out(contact_id, row.team_id, row.way), zone):
            found[row.id] = Bearing.AGREED_BEFORE
        else:
            found[row.id] = Bearing.RECORDED_BEFORE
    return found


def _agreed_before(row: Evidence, out: datetime | None, zone: ZoneInfo) -> bool:
    if out is None or (row.agreed_at is None and row.agreed_on is None):
        return False
    if row.agreed_at:
        return row.agreed_at <= out
    return row.agreed_on is not None and row.agreed_on < out.astimezone(zone).date()
