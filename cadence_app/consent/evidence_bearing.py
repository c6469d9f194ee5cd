"""Whether the consent that a contact has now rests on each piece of their evidence, and why it does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from cadence_app.consent.evidence_basis import bases_of
from cadence_app.consent.evidence_models import Evidence


class Bearing(StrEnum):
    """NOT_OPTED_IN: there is no consent that could rest on it. AGREED_BEFORE: they agreed before they last
    opted out. RECORDED_BEFORE: it is of an opt in before the present one, or came while they were out."""

    RESTS = "rests"
    NOT_OPTED_IN = "not_opted_in"
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
    found = {}
    for row in rows:
        if row.id in resting:
            found[row.id] = Bearing.RESTS
        elif row.team_id not in bases:
            found[row.id] = Bearing.NOT_OPTED_IN
        elif (since := bases[row.team_id].since) and row.recorded_at >= since:
            found[row.id] = Bearing.AGREED_BEFORE
        else:
            found[row.id] = Bearing.RECORDED_BEFORE
    return found
