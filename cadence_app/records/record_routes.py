"""What is done on a contact's record by whoever shares a team with them: tags, numbers, and what an earlier
holder of a number had stopped."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.contacts import service, tags
from cadence_app.contacts.models import Contact
from cadence_app.inboxes.service import area_code_near
from cadence_app.records import phones
from cadence_app.records.blueprint import blueprint
from cadence_app.records.forms import NumberForm
from cadence_app.records.record_page import record_page, shown_contact, taken_text
from cadence_app.ui import htmx, query_values

_MAX_REASON = 1000
_SAVED = "Saved. The timeline says what changed."


@blueprint.post("/tags")
@desk_required
def add_tag(contact_id: int) -> ResponseReturnValue:
    contact = shown_contact(contact_id)
    typed = request.form.get("tag", "")
    try:
        tags.add_tag(current_user, contact, typed)
    except tags.BadTag as refusal:
        return _tags(contact, str(refusal), typed)
    return _tags(contact)


@blueprint.post("/tags/<int:tag_id>/remove")
@desk_required
def remove_tag(contact_id: int, tag_id: int) -> ResponseReturnValue:
    contact = shown_contact(contact_id)
    tags.remove_tag(current_user, contact, tag_id)
    return _tags(contact)


@blueprint.route("/numbers", methods=["GET", "POST"])
@desk_required
def numbers(contact_id: int) -> ResponseReturnValue:
    shown_contact(contact_id)
    form = NumberForm(number=request.args.get("number", ""))
    taken: Contact | None = None
    if form.validate_on_submit():
        number, reason = form.number.data, form.reason.data
        try:
            if form.use.data == "further":
                phones.add_number(current_user, contact_id, number, reason)
                said = _SAVED
            else:
                how = form.words.data
                again = phones.text_at(current_user, contact_id, number, reason, how, form.given)
                said = _text_at_said(again, bool(how))
        except service.Taken as error:
            form.number.errors = [taken_text(error)]
            taken = service.find_contact(current_user, error.contact.id)
        except phones.Gone:
            abort(404)
        except AgreedBefore as error:
            form.agreed_before(error)
        else:
            flash(said, "success" if said == _SAVED else "warning")
            return redirect(url_for("contacts.show", contact_id=contact_id))
    contact = shown_contact(contact_id)
    if form.number.local:
        shared = service.statuses_of(current_user, [contact])[contact.id]
        form.number.offer_in(area_code_near([stored.team_id for stored in shared]))
    page = render_template(
        "records/numbers.html",
        contact=contact,
        form=form,
        numbers=phones.numbers_of(contact_id),
        taken=taken if taken and taken.id != contact_id else None,
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/numbers/<int:number_id>/end")
@desk_required
def end_number(contact_id: int, number_id: int) -> ResponseReturnValue:
    shown_contact(contact_id)
    try:
        ended = phones.end_number(current_user, contact_id, number_id)
    except phones.Gone:
        abort(404)
    if not ended:
        abort(404)
    flash("The number has ended. A text from it is a stranger's from now on.", "success")
    return redirect(url_for("record.numbers", contact_id=contact_id))


@blueprint.post("/personal-inboxes")
@desk_required
def allow_personal_inboxes(contact_id: int) -> ResponseReturnValue:
    """Lets personal inboxes text a `number` that somebody who had it before had stopped for them, without one
    the number that is texted: `reason` says how this person agreed to texts there."""
    contact = shown_contact(contact_id)
    reason = query_values.text(request.form, "reason", None)
    number = query_values.text(request.form, "number", None) or contact.number
    if not reason or len(reason) > _MAX_REASON:
        problem = f"Keep it under {_MAX_REASON} characters." if reason else "Write how this person agreed."
        wrong = {"personal_problem": problem, "typed_reason": reason, "problem_number": number}
        return record_page(contact, **wrong), 422
    try:
        allowed = phones.allow_personal_inboxes(current_user, contact_id, reason, number)
    except phones.Gone:
        abort(404)
    if not allowed:
        abort(404)
    flash("Personal inboxes may text them again.", "success")
    return redirect(url_for("contacts.show", contact_id=contact_id))


def _text_at_said(again: int | None, agreed: bool) -> str:
    """What became of a number to text at: `again` is what phones.text_at() returned."""
    if again is None:
        return "They are texted at this number already, so nothing changed."
    if agreed and not again:
        return "Saved. They stay opted out, so how they agreed was not kept. Write it where you opt them in."
    return _SAVED


def _tags(contact: Contact, problem: str = "", typed: str = "") -> ResponseReturnValue:
    status = 422 if problem else 200
    if htmx.wanted():
        page = render_template(
            "records/_tags.html",
            contact=contact,
            tags=tags.tags_of([contact.id])[contact.id],
            all_tags=tags.all_tags(),
            tag_problem=problem,
            typed_tag=typed,
        )
        return page, status
    if problem:
        return record_page(contact, tag_problem=problem, typed_tag=typed), status
    return redirect(url_for("contacts.show", contact_id=contact.id))
