"""Merging two records, by admins: choosing the other one, what it would do, and doing it."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.contacts import service, tags
from cadence_app.records import merging, phones
from cadence_app.records.blueprint import blueprint
from cadence_app.records.record_page import GONE, any_contact, record_or_list
from cadence_app.retention.protecting import OnHold, on_hold
from cadence_app.ui import query_values

_HELD = "The record that would go is on legal hold. Keep that one, or lift the hold first."


@blueprint.get("/merge")
@admin_required
def choose_merge(contact_id: int) -> str:
    contact = any_contact(contact_id)
    search = query_values.text(request.args, "q")
    found = service.first_found(current_user, search) if search else []
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
            flash(GONE, "warning")
            return redirect(url_for("contacts.index"))
        except OnHold:
            flash(_HELD, "warning")
            return redirect(url_for("record.merge", contact_id=contact_id, other_id=other_id, kept=kept_id))
        flash("Merged. The history of both is on this record.", "success")
        return redirect(record_or_list(kept_id))
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


def _one_of(ids: list[int], name: str, otherwise: int) -> int:
    """Which of two contacts the address or the form names."""
    chosen = request.values.get(name, type=int)
    return chosen if chosen in ids else otherwise
