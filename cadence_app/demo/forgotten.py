"""The demo's contacts of long ago, for whom a dry run of retention has something to say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from cadence_app.accounts.models import Team, Tenant
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.demo import people
from cadence_app.extensions import db

_HOW_MANY = 30
_YEARS_AGO = (5.2, 6.5)


def load_forgotten(tenant: Tenant, teams: list[Team], numbers: Iterator[str], chance: random.Random) -> None:
    """Contacts who were added, and some of whom texted STOP, more than five years ago."""
    now = datetime.now(UTC)
    rows, moments = [], []
    for _ in range(_HOW_MANY):
        first, last = people.name(chance)
        at = now - timedelta(days=365.25 * chance.uniform(*_YEARS_AGO))
        moments.append(at)
        rows.append(
            {
                "tenant_id": tenant.id,
                "first_name": first,
                "last_name": last,
                "external_id": "",
                "number": next(numbers),
                "created_at": at,
            }
        )
    ids = db.session.scalars(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows).all()
    added = list(zip(ids, moments, strict=True))
    team_id = teams[0].id
    record_changes([Change(each, team_id, Status.OPTED_IN, Source.MANUAL_ADD, at=at) for each, at in added])
    record_changes(
        [
            Change(each, team_id, Status.OPTED_OUT, Source.KEYWORD, words="STOP", at=at + timedelta(days=20))
            for each, at in added[::4]
        ]
    )
