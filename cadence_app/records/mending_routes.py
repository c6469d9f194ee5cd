"""The list of numbers to mend, for admins: Contacts > To mend, where there is anything on it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.contacts import mending
from cadence_app.records.record_page import any_contact
from cadence_app.ui import query_values

blueprint = Blueprint("mending", __name__, url_prefix="/contacts/to-mend")


@blueprint.get("")
@admin_required
def index() -> str:
    after = query_values.row_id(request.args, "after") or 0
    entries, more = mending.to_mend(after)
    return render_template(
        "records/to_mend.html",
        entries=entries,
        total=mending.count_to_mend(),
        own_team_ids={team.id for team in current_user.teams},
        after=after,
        more=more,
    )


@blueprint.post("/<int:contact_id>/leave")
@admin_required
def leave(contact_id: int) -> ResponseReturnValue:
    """Takes a number off the list as it is: it stays on the record, and nothing is sent to it."""
    any_contact(contact_id)
    if mending.leave(current_user, contact_id, query_values.text(request.form, "number")):
        flash("It stays as it is, and nothing is sent to it.", "success")
    else:
        flash("That number is not on the list any more.", "warning")
    return redirect(url_for("mending.index"))
