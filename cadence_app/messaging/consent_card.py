"""The card that shows a contact's status in a team, with its toggle and history: in a conversation and on
the contact's record."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from cadence_app.accounts.models import Team, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import evidence_by_user, number_stops, possible, undoing
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence_basis import basis_of
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.consent.evidence_models import Way
from cadence_app.consent.history import changes_of
from cadence_app.consent.models import Consent, OptOutChange, PossibleOptOut, Status
from cadence_app.contacts.agreed_form import AgreedForm, words_field
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import desk, draft_boxes, drafts, evidence_words, opt_out_queue
from cadence_app.ui import query_values

_MAX_REASON = 1000
_NOT_UNDONE = {
    undoing.Why.LATE: "It is too late for Undo. Change it here instead.",
    undoing.Why.CHANGED: "Not undone: the status has changed since.",
    undoing.Why.STOPPED: (
        "Not undone: they have texted since, or have stopped themselves. Read it, then decide here."
    ),
}
_IN_ALREADY = "They were opted in meanwhile, so how they agreed was not kept. Add it to what is recorded."


class OptInForm(AgreedForm):
    """How somebody agreed whom the card opts in; the words are the reason in the history too."""

    words = words_field("What they read, signed or said", _MAX_REASON, name="reason")


@dataclass
class Card:
    """`flagged_by` says what raised the flag, which quotes its texts; `quoted`
    whether the viewer may read those texts. `readable` holds the ids of the texts behind the history that
    they may read: not those to a colleague's personal inbox. `agreed` says, a line for each, how who is opted
    in agreed, as far as anything is recorded. `action` is where the toggle posts to. `problem` is what the
    person must put right; what they had typed, and at which field it is, is in `form`, which says how they
    agreed to an opt in. `number_stop` says that the number was stopped before it was theirs, where an opt in
    must answer that. `undo` takes back what the viewer has just changed by hand."""

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
    form: OptInForm
    undo: undoing.Offer | None
    box: draft_boxes.Box
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    card: Card
    status: int


def card_of(user: User, contact: Contact, team: Team, action: str, form: OptInForm | None = None) -> Card:
    """The card as things stand now, with a `form` that has something to put right."""
    stored = consent.consent_of(contact.id, team.id)
    flag = possible.open_flag(contact.id, team.id)
    quoted = flag is not None and opt_out_queue.quotes(user, flag)
    history = changes_of(contact.id, [team.id])
    box = draft_boxes.of_reason(user, contact.id, team.id, stored)
    form = form or OptInForm(formdata=None, words=box.words)
    form.words.render_kw = {"data-draft": ""}
    form.with_ids(f"consent-{team.id}")
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
        form=form,
        undo=undoing.offered(user, stored),
        box=box,
    )


def toggle(user: User, contact: Contact, team: Team, action: str) -> Outcome:
    """Does what the card's form asks: `status` opted_in with how they agreed, opted_out with `reason`,
    `dismiss` for the possible opt out up to the text `flagged`, or `undo` for the user's own `change`.
    Commits, unless there is a problem."""
    wanted = request.form.get("status", "")
    reason = query_values.text(request.form, "reason", None)
    form, problem = OptInForm(), ""
    if wanted == "dismiss":
        flagged = query_values.row_id(request.form, "flagged")
        if not possible.dismiss(user, contact.id, team.id, flagged):
            problem = "More has come in since, or a colleague has decided. Read it, then decide."
    elif wanted == "undo":
        problem = _undo(user, contact.id, team.id)
    elif wanted not in set(Status):
        problem = "Choose opt in or opt out."
    elif wanted == Status.OPTED_IN:
        problem = _opt_in(user, contact.id, team.id, form)
    elif len(reason) > _MAX_REASON:
        problem = f"Keep the reason under {_MAX_REASON} characters."
    else:
        consent.set_by_user(user, contact.id, team.id, Status.OPTED_OUT, reason)
    if problem:
        db.session.rollback()
    else:
        if wanted == Status.OPTED_IN:
            drafts.end(user, drafts.for_reason(contact.id, team.id), form.words.data, draft_boxes.pressed())
        db.session.commit()
    card = card_of(user, contact, team, action, form if problem else None)
    card.problem = problem
    return Outcome(card, 422 if problem else 200)


def _undo(user: User, contact_id: int, team_id: int) -> str:
    """Takes the user's own change back; why it can't be, if it can't."""
    try:
        undoing.undo(user, contact_id, team_id, query_values.row_id(request.form, "change") or 0)
    except undoing.Refused as refused:
        return _NOT_UNDONE[refused.why]
    return ""


def _opt_in(user: User, contact_id: int, team_id: int, form: OptInForm) -> str:
    """Opts somebody in as the form says, judged by their status as it is now; what must be put right, if
    anything must."""
    lock_contacts(possible.with_holders([contact_id]))
    form.words_alone = consent.needs_reason(consent.consent_of(contact_id, team_id))
    if not form.validate():
        return form.first_problem()
    given = form.given
    try:
        evidence_by_user.refuse_before(contact_id, [team_id], given, Way.OPTED_IN)
        changed = consent.set_by_user(user, contact_id, team_id, Status.OPTED_IN, form.words.data, given)
    except AgreedBefore as error:
        return form.agreed_before(error)
    except consent.ReasonRequired:
        form.words.errors = [
            "Write how this person agreed; an earlier holder of this number had opted out."
            if number_stops.reason(contact_id, team_id)
            else "Write how this person gave consent again; they had opted out by their own text."
        ]
        return form.first_problem()
    if given and not changed and not evidence_by_user.just_recorded(user, contact_id, team_id, given):
        return _IN_ALREADY
    return ""
