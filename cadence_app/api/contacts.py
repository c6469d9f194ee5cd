"""Contacts and teams: to read, and to add a contact to a team."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select

from cadence_app.accounts.models import Team
from cadence_app.api.blueprint import api
from cadence_app.api.bulk import TEAM_CLOSED
from cadence_app.api.idempotency import Answer, idempotent
from cadence_app.api.models import Scope
from cadence_app.api.operations import operation, token_in_use
from cadence_app.api.proof import given_for
from cadence_app.api.schemas import (
    ConsentOut,
    ContactAdded,
    ContactInput,
    ContactOut,
    ContactPage,
    ContactQuery,
    IdempotencyHeaders,
    TeamList,
    TeamOut,
)
from cadence_app.consent import by_user as consent
from cadence_app.consent import first_status, number_stops, possible
from cadence_app.consent.models import Consent, Status
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import matches
from cadence_app.contacts.service import Taken, TeamClosed, hold_or_make
from cadence_app.extensions import db
from cadence_app.phone_numbers import BadNumber, parse_number
from cadence_app.ui.problems import Problem

# In an address; a larger one is none that the database could hold.
CONTACT = "<int(min=1, max=9223372036854775807):contact_id>"


@api.get("/teams")
@operation(TeamList)
def list_teams() -> TeamList:
    """The teams

    Any token may read them. A code is how every other call names a team.
    """
    teams = db.session.scalars(select(Team).order_by(Team.code))
    return TeamList(items=[TeamOut(code=team.code, name=team.name) for team in teams])


@api.get("/contacts")
@operation(ContactPage, Scope.CONTACTS_READ, query=ContactQuery)
def list_contacts(query: ContactQuery) -> ContactPage:
    """Find contacts

    In the order of their ids. Filters given together must all match.
    """
    wanted = _filtered(query).order_by(Contact.id).limit(query.limit + 1)
    found: Sequence[Contact] = db.session.scalars(wanted).all()
    items = [contact_out(contact) for contact in found[: query.limit]]
    return ContactPage(items=items, next_cursor=str(items[-1].id) if len(found) > query.limit else None)


@api.get(f"/contacts/{CONTACT}")
@operation(ContactOut, Scope.CONTACTS_READ)
def get_contact(contact_id: int) -> ContactOut:
    """One contact"""
    return contact_out(find_contact(contact_id))


@api.post("/contacts")
@operation(ContactAdded, Scope.CONTACTS_WRITE, json=ContactInput, headers=IdempotencyHeaders)
@idempotent
def add_contact(json: ContactInput, headers: IdempotencyHeaders) -> Answer:
    """Add a contact to a team

    Opted in, with source `api`. Somebody with this number who is a contact already joins the team as they
    are; in it already, their status stays. Where somebody who had the number before had texted STOP, or the
    person had opted out of every team, they are opted out unless `reason` says how this person agreed.
    Somebody who is texted at another number joins opted out too. `proof` is recorded as evidence, once, also
    of somebody who is in the team already, and is no reason. A ContactId that somebody else has is 409,
    `external_id_taken`; a closed team is 409, `team_closed`.
    """
    team = find_team(json.team)
    try:
        number = parse_number(json.number)
    except BadNumber as error:
        raise Problem(422, "bad_number", str(error)) from error
    given = given_for(Status.OPTED_IN, json.proof, team.tenant.zone)
    try:
        contact, made = hold_or_make(
            team, number, json.first_name.strip(), json.last_name.strip(), json.external_id.strip()
        )
    except TeamClosed as error:
        raise Problem(409, "team_closed", TEAM_CLOSED) from error
    except Taken as error:
        raise Problem(409, f"{error.field}_taken", "Another contact has it already.") from error
    proof = first_status.add_by_api(token_in_use().actor, contact.id, team.id, number, json.reason, given)
    stored = db.session.get_one(Consent, (contact.id, team.id))
    added = ContactAdded(
        contact=contact_out(contact),
        consent=ConsentOut.model_validate(consent_values(stored)),
        existed=not made,
        code="number_stopped" if stored.opted_out and number_stops.reason(contact.id, team.id) else None,
        proof=None if proof is None else proof.value,
    )
    return added, 200, {}


def find_contact(contact_id: int) -> Contact:
    """Errors: Problem 404."""
    contact = db.session.get(Contact, contact_id)
    if contact and contact.merged_into_id:
        detail = f"Contact {contact_id} was merged into contact {contact.merged_into_id}."
        raise Problem(404, "contact_not_found", detail)
    if contact is None or contact.gone_at:
        raise Problem(404, "contact_not_found", f"There is no contact {contact_id}.")
    return contact


def contact_out(contact: Contact) -> ContactOut:
    return ContactOut(
        id=contact.id,
        first_name=contact.first_name,
        last_name=contact.last_name,
        external_id=contact.external_id,
        number=contact.number,
        created_at=contact.created_at,
    )


def consent_values(stored: Consent) -> dict[str, object]:
    """What ConsentOut shows of a status."""
    return {
        "contact_id": stored.contact_id,
        "team": stored.team.code,
        "status": stored.status,
        "since": stored.since,
        "source": stored.change.source,
        "change_id": stored.change_id,
        "reason_required": consent.needs_reason(stored),
        "possible_opt_out": possible.open_flag(stored.contact_id, stored.team_id) is not None,
    }


def find_team(code: str) -> Team:
    """Errors: Problem 404."""
    team = db.session.scalars(select(Team).where(Team.code == code)).one_or_none()
    if team is None:
        raise Problem(404, "team_not_found", "There is no team with this code.")
    return team


def stored_number(number: str) -> str:
    """A number as it is stored; one that is no full number as it is, for it may be stored from before."""
    # A plus sign that was not escaped in the address arrives as a space.
    given = f"+{number.lstrip('+ ')}"
    try:
        return parse_number(given)
    except BadNumber:
        return given


def _filtered(query: ContactQuery) -> Select[Contact]:
    wanted = select(Contact).where(Contact.gone_at.is_(None))
    if query.cursor:
        wanted = wanted.where(Contact.id > int(query.cursor))
    if query.number:
        wanted = wanted.where(Contact.id == contact_with(stored_number(query.number)))
    if query.external_id is not None:
        wanted = wanted.where(Contact.external_id == query.external_id)
    if query.search:
        wanted = wanted.where(matches(query.search))
    return wanted
