"""The card that shows a contact's status in a team, with its toggle and history: in a conversation and on
the contact's record."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from cadence_app.accounts.models import Team, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import number_stops, possible
from cadence_app.consent.evidence import basis_of
from cadence_app.consent.history import changes_of
from cadence_app.consent.models import Consent, OptOutChange, PossibleOptOut, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import desk, evidence_words, opt_out_queue
from cadence_app.ui import asked

_MAX_REASON = 1000


@dataclass
class Card:
    """`flagged_by` says what raised the flag, which quotes its texts; `quoted`
    whether the viewer may read those texts. `readable` holds the ids of the texts behind the history that
    they may read: not those to a colleague's personal inbox. `agreed` says, a line for each, how who is opted
    in agreed, as far as anything is recorded. `action` is where the toggle posts to. `problem`
    is what the person must put right, at the reason's field; `reason` what they had typed. `number_stop` says
    that the number was stopped before it was theirs, where an opt in must answer that."""

    contact: Contact
    team: Team
    consent: Consent | None
    needs_reason: bool
    number_stop: str | None
    flag: PossibleOptOut | None
    flagged_by: str
    quoted: bool
    history: list[OptOutChange]
    readable: set[int]
    agreed: list[str]
    action: str
    problem: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    card: Card
    status: int


def card_of(user: User, contact: Contact, team: Team, action: str) -> Card:
    """The card as things stand now."""
    stored = consent.consent_of(contact.id, team.id)
    flag = possible.open_flag(contact.id, team.id)
    quoted = flag is not None and opt_out_queue.quotes(user, flag)
    history = changes_of(contact.id, [team.id])
    basis = basis_of(contact.id, team.id)
    behind = {change.message_id for change in history if change.message_id}
    if basis.text and basis.text.message_id:
        behind.add(basis.text.message_id)
    readable = desk.readable(user, behind)
    return Card(
        contact=contact,
        team=team,
        consent=stored,
        needs_reason=consent.needs_reason(stored),
        number_stop=number_stops.reason(contact.id, team.id),
        flag=flag,
        flagged_by=opt_out_queue.flagged_by(flag) if quoted and flag else "",
        quoted=quoted,
        history=history,
        readable=readable,
        agreed=evidence_words.lines_of(basis, readable, user.zone),
        action=action,
    )


def toggle(user: User, contact: Contact, team: Team, action: str) -> Outcome:
    """Does what the card's form asks: `status` opted_in or opted_out with `reason`, or `dismiss` for the
    possible opt out up to the text `flagged`. Commits, unless there is a problem."""
    wanted = request.form.get("status", "")
    reason = asked.text(request.form, "reason", None)
    problem = ""
    if wanted == "dismiss":
        flagged = asked.row_id(request.form, "flagged")
        if not possible.dismiss(user, contact.id, team.id, flagged):
            problem = "More has come in since, or a colleague has decided. Read it, then decide."
    elif wanted not in set(Status):
        problem = "Choose opt in or opt out."
    elif len(reason) > _MAX_REASON:
        problem = f"Keep the reason under {_MAX_REASON} characters."
    else:
        try:
            consent.set_by_user(user, contact.id, team.id, Status(wanted), reason)
        except consent.ReasonRequired:
            problem = (
                "Write how this person agreed; an earlier holder of this number had opted out."
                if number_stops.reason(contact.id, team.id)
                else "Write how this person gave consent again; they had opted out by their own text."
            )
    if problem:
        db.session.rollback()
    else:
        db.session.commit()
    card = card_of(user, contact, team, action)
    card.problem, card.reason = problem, reason if problem else ""
    return Outcome(card, 422 if problem else 200)
