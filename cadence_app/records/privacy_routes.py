"""What an admin does for a person who asks what is stored of them: hands it out, or erases it."""

from __future__ import annotations

from flask import flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts import audit
from cadence_app.accounts.roles import admin_required
from cadence_app.extensions import db
from cadence_app.records import erasing, personal_data, phones
from cadence_app.records.blueprint import blueprint
from cadence_app.records.forms import EraseForm
from cadence_app.records.record_page import GONE, any_contact, record_or_list
from cadence_app.retention.protecting import OnHold, on_hold
from cadence_app.ui.navigation import words_for


@blueprint.route("/erase", methods=["GET", "POST"])
@admin_required
def erase(contact_id: int) -> ResponseReturnValue:
    contact = any_contact(contact_id)
    form = EraseForm()
    if form.validate_on_submit():
        try:
            erasing.erase(current_user, contact_id, form.reason.data)
        except phones.Gone:
            flash(GONE, "warning")
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
        return redirect(record_or_list(contact_id))
    audit.record(current_user, "contact.data_exported", f"Contact {contact_id}")
    db.session.commit()
    return send_file(
        archive,
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"personal-data-{contact_id}.zip",
    )
