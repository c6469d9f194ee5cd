"""Keeping what is being typed (static/js/drafts.js): a user's own drafts, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from cadence_app.accounts.roles import desk_required
from cadence_app.database_text import storable
from cadence_app.extensions import db
from cadence_app.form_fields import one_kind_of_line_end
from cadence_app.messaging import draft_boxes, drafts
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.drafts import Place, Typed
from cadence_app.ui import query_values
from cadence_app.ui.query_values import Given

blueprint = Blueprint("drafts", __name__, url_prefix="/messages/drafts")


@blueprint.get("")
@desk_required
def show() -> ResponseReturnValue:
    """The words of one place as they are now; and a token for saving, for a page whose own is too old."""
    row = drafts.find(current_user, _place(request.args))
    return draft_boxes.answer(current_user, row) | {"token": generate_csrf()}


@blueprint.post("")
@desk_required
def save() -> ResponseReturnValue:
    """Saves words, or clears them. The answer says what became of them and what is there now."""
    ago = min(query_values.row_id(request.form, "ago") or 0, drafts.KEPT_FOR.total_seconds() * 1000)
    typed = Typed(
        _words("words"),
        draft_boxes.pressed(),
        timedelta(milliseconds=ago),
        query_values.row_id(request.form, "about") or 0,
        _words("aside") if "aside" in request.form else None,
    )
    try:
        outcome, row = drafts.save(current_user, _place(request.form), typed)
    except drafts.Gone:
        abort(404)
    except ValueError:
        abort(422)
    told = draft_boxes.answer(current_user, row) | {"outcome": outcome}
    db.session.commit()
    return told


def _place(given: Given) -> Place:
    """404 for one that is not the user's to see."""
    what, contact_id = given.get("what", ""), query_values.row_id(given, "contact")
    if what not in set(What) or contact_id is None:
        abort(404)
    inbox_id, team_id = (query_values.row_id(given, name) for name in ("inbox", "team"))
    return drafts.open_place(current_user, Place(What(what), contact_id, inbox_id, team_id)) or abort(404)


def _words(name: str) -> str:
    return one_kind_of_line_end(storable(request.form.get(name, "")))
