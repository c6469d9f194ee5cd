"""Taking back a text that somebody has just pressed Send for, and sending it before its time.

Both post the box with it, so that what is being written there stays, with a script or without.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.messaging import desk, undo
from cadence_app.messaging.forms import ComposeForm
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.routes import LISTS_CHANGED, open_parts, thread_page
from cadence_app.messaging.writing import LARGEST_FORM
from cadence_app.ui import htmx, query_values

blueprint = Blueprint("undo", __name__, url_prefix="/messages/conversations")


@blueprint.url_value_preprocessor
def allow_pictures(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """As for a text in a conversation (routes.py): without a script the files in the box come too."""
    if current_user.is_authenticated and current_user.works_desk:
        request.max_content_length = LARGEST_FORM


_TAKEN_BACK = "Taken back. Nothing was sent."
_TOO_LATE = {
    undo.Why.GOING: "Too late to take it back: the text is on its way.",
    undo.Why.GONE: "There is no such text to take back. Perhaps you did so in another window.",
    undo.Why.UNSENT: "There is nothing to take back: the text was not sent, and says why.",
}
_NOT_SOONER = {
    undo.Why.GOING: "",
    undo.Why.GONE: "There is no such text to send. Perhaps you took it back in another window.",
    undo.Why.UNSENT: "The text was not sent, and says why.",
}


@blueprint.post("/<int:conversation_id>/texts/<int:message_id>/undo")
@desk_required
def take_back(conversation_id: int, message_id: int) -> ResponseReturnValue:
    """Its words go back into the box, above what is in it by now; nothing there is written over."""
    found = _conversation(conversation_id)
    try:
        back = undo.take_back(current_user, found, message_id, _typed())
    except undo.TooLate as late:
        return _answer(found, _TOO_LATE[late.why], 409)
    dispatch(message_id)
    return _answer(found, _TAKEN_BACK, 200, back)


@blueprint.post("/<int:conversation_id>/texts/<int:message_id>/send-now")
@desk_required
def send_now(conversation_id: int, message_id: int) -> ResponseReturnValue:
    """What is left of its wait is skipped, and that of what they pressed before it."""
    found = _conversation(conversation_id)
    try:
        going = undo.send_now(current_user, found, message_id)
    except undo.TooLate as late:
        told = _NOT_SOONER[late.why]
        return _answer(found, told, 409 if told else 200)
    for each in going:
        dispatch(each)
    return _answer(found, "", 200)


def _answer(
    found: Conversation, told: str, status: int, back: undo.TakenBack | None = None
) -> ResponseReturnValue:
    """The thread as it is now and the box with what was in it, below what has come back."""
    words = back.words if back else _typed()
    kept = [each.word for each in back.files] if back else []
    form = ComposeForm(formdata=None, body=words, kept=[*kept, *request.form.getlist("kept")])
    if not htmx.wanted():
        return thread_page(found, form, told=told), status
    page = render_template("messaging/_taken_back.html", **open_parts(found), form=form, told=told)
    return page, status, LISTS_CHANGED


def _typed() -> str:
    return query_values.text(request.form, "body", None)


def _conversation(conversation_id: int) -> Conversation:
    return desk.find_conversation(current_user, conversation_id) or abort(404)
