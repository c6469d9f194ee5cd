"""Contacts: the list, the record, adding and editing."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent import blocks
from cadence_app.consent import service as consent
from cadence_app.contacts import service
from cadence_app.contacts.forms import AddContactForm, EditContactForm
from cadence_app.contacts.models import Contact
from cadence_app.messaging import desk
from cadence_app.ui import htmx
from cadence_app.ui.consent_card import Card, card_of, toggle
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")


@blueprint.get("/")
@desk_required
def index() -> str:
    search = request.args.get("q", "").strip()[:200].replace("\x00", "")
    status = request.args.get("status", "")
    page_number = max(request.args.get("page", 1, type=int), 1)
    if status not in {"", "opted_in", "opted_out"}:
        status = ""
    page = service.find_contacts(current_user, search, status, min(page_number, 10_000))
    return render_template(
        "contacts/index.html",
        page=page,
        page_number=page_number,
        search=search,
        status=status,
        statuses=service.statuses_of(current_user, page.contacts),
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
            )
        except service.Taken as error:
            taken = error.contact
            form[error.field].errors = [_taken_text(error)]
        else:
            flash(f"{contact.name or 'The contact'} is in {team.name}.", "success")
            return redirect(url_for("contacts.show", contact_id=contact.id))
    if taken and not service.find_contact(current_user, taken.id):
        taken = None
    page = render_template("contacts/new.html", form=form, taken=taken)
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/<int:contact_id>")
@desk_required
def show(contact_id: int) -> str:
    contact = _contact(contact_id)
    return _record(contact)


@blueprint.route("/<int:contact_id>/edit", methods=["GET", "POST"])
@desk_required
def edit(contact_id: int) -> ResponseReturnValue:
    contact = _contact(contact_id)
    form = EditContactForm(obj=contact)
    if form.validate_on_submit():
        try:
            service.edit_contact(contact, form.first_name.data, form.last_name.data, form.external_id.data)
        except service.Taken as error:
            form[error.field].errors = [_taken_text(error)]
        else:
            flash("Saved. History keeps the name it was written with.", "success")
            return redirect(url_for("contacts.show", contact_id=contact.id))
    page = render_template("contacts/edit.html", form=form, contact=contact)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<int:contact_id>/teams/<int:team_id>/consent")
@desk_required
def set_consent(contact_id: int, team_id: int) -> ResponseReturnValue:
    contact = _contact(contact_id)
    team = next((team for team in current_user.teams if team.id == team_id), None)
    if team is None or consent.consent_of(contact.id, team.id) is None:
        abort(404)
    back = url_for("contacts.set_consent", contact_id=contact.id, team_id=team.id)
    outcome = toggle(current_user, contact, team, action=back)
    if htmx.wanted():
        page = render_template("consent/_card.html", card=outcome.card)
        return page, outcome.status
    if outcome.card.problem:
        return _record(contact, outcome.card), outcome.status
    return redirect(url_for("contacts.show", contact_id=contact.id))


def _record(contact: Contact, changed_card: Card | None = None) -> str:
    cards = [
        card_of(
            current_user,
            contact,
            stored.team,
            action=url_for("contacts.set_consent", contact_id=contact.id, team_id=stored.team_id),
        )
        for stored in service.statuses_of(current_user, [contact])[contact.id]
    ]
    if changed_card:
        cards = [changed_card if card.team == changed_card.team else card for card in cards]
    return render_template(
        "contacts/show.html",
        contact=contact,
        cards=cards,
        blocks=blocks.blocks_of(contact.id),
        conversations=desk.conversations_with(current_user, contact),
    )


def _taken_text(error: service.Taken) -> str:
    """Names the other contact only to who may see them."""
    what = "number" if error.field == "number" else "ContactId"
    known = service.find_contact(current_user, error.contact.id)
    who = (known.name or known.number) if known else f"Somebody in another {words_for(current_user).team}"
    return f"{who} has this {what} already."


def _contact(contact_id: int) -> Contact:
    return service.find_contact(current_user, contact_id) or abort(404)
