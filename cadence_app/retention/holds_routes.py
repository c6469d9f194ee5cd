"""The page of a contact's legal hold. Admins only, in whichever team the contact is."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import find_contact
from cadence_app.extensions import db
from cadence_app.retention import holds
from cadence_app.retention.forms import HoldForm

blueprint = Blueprint("holds", __name__, url_prefix="/contacts/<int:contact_id>/hold")


@blueprint.route("", methods=["GET", "POST"])
@admin_required
def edit(contact_id: int) -> ResponseReturnValue:
    contact = db.session.get(Contact, contact_id) or abort(404)
    hold, form = holds.hold_of(contact_id), HoldForm()
    name = contact.name or contact.number
    if request.form.get("lift") and form.is_submitted():
        holds.lift_hold(current_user, contact)
        flash(f"The hold on {name} is lifted.", "success")
        return redirect(url_for("holds.edit", contact_id=contact_id))
    if form.validate_on_submit():
        try:
            holds.set_hold(current_user, contact, form.reason.data)
        except holds.Gone:
            abort(404)
        flash(f"{name} is on hold and is not removed.", "success")
        return redirect(url_for("holds.edit", contact_id=contact_id))
    if hold and not form.is_submitted():
        form.reason.data = hold.reason
    on_record = find_contact(current_user, contact_id) is not None
    page = render_template("retention/hold.html", contact=contact, hold=hold, form=form, on_record=on_record)
    return page, 422 if form.is_submitted() else 200
