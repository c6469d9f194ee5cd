"""What is done on a contact's record: tags and numbers by whoever shares a team with them; merging, erasing
and handing out their data by admins."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts import audit
from cadence_app.accounts.roles import admin_required, desk_required
from cadence_app.contacts import service, tags
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.service import area_code_near
from cadence_app.records import erasing, merging, personal_data, phones
from cadence_app.records.forms import EraseForm, NumberForm
from cadence_app.records.record_page import any_contact, record_page, shown_contact, taken_text
from cadence_app.retention.protecting import OnHold, on_hold
from cadence_app.ui import asked, htmx
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("record", __name__, url_prefix="/contacts/<int:contact_id>")

_MAX_REASON = 1000
_GONE = "This contact was merged or erased meanwhile."
_HELD = "The record that would go is on legal hold. Keep that one, or lift the hold first."


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
            else:
                phones.text_at(current_user, contact_id, number, reason, form.given.data)
        except service.Taken as error:
            form.number.errors = [taken_text(error)]
            taken = service.find_contact(current_user, error.contact.id)
        except phones.Gone:
            abort(404)
        else:
            flash("Saved. The timeline says what changed.", "success")
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
    reason = asked.text(request.form, "reason", None)
    number = asked.text(request.form, "number", None) or contact.number
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


@blueprint.get("/merge")
@admin_required
def choose_merge(contact_id: int) -> str:
    contact = any_contact(contact_id)
    search = asked.text(request.args, "q")
    found = service.find_contacts(current_user, search, "", 1).contacts if search else []
    return render_template(
        "records/merge_choose.html",
        contact=contact,
        search=search,
        found=[each for each in found if each.id != contact.id],
        likely=merging.likely_duplicates(contact),
    )


@blueprint.route("/merge/<int:other_id>", methods=["GET", "POST"])
@admin_required
def merge(contact_id: int, other_id: int) -> ResponseReturnValue:
    both = any_contact(contact_id), any_contact(other_id)
    if contact_id == other_id:
        abort(404)
    ids = [contact.id for contact in both]
    kept_id = _one_of(ids, "kept", contact_id)
    texted_id = _one_of(ids, "texted", kept_id)
    gone_id = next(each for each in ids if each != kept_id)
    if request.method == "POST":
        try:
            merging.merge(current_user, kept_id, gone_id, texted_id)
        except phones.Gone:
            flash(_GONE, "warning")
            return redirect(url_for("contacts.index"))
        except OnHold:
            flash(_HELD, "warning")
            return redirect(url_for("record.merge", contact_id=contact_id, other_id=other_id, kept=kept_id))
        flash("Merged. The history of both is on this record.", "success")
        return redirect(_record_or_list(kept_id))
    return render_template(
        "records/merge.html",
        both=both,
        tags=tags.tags_of(ids),
        kept_id=kept_id,
        gone_id=gone_id,
        texted_id=texted_id,
        outcomes=merging.outcomes(kept_id, gone_id, texted_id),
        held=on_hold([gone_id]),
    )


@blueprint.route("/erase", methods=["GET", "POST"])
@admin_required
def erase(contact_id: int) -> ResponseReturnValue:
    contact = any_contact(contact_id)
    form = EraseForm()
    if form.validate_on_submit():
        try:
            erasing.erase(current_user, contact_id, form.reason.data)
        except phones.Gone:
            flash(_GONE, "warning")
        except OnHold:
            return redirect(url_for("record.erase", contact_id=contact_id))
        else:
            flash("Erased. Nobody texts that number from here until it texts START itself.", "success")
        return redirect(url_for("contacts.index"))
    page = render_template("records/erase.html", contact=contact, form=form, held=on_hold([contact_id]))
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/data")
@admin_required
def data(contact_id: int) -> ResponseReturnValue:
    """Everything stored about the person, as a ZIP."""
    contact = any_contact(contact_id)
    try:
        archive = personal_data.archive_of(current_user, contact, words_for(current_user))
    except personal_data.TooMuch:
        flash("This record has too much for a download. Ask whoever runs Cadence for it.", "warning")
        return redirect(_record_or_list(contact_id))
    audit.record(current_user, "contact.data_exported", f"Contact {contact_id}")
    db.session.commit()
    return send_file(
        archive,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"personal-data-{contact_id}.zip",
    )


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


def _one_of(ids: list[int], name: str, otherwise: int) -> int:
    """Which of two contacts the address or the form names."""
    chosen = request.values.get(name, type=int)
    return chosen if chosen in ids else otherwise


def _record_or_list(contact_id: int) -> str:
    """The record, where the admin is in one of its teams."""
    if service.find_contact(current_user, contact_id):
        return url_for("contacts.show", contact_id=contact_id)
    return url_for("contacts.index")
