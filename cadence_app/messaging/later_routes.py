"""Changing and cancelling a text that is set for a later time."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.messaging import desk, later, quiet_warnings
from cadence_app.messaging.forms import LaterForm
from cadence_app.messaging.models import Conversation, ScheduledText
from cadence_app.messaging.sending import MAX_BODY_LENGTH

blueprint = Blueprint("later", __name__, url_prefix="/messages/conversations")


@blueprint.route("/<int:conversation_id>/later/<int:text_id>", methods=["GET", "POST"])
@desk_required
def edit(conversation_id: int, text_id: int) -> ResponseReturnValue:
    conversation, text = _text(conversation_id, text_id)
    local = text.send_at.astimezone(current_user.zone).replace(tzinfo=None)
    form = LaterForm(body=text.body, send_at=local)
    status = 422 if form.is_submitted() else 200
    if form.validate_on_submit() and form.told_of_time(conversation.contact.number):
        try:
            later.change(text, form.body.data, form.send_at.instant)
        except later.Refused as refused:
            form.body.errors, status = [str(refused)], 409
        else:
            return redirect(url_for("messaging.conversation", conversation_id=conversation.id))
    page = render_template(
        "messaging/later_form.html",
        form=form,
        text=text,
        conversation=conversation,
        clock_hint=quiet_warnings.hint(current_user, conversation.contact.number),
        max_length=MAX_BODY_LENGTH,
    )
    return page, status


@blueprint.post("/<int:conversation_id>/later/<int:text_id>/cancel")
@desk_required
def cancel(conversation_id: int, text_id: int) -> ResponseReturnValue:
    conversation, text = _text(conversation_id, text_id)
    try:
        later.cancel(text)
    except later.Refused as refused:
        flash(str(refused), "warning")
    else:
        flash("The text is cancelled.", "success")
    return redirect(url_for("messaging.conversation", conversation_id=conversation.id))


def _text(conversation_id: int, text_id: int) -> tuple[Conversation, ScheduledText]:
    """A text that is still to go, in one of the user's inboxes; else 404."""
    conversation = desk.find_conversation(current_user, conversation_id) or abort(404)
    return conversation, later.find(conversation, text_id) or abort(404)
