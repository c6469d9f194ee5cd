"""The first status of a contact in a team, whoever adds them: opted in, unless a stop says otherwise.

Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, Text, cast, literal, null, select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, evidence, evidence_by_api, number_stops
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.deciding import first_status
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_api import Kept
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.ledger import Change, note_stop, record_change, record_selected
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings

_OTHER_NUMBER = "Added by another number of theirs; consent is for the one texted."


def add_by_user(
    user: User,
    contact_id: int,
    team_id: int,
    number: str | None = None,
    given: Given | None = None,
    way: Way = Way.ADDED,
) -> int | None:
    """The first status of a contact whom a user adds to a team, by `number` or by the one texted; None where
    they are in it already. `given` says how they agreed, and is kept whatever the status is."""
    added = _add(Change(contact_id, team_id, Status.OPTED_IN, Source.MANUAL_ADD, user_id=user.id), number)
    if added and given:
        evidence.record([(contact_id, team_id)], given, way, user)
    return added


def add_by_api(
    actor: str, contact_id: int, team_id: int, number: str, reason: str, given: Given | None = None
) -> Kept | None:
    """add_by_user() for another system, `actor`. `reason`, where it is not empty, says how this person agreed
    although they, or somebody who had the number before, had stopped. `given` is kept for who is in the team
    already, too, but not where `number` is not the one texted, which consent is for. Returns what became of
    it."""
    change = Change(contact_id, team_id, Status.OPTED_IN, Source.API, reason=reason.strip(), actor=actor)
    _add(change, number)
    if given is None or not _texted_at(contact_id, number):
        return None
    return evidence_by_api.keep({(contact_id, team_id): given}, actor).get((contact_id, team_id))


def add_selected(first: Select[Any], user: User) -> Sequence[Any]:
    """The first statuses of people whom an import has made in this transaction and whom nothing bars (the
    caller has looked): those that its file says. `first` selects contact_id, team_id and status. Returns them
    as ledger.record_selected() does."""
    asked = first.subquery("first")
    plain = (
        literal("").label("reason"),
        cast(null(), Text).label("source"),
        cast(null(), Text).label("number"),
    )
    return record_selected(select(*asked.c, *plain), Source.IMPORT, user)


def _add(change: Change, number: str | None) -> int | None:
    held = lock_contacts([change.contact_id])
    if db.session.get(Consent, (change.contact_id, change.team_id), populate_existing=True):
        return None
    if number and change.contact_id in held and number not in spellings(held[change.contact_id].number):
        return record_first(change, texted=False)
    return record_first(change)


def _texted_at(contact_id: int, number: str) -> bool:
    """Whether a contact, who is held, is texted at a number."""
    texted = db.session.scalar(select(Contact.number).where(Contact.id == contact_id))
    return texted in spellings(number)


def record_first(change: Change, texted: bool = True) -> int | None:
    """Records a first status in a team, except that whoever stopped every team is not opted in anew, nor who
    has a number that was stopped, nor anybody by a number that is not the one `texted`."""
    stopped = (
        blocks.STOPPED_EVERYWHERE
        if blocks.stops_everywhere(change.contact_id)
        else number_stops.reason(change.contact_id, change.team_id)
    )
    if texted and change.reason:
        number_stops.answered([(change.contact_id, change.team_id)])
        return record_change(change)
    first = first_status(stopped, texted, _OTHER_NUMBER)
    change_id = record_change(replace(change, status=first.status, reason=first.reason))
    if first.stopped:
        note_stop(change.contact_id, change.team_id)
    return change_id
