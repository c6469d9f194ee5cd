"""Two records that are one person: finding them, what a merge would do, and merging them, for good. What
moves is each area's own matter (docs/records.md)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, User
from cadence_app.consent import blocks
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.merge_and_number_change import merged_status, standing
from cadence_app.consent.models import Consent, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.conversations import hold_queued
from cadence_app.records.phones import Gone, earlier_holders
from cadence_app.retention.protecting import OnHold, on_hold, until_done
from cadence_app.traces import Merging, all_traces

_MOST = 10


@dataclass(frozen=True)
class TeamOutcome:
    """One team's statuses before a merge, None where a record is not in it, and after it."""

    team: Team
    kept: Status | None
    gone: Status | None
    after: Status


def likely_duplicates(contact: Contact) -> list[Contact]:
    """Contacts who may be the same person: of the same name, either way round, of the same last name and
    the same start of the first one, or who had this one's number before."""
    found = {other.id: other for other in earlier_holders(contact.number) if other.id != contact.id}
    first, last = contact.first_name.strip().lower(), contact.last_name.strip().lower()
    if first and last:
        of_first, of_last = Contact.first_key, Contact.last_key
        similar = or_(
            (of_last == last) & of_first.startswith(first[:3], autoescape=True),
            (of_last == first) & (of_first == last),
        )
        same = (of_last == last) & (of_first == first)
        query = select(Contact).where(similar, Contact.id != contact.id, Contact.gone_at.is_(None))
        for other in db.session.scalars(query.order_by(same.desc(), Contact.id).limit(_MOST)):
            found.setdefault(other.id, other)
    return list(found.values())[:_MOST]


def outcomes(kept_id: int, gone_id: int, texted_id: int) -> list[TeamOutcome]:
    """What a merge would do to the status in every team that either is in, by the team's name."""
    query = select(Consent).join(Consent.team).where(Consent.contact_id.in_((kept_id, gone_id)))
    by_team: dict[int, dict[int, Status]] = {}
    teams: dict[int, Team] = {}
    for consent in db.session.scalars(query.order_by(Team.name)):
        teams[consent.team_id] = consent.team
        by_team.setdefault(consent.team_id, {})[consent.contact_id] = consent.status
    other_id = gone_id if texted_id == kept_id else kept_id
    everywhere = blocks.stopped_everywhere((kept_id, gone_id))
    return [
        TeamOutcome(
            teams[team_id],
            each.get(kept_id),
            each.get(gone_id),
            merged_status(*(standing(each.get(side), side in everywhere) for side in (texted_id, other_id))),
        )
        for team_id, each in by_team.items()
    ]


def merge(user: User, kept_id: int, gone_id: int, texted_id: int) -> None:
    """Merges a contact into the one kept, and commits. `texted_id` is the one of both whose number is texted.

    The history of both keeps what was written and under whose id. Errors: Gone, where either was merged or
    erased meanwhile; OnHold, where the one that would go is on legal hold; ValueError where they are the
    same.
    """
    if kept_id == gone_id or texted_id not in {kept_id, gone_id}:
        raise ValueError("a contact can't be merged with itself")
    until_done(lambda: _merge(user, kept_id, gone_id, texted_id))


def _merge(user: User, kept_id: int, gone_id: int, texted_id: int) -> None:
    hold_queued(gone_id)
    if len(lock_contacts(sorted((kept_id, gone_id)))) != 2:
        db.session.rollback()
        raise Gone
    if on_hold([gone_id]):
        db.session.rollback()
        raise OnHold
    kept = db.session.get_one(Contact, kept_id, populate_existing=True)
    gone = db.session.get_one(Contact, gone_id, populate_existing=True)
    who = gone.name or gone.number
    if gone.external_id and kept.external_id:
        who += f", ContactId {gone.external_id}"
    merging = Merging(kept_id, gone_id, texted_id, user.id, who)
    for traces in all_traces():
        traces.move(merging)
    audit.record(user, "contact.merged", f"Contact {kept_id}", merged=(None, f"Contact {gone_id}"))
    db.session.commit()
