"""Contacts: the list, the record, adding and editing."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.campaigns.segments import MOST_PICKED
from cadence_app.consent import by_user as consent
from cadence_app.consent import number_stops
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.contacts import fields, selecting, service, tags
from cadence_app.contacts.mending import count_to_mend
from cadence_app.contacts.models import Contact, CustomField
from cadence_app.inboxes.service import area_code_near
from cadence_app.messaging.consent_card import toggle
from cadence_app.records import people_list
from cadence_app.records.forms import AddContactForm, EditContactForm
from cadence_app.records.list_address import kept_of, only_team, pressed, which_of
from cadence_app.records.record_page import record_page, shown_contact, taken_text
from cadence_app.ui import htmx, query_values
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")


@blueprint.get("/")
@desk_required
def index() -> str:
    which = which_of(request.args)
    place = people_list.Place(
        query_values.row_id(request.args, "after"), query_values.row_id(request.args, "before")
    )
    page = people_list.find(current_user, which, place)
    press = selecting.find(current_user, query_values.row_id(request.args, "did"))
    return render_template(
        "records/index.html",
        page=page,
        which=which,
        at=kept_of(which),
        place={"after": place.after, "before": place.before},
        pressed=pressed,
        only_team=only_team(which),
        most=selecting.MOST,
        most_texted=MOST_PICKED,
        press=press,
        all_tags=tags.all_tags(),
        tags=tags.tags_of([contact.id for contact in page.contacts]),
        statuses=service.statuses_of(current_user, page.contacts),
        last_texts=people_list.last_texts(current_user, page.contacts),
        to_mend=count_to_mend() if current_user.is_admin else 0,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@desk_required
def new() -> ResponseReturnValue:
    form = AddContactForm()
    form.team_id.label.text = words_for(current_user).Team
    form.team_id.choices = [(team.id, team.name) for team in current_user.teams if not team.closed_at]
    taken: Contact | None = None
    if form.validate_on_submit():
        team = next(team for team in current_user.teams if team.id == form.team_id.data)
        try:
            contact = service.add_contact(
                current_user,
                team,
                form.number.data,
                form.first_name.data,
                form.last_name.data,
                form.external_id.data,
                form.given,
            )
        except AgreedBefore as error:
            form.agreed_before(error)
        except service.TeamClosed:
            form.team_id.errors = ["It was closed meanwhile, so nobody can be added to it."]
        except service.Taken as error:
            taken = error.contact
            form[error.field].errors = [taken_text(error)]
        else:
            who = contact.name or "The contact"
            stopped = number_stops.reason(contact.id, team.id)
            if stopped:
                flash(
                    f"{who} is in {team.name}, opted out. {stopped} If they agreed, write how and opt in.",
                    "warning",
                )
            elif contact.number == form.number.data:
                flash(f"{who} is in {team.name}.", "success")
            else:
                kept = " How they agreed was not kept: it must be for that one." if form.given else ""
                flash(
                    f"{who} is in {team.name}, opted out: they are texted at another number.{kept}", "warning"
                )
            return redirect(url_for("contacts.show", contact_id=contact.id))
    if taken and not service.find_contact(current_user, taken.id):
        taken = None
    if form.number.local and form.team_id.data:
        form.number.offer_in(area_code_near([form.team_id.data]))
    page = render_template("records/new.html", form=form, taken=taken)
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/<int:contact_id>")
@desk_required
def show(contact_id: int) -> ResponseReturnValue:
    kept_id = service.kept_of(contact_id)
    if kept_id != contact_id:
        return redirect(url_for("contacts.show", contact_id=kept_id))
    return record_page(shown_contact(contact_id))


@blueprint.route("/<int:contact_id>/edit", methods=["GET", "POST"])
@desk_required
def edit(contact_id: int) -> ResponseReturnValue:
    contact = shown_contact(contact_id)
    own_fields = fields.custom_fields()
    form = fields.with_custom_fields(EditContactForm, own_fields)(
        obj=contact, **fields.shown_in_form(contact, own_fields)
    )
    return _edited(contact, form, own_fields)


@blueprint.post("/<int:contact_id>/name")
@desk_required
def name(contact_id: int) -> ResponseReturnValue:
    """Names a contact from a form of names alone, such as the one of an unknown contact."""
    return _edited(shown_contact(contact_id), EditContactForm(), None)


@blueprint.post("/<int:contact_id>/teams/<int:team_id>/consent")
@desk_required
def set_consent(contact_id: int, team_id: int) -> ResponseReturnValue:
    contact = shown_contact(contact_id)
    team = next((team for team in current_user.teams if team.id == team_id), None)
    if team is None or consent.consent_of(contact.id, team.id) is None:
        abort(404)
    back = url_for("contacts.set_consent", contact_id=contact.id, team_id=team.id)
    outcome = toggle(current_user, contact, team, action=back)
    if htmx.wanted():
        page = render_template("consent/_card.html", card=outcome.card)
        return page, outcome.status
    if outcome.card.problem:
        return record_page(contact, changed_card=outcome.card), outcome.status
    return redirect(url_for("contacts.show", contact_id=contact.id))


def _edited(
    contact: Contact, form: EditContactForm, own_fields: list[CustomField] | None
) -> ResponseReturnValue:
    """Saves what the form says, or shows it again. Without `own_fields` it is of the names alone."""
    taken: Contact | None = None
    if form.validate_on_submit():
        try:
            service.edit_contact(
                current_user,
                contact,
                fields.values_of(form, own_fields) if own_fields is not None else None,
                first_name=form.first_name.data,
                last_name=form.last_name.data,
                external_id=form.external_id.data,
            )
        except service.Taken as error:
            form[error.field].errors = [taken_text(error)]
            taken = service.find_contact(current_user, error.contact.id)
        else:
            flash("Saved. History keeps the name it was written with.", "success")
            return redirect(_back_to(contact.id))
    page = render_template(
        "records/edit.html", form=form, contact=contact, own_fields=own_fields, taken=taken
    )
    return page, 422 if form.is_submitted() else 200


def _back_to(contact_id: int) -> str:
    """The conversation whose card the form stood on, else the record."""
    conversation_id = query_values.row_id(request.form, "conversation")
    if conversation_id:
        return url_for("messaging.conversation", conversation_id=conversation_id)
    return url_for("contacts.show", contact_id=contact_id)
