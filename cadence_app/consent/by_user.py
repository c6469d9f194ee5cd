"""A user's change of a status, the toggle: and when an opt in takes a written reason.

Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, number_stops, possible
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Consent, Decision, Source, Status
from cadence_app.consent.undo_marks import note_lifted
from cadence_app.extensions import db


class ReasonRequired(ValueError):
    """The contact, or somebody who had their number before, stopped by their own words; opting them in takes
    a written reason."""


def consent_of(contact_id: int, team_id: int) -> Consent | None:
    """The stored status as it is now; it can't change while the caller holds the contact (lock_contacts)."""
    return db.session.scalars(
        select(Consent)
        .where(Consent.contact_id == contact_id, Consent.team_id == team_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def needs_reason(consent: Consent | None) -> bool:
    """Whether opting this contact in takes a written reason: they stopped by their own words, or somebody who
    had their number before did."""
    if consent is None or not consent.opted_out:
        return False
    return bool(consent.stopped_at or number_stops.reason(consent.contact_id, consent.team_id))


def set_by_user(
    user: User,
    contact_id: int,
    team_id: int,
    status: Status,
    reason: str = "",
    given: Given | None = None,
) -> int | None:
    """A user's change of the toggle. Returns the history row's id, None where nothing changed. `given` says
    how the contact agreed to an opt in that changes something.

    Errors: ReasonRequired, from the status as it is under the lock and not as the user's page showed it.
    """
    lock_contacts(possible.with_holders([contact_id]))
    if status == Status.OPTED_IN and not reason.strip() and needs_reason(consent_of(contact_id, team_id)):
        raise ReasonRequired
    change_id = record_change(
        Change(contact_id, team_id, status, Source.TOGGLE, user_id=user.id, reason=reason.strip())
    )
    if status == Status.OPTED_OUT:
        possible.decide(contact_id, [team_id], Decision.OPTED_OUT, user.id)
    elif change_id:
        if reason.strip() and (lifted := number_stops.answered([(contact_id, team_id)])):
            note_lifted(contact_id, team_id, lifted)
        if given:
            evidence.record([(contact_id, team_id)], given, Way.OPTED_IN, user)
    return change_id
