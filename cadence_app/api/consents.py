"""A contact's consents, to read and to change one by one or many at once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from cadence_app.accounts.models import Team
from cadence_app.api import bulk
from cadence_app.api.blueprint import api
from cadence_app.api.contacts import CONTACT, consent_values, find_contact, find_team, stored_number
from cadence_app.api.idempotency import Answer, idempotent
from cadence_app.api.models import Scope
from cadence_app.api.operations import only_opt_outs, operation, token_in_use
from cadence_app.api.proof import evidence_values, given_for
from cadence_app.api.schemas import (
    BulkInput,
    BulkOut,
    ConsentChanged,
    ConsentInput,
    ConsentList,
    IdempotencyHeaders,
    MayTextOut,
    MayTextQuery,
)
from cadence_app.consent import blocks
from cadence_app.consent.by_api import Outcome, Result, Wanted, set_by_api
from cadence_app.consent.may_text import Kind
from cadence_app.consent.models import Consent, Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars
from cadence_app.ui.problems import Problem

_REASON_NEEDED = "This person had stopped by their own text; give the reason for opting them in."


@api.get(f"/contacts/{CONTACT}/consents")
@operation(ConsentList, Scope.CONSENT_READ)
def list_consents(contact_id: int) -> ConsentList:
    """The consents of a contact

    One status for each team that the contact is in, with the evidence of how they agreed, and the blocks
    beside them.
    """
    contact = find_contact(contact_id)
    query = (
        select(Consent)
        .join(Consent.team)
        .where(Consent.contact_id == contact.id)
        .options(joinedload(Consent.change), joinedload(Consent.team))
        .order_by(Team.code)
    )
    consents = db.session.scalars(query).all()
    agreed = evidence_values(contact.id, [stored.team_id for stored in consents])
    return ConsentList.model_validate(
        {
            "items": [consent_values(stored) | agreed[stored.team_id] for stored in consents],
            "blocks": [
                {"scope": block.scope, "since": block.since} for block in blocks.blocks_of(contact.id)
            ],
        }
    )


@api.get(f"/contacts/{CONTACT}/may-text")
@operation(MayTextOut, Scope.CONSENT_READ, query=MayTextQuery)
def may_text(contact_id: int, query: MayTextQuery) -> MayTextOut:
    """May this inbox text this contact now, and why not

    What Cadence itself asks before each text: consent in the inbox's team, and every bar beside it. Ask right
    before you text, for the answer holds for this moment. Quiet hours put a campaign off and are no bar.
    """
    contact, inbox = find_contact(contact_id), _find_inbox(query.inbox)
    answer = bars.ask(inbox, contact.id, Kind(query.kind))
    return MayTextOut.model_validate(
        {
            "contact_id": contact.id,
            "number": answer.number,
            "inbox": inbox.number,
            "team": inbox.team.code,
            "kind": query.kind,
            "may_text": answer.bar is None,
            "bar": answer.bar,
            "bars": answer.bars,
            "detail": bars.words_of(answer.bar, inbox) if answer.bar else "",
        }
    )


@api.put(f"/contacts/{CONTACT}/consents/<team>")
@operation(
    ConsentChanged,
    Scope.CONSENT_WRITE,
    opt_outs=lambda json: json.status == Status.OPTED_OUT,
    json=ConsentInput,
    headers=IdempotencyHeaders,
)
@idempotent
def set_consent(contact_id: int, team: str, json: ConsentInput, headers: IdempotencyHeaders) -> Answer:
    """Opt a contact in or out

    In one team, named by its code; a contact who is not in it joins it. The history gets a row, with source
    `api` and the token's name, if the status changes. Somebody who had stopped by their own text is opted
    in only with a reason: without one it is 409, `reason_required`. Where somebody who had the number before
    had, they are opted out instead, and `code` says `number_stopped`. Nobody joins a closed team: 409,
    `team_closed`. `proof` of an opt in is recorded as evidence, once; it is no reason.
    """
    contact, row = find_contact(contact_id), find_team(team)
    given = given_for(json.status, json.proof, row.tenant.zone)
    wanted = Wanted(contact.id, row.id, Status(json.status), json.reason, given=given)
    (outcome,) = set_by_api([wanted], token_in_use().actor)
    if outcome.result == Result.REASON_REQUIRED:
        raise Problem(
            409,
            "reason_required",
            _REASON_NEEDED,
            [{"code": "reason_required", "detail": _REASON_NEEDED, "pointer": "/reason"}],
        )
    if outcome.result == Result.TEAM_CLOSED:
        raise Problem(409, "team_closed", bulk.TEAM_CLOSED)
    stored = db.session.get_one(Consent, (contact.id, row.id))
    return ConsentChanged.model_validate(consent_values(stored) | _result_values(outcome)), 200, {}


@api.post("/consents/bulk")
@operation(
    BulkOut,
    Scope.CONSENT_WRITE,
    opt_outs=lambda json: any(record.status == Status.OPTED_OUT for record in json.records),
    json=BulkInput,
    headers=IdempotencyHeaders,
)
@idempotent
def set_consents(json: BulkInput, headers: IdempotencyHeaders) -> Answer:
    """Change up to 10,000 consents

    Each record is judged by itself and has its own result, in the order of the records; those that are not
    refused are applied together. Of several records for one contact and team an opt out counts, wherever it
    stands, else the first; the others are refused as `duplicate`. With a token whose owner is no admin any
    more, opt outs apply and opt ins are refused as `owner_not_admin`.
    """
    return bulk.apply(json.records, token_in_use().actor, only_opt_outs=only_opt_outs()), 200, {}


def _find_inbox(number: str) -> Inbox:
    """Errors: Problem 404."""
    inbox = db.session.scalars(select(Inbox).where(Inbox.number == stored_number(number))).one_or_none()
    if inbox is None:
        raise Problem(404, "inbox_not_found", "There is no inbox with this number.")
    return inbox


def _result_values(outcome: Outcome) -> dict[str, object]:
    """What came of a change, as ConsentChanged shows it."""
    if outcome.result != Result.NUMBER_STOPPED:
        return {"result": outcome.result, "proof": outcome.proof}
    result = Result.CHANGED if outcome.change_id else Result.UNCHANGED
    return {"result": result, "code": outcome.result, "proof": outcome.proof}
