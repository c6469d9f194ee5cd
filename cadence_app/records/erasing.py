"""Erasing a person, as privacy law asks: who they are goes everywhere, what was decided stays without a name.

Their numbers leave keyed digests, so that nobody texts them again: those they have, and those they had from
which a text waits that nobody will read now, for it may be a STOP. Then each area in turn takes them out of
what it keeps (docs/records.md). The rows of the history and of evidence stay, pseudonymised, with the legal
reason (consent/retiring.py).
"""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent import number_stops, retiring
from cadence_app.consent.contact_rows import lock_contacts, with_merged
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import OptOutChange, StopOrigin
from cadence_app.contacts import forgetting
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.messaging import posts
from cadence_app.messaging.conversations import hold_queued
from cadence_app.records.phones import Gone
from cadence_app.retention.protecting import OnHold, on_hold, until_done


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
        ContactNumber.contact_id.in_(ids),
        StopOrigin.ERASED,
        f"This number was of a person who was erased: {reason}",
        had=posts.numbers_waiting(forgetting.person_of(ids)),
    )
    changes, evidence = (
        db.session.scalars(select(kind.id).where(kind.contact_id.in_(ids))).all()
        for kind in (OptOutChange, Evidence)
    )
    forgetting.erase(ids, user.id)
    retiring.erase_changes(changes, user, reason)
    retiring.erase_evidence(evidence, user, reason)
    audit.record(user, "contact.erased", f"Contact {contact_id}", reason=(None, reason))
    db.session.commit()
