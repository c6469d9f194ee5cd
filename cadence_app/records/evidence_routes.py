"""Adding how somebody agreed who is opted in already: to what is recorded, or where nothing is."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent import evidence_by_user
from cadence_app.consent.by_user import consent_of
from cadence_app.consent.evidence_by_user import AgreedBefore, NotOptedIn
from cadence_app.consent.models import Consent
from cadence_app.contacts.agreed_form import AgreedAlreadyForm
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import desk
from cadence_app.records.record_page import any_contact, record_or_list, shown_contact
from cadence_app.ui import query_values

blueprint = Blueprint(
    "consent_evidence", __name__, url_prefix="/contacts/<int:contact_id>/teams/<int:team_id>"
)

_OUT = "They are opted out, so this was not kept. Opt them in, and say there how they agreed."


@blueprint.route("/agreed", methods=["GET", "POST"])
@desk_required
def add(contact_id: int, team_id: int) -> ResponseReturnValue:
    """A form for agents of the team and for admins. `conversation` is the one to go back to."""
    contact, stored = _in_team(contact_id, team_id)
    back = _back_to(contact.id)
    form, problem, status = AgreedAlreadyForm(), "", 200
    if form.validate_on_submit() and (given := form.given):
        try:
            evidence_by_user.add(current_user, contact.id, team_id, given)
        except AgreedBefore as error:
            form.agreed_before(error)
        except NotOptedIn:
            problem, status = _OUT, 409
        else:
            db.session.commit()
            flash("How they agreed is recorded.", "success")
            return redirect(back)
        db.session.rollback()
        contact, stored = _in_team(contact_id, team_id)
    if form.is_submitted() and not problem:
        status = 422
    page = render_template(
        "records/agreed.html", contact=contact, stored=stored, form=form, back=back, problem=problem
    )
    return page, status


def _in_team(contact_id: int, team_id: int) -> tuple[Contact, Consent]:
    """A contact, and their status in a team that the viewer may enter this for; 404 for any other."""
    contact = any_contact(contact_id) if current_user.is_admin else shown_contact(contact_id)
    stored = consent_of(contact.id, team_id)
    if stored is None or not (current_user.is_admin or stored.team in current_user.teams):
        abort(404)
    return contact, stored


def _back_to(contact_id: int) -> str:
    """The conversation from whose card they came, else the record."""
    conversation_id = query_values.row_id(request.values, "conversation")
    if conversation_id and desk.find_conversation(current_user, conversation_id):
        return url_for("messaging.conversation", conversation_id=conversation_id, pane="card")
    return record_or_list(contact_id)
