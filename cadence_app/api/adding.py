"""Adding a contact to a team."""

from __future__ import annotations

from cadence_app.api.blueprint import api
from cadence_app.api.bulk import TEAM_CLOSED
from cadence_app.api.consents import consent_values
from cadence_app.api.contacts import contact_out, find_team
from cadence_app.api.idempotency import Answer, idempotent
from cadence_app.api.models import Scope
from cadence_app.api.operations import operation, token_in_use
from cadence_app.api.schemas import ConsentOut, ContactAdded, ContactInput, IdempotencyHeaders
from cadence_app.consent import number_stops
from cadence_app.consent.models import Consent
from cadence_app.consent.service import add_by_api
from cadence_app.contacts.numbers import BadNumber, parse_number
from cadence_app.contacts.service import Taken, TeamClosed, hold_or_make
from cadence_app.extensions import db
from cadence_app.ui.problems import Problem


@api.post("/contacts")
@operation(ContactAdded, Scope.CONTACTS_WRITE, json=ContactInput, headers=IdempotencyHeaders)
@idempotent
def add_contact(json: ContactInput, headers: IdempotencyHeaders) -> Answer:
    """Add a contact to a team

    Opted in, with source `api`. Somebody with this number who is a contact already joins the team as they
    are; in it already, their status stays. Where somebody who had the number before had texted STOP, or the
    person had opted out of every team, they are opted out unless `reason` says how this person agreed.
    Somebody who is texted at another number joins opted out too. A ContactId that somebody else has is 409,
    `external_id_taken`; a closed team is 409, `team_closed`.
    """
    team = find_team(json.team)
    try:
        number = parse_number(json.number)
    except BadNumber as error:
        raise Problem(422, "bad_number", str(error)) from error
    try:
        contact, made = hold_or_make(
            team, number, json.first_name.strip(), json.last_name.strip(), json.external_id.strip()
        )
    except TeamClosed as error:
        raise Problem(409, "team_closed", TEAM_CLOSED) from error
    except Taken as error:
        raise Problem(409, f"{error.field}_taken", "Another contact has it already.") from error
    add_by_api(token_in_use().actor, contact.id, team.id, number, json.reason)
    stored = db.session.get_one(Consent, (contact.id, team.id))
    added = ContactAdded(
        contact=contact_out(contact),
        consent=ConsentOut.model_validate(consent_values(stored)),
        existed=not made,
        code="number_stopped" if stored.opted_out and number_stops.reason(contact.id, team.id) else None,
    )
    return added, 200, {}
