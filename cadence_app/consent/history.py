"""The history of one contact, as screens show it. The ledger writes it (ledger.py)."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db


def changes_of(contact_id: int, team_ids: list[int], limit: int = 100) -> list[OptOutChange]:
    """A contact's changes in these teams, and those of the contacts merged into them, newest first."""
    return list(
        db.session.scalars(
            select(OptOutChange)
            .where(OptOutChange.contact_id.in_(with_merged(contact_id)), OptOutChange.team_id.in_(team_ids))
            .order_by(OptOutChange.changed_at.desc(), OptOutChange.id.desc())
            .limit(limit)
        )
    )
