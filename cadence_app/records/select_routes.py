"""What is done with contacts that are selected in the list: the press, and its Undo."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.campaigns.segments import MOST_PICKED
from cadence_app.contacts import selecting
from cadence_app.contacts.press_models import Action
from cadence_app.contacts.tags import BadTag
from cadence_app.extensions import db
from cadence_app.records import people_list
from cadence_app.records.list_address import kept_of, which_of
from cadence_app.ui import query_values

blueprint = Blueprint("selecting", __name__, url_prefix="/contacts/selected")


@blueprint.post("/")
@desk_required
def act() -> ResponseReturnValue:
    """The button that was pressed, for the rows that were ticked or for all that the list has."""
    which = which_of(request.form)
    back = kept_of(which) | {name: query_values.row_id(request.form, name) for name in ("after", "before")}
    wanted = request.form.get("action", "")
    if wanted not in set(Action):
        flash("Choose what to do with them first.", "warning")
        return redirect(url_for("contacts.index", **back))
    if "all" in request.form:
        ids = people_list.ids_of(current_user, which, selecting.MOST)
    else:
        ids = query_values.row_ids(request.form, "c", selecting.MOST)
    if not ids:
        flash("Select a contact first.", "warning")
        return redirect(url_for("contacts.index", **back))
    if wanted == Action.TEXT:
        return _text(ids, back)
    typed = query_values.text(request.form, "with_tag", None)
    try:
        do = selecting.tag if wanted == Action.TAG else selecting.untag
        press = do(current_user, ids, typed)
    except (BadTag, selecting.NoSuchTag) as bad:
        db.session.rollback()
        flash(str(bad), "warning")
        return redirect(url_for("contacts.index", **back))
    return redirect(url_for("contacts.index", **back, did=press.id))


@blueprint.post("/undo/<int:press_id>")
@desk_required
def undo(press_id: int) -> ResponseReturnValue:
    """Turns a press of the user's own back."""
    press = selecting.find(current_user, press_id)
    if press is None or press.action == Action.TEXT:
        abort(404)
    total = len(press.contact_ids)
    done = selecting.undo(current_user, press)
    left = total - done
    if not left:
        flash("Undone." if done == 1 else f"Undone for {done:,}.", "success")
    else:
        flash(f"Undone for {done:,}. {left:,} left as they are: somebody has changed them since.", "success")
    return redirect(url_for("contacts.index", **kept_of(which_of(request.args))))


def _text(ids: list[int], back: dict[str, Any]) -> ResponseReturnValue:
    if len(ids) > MOST_PICKED:
        flash(
            f"{len(ids):,} are too many to pick one by one. Give them a tag here, then choose the tag in a"
            " new campaign.",
            "warning",
        )
        return redirect(url_for("contacts.index", **back))
    press = selecting.begin_campaign(current_user, ids)
    return redirect(url_for("campaigns.new", chosen=press.id))
