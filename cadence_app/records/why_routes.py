"""Why this could go: the page of one text of ours, to read and to print."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.messaging import desk
from cadence_app.messaging.media import service as media
from cadence_app.records import why_sent

blueprint = Blueprint("why", __name__, url_prefix="/messages/conversations")


@blueprint.get("/<int:conversation_id>/texts/<int:message_id>")
@desk_required
def show(conversation_id: int, message_id: int) -> str:
    """For whoever may read the conversation."""
    found = desk.find_conversation(current_user, conversation_id) or abort(404)
    message = why_sent.find(found, message_id) or abort(404)
    told = why_sent.why(current_user, message)
    readable = {told.change.message_id} if told.change and told.change.message_id else set()
    return render_template(
        "records/why.html",
        conversation=found,
        message=message,
        told=told,
        files=media.of_texts([message.id]).get(message.id, []),
        readable=desk.readable(current_user, readable),
        method_names=METHOD_NAMES,
    )
