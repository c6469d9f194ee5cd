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

blueprint = Blueprint("drafts", __name__, url_prefix="/messages/drafts")
# `of_id` is the team of a reason, and the inbox of what is to be a text or a note.
_PLACE = f"/<any({', '.join(What)}):what>/<int:contact_id>/<int:of_id>"


@blueprint.get(_PLACE)
@desk_required
def show(what: str, contact_id: int, of_id: int) -> ResponseReturnValue:
    """The words of one place as they are now; and a token for saving, for a page whose own is too old."""
    row = drafts.find(current_user, _place(what, contact_id, of_id))
    return draft_boxes.answer(current_user, row) | {"token": generate_csrf()}


@blueprint.post(_PLACE)
@desk_required
def save(what: str, contact_id: int, of_id: int) -> ResponseReturnValue:
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
        outcome, row = drafts.save(current_user, _place(what, contact_id, of_id), typed)
    except drafts.Gone:
        abort(404)
    except ValueError:
        abort(422)
    told = draft_boxes.answer(current_user, row) | {"outcome": outcome}
    db.session.commit()
    return told


def _place(what: str, contact_id: int, of_id: int) -> Place:
    """404 for one that is not the user's to see."""
    return drafts.open_place(current_user, Place(What(what), contact_id, of_id)) or abort(404)


def _words(name: str) -> str:
    return one_kind_of_line_end(storable(request.form.get(name, "")))
