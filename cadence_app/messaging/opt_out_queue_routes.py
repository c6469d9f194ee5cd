"""The queue of possible opt outs, and deciding one in its place. The same page in both modes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent import by_user as consent
from cadence_app.consent import possible
from cadence_app.consent.models import Decision, Status
from cadence_app.extensions import db
from cadence_app.messaging import opt_out_queue
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.opt_out_queue import Waiting
from cadence_app.ui import htmx, query_values

blueprint = Blueprint("opt_out_queue", __name__, url_prefix="/messages/possible-opt-outs")

_DONE = {Decision.OPTED_OUT: "Opted out", Decision.DISMISSED: "Decided: no opt out"}
_MORE_CAME = "More has come in since you opened this page. Read it, then decide."


@blueprint.get("/")
@desk_required
def index() -> str:
    after = opt_out_queue.Cursor.parse(request.args.get("after", ""))
    page = opt_out_queue.page_of(current_user, after)
    total = opt_out_queue.count(current_user)
    unread_total = unread.count(first=True) if current_user.is_admin else 0
    return render_template(
        "messaging/opt_out_queue.html", page=page, after=after, total=total, unread_total=unread_total
    )


@blueprint.post("/<int:flag_id>")
@desk_required
def decide(flag_id: int) -> ResponseReturnValue:
    """`status` is opted_out, or dismiss for the words up to the text `flagged`."""
    waiting = opt_out_queue.find(current_user, flag_id)
    if waiting is None:
        gone = opt_out_queue.decided(current_user, flag_id) or abort(404)
        by = f" by {gone.decided_by.name}" if gone.decided_by else ""
        return _answer(None, f"{_DONE[gone.decision]} already{by}.", 409)
    wanted, flag = request.form.get("status", ""), waiting.flag
    if wanted == Status.OPTED_OUT:
        consent.set_by_user(current_user, flag.contact_id, flag.team_id, Status.OPTED_OUT)
        done = Decision.OPTED_OUT
    elif wanted != "dismiss":
        return _answer(waiting, "Choose one of the two.", 422)
    elif possible.dismiss(
        current_user, flag.contact_id, flag.team_id, query_values.row_id(request.form, "flagged")
    ):
        done = Decision.DISMISSED
    else:
        db.session.rollback()
        return _answer(opt_out_queue.find(current_user, flag_id), _MORE_CAME, 422)
    db.session.commit()
    who = waiting.contact.name or waiting.contact.number
    return _answer(None, f"{who}, {waiting.team.name}: {_DONE[done].lower()}.", 200)


def _answer(waiting: Waiting | None, said: str, status: int) -> ResponseReturnValue:
    """The flag again with what is wrong, or what became of it."""
    if htmx.wanted():
        total = opt_out_queue.count(current_user)
        part = render_template("messaging/_possible.html", row=waiting, said=said, status=status, total=total)
        return part, status
    flash(said, "success" if status == 200 else "warning")
    after = opt_out_queue.Cursor.parse(request.form.get("after", ""))
    return redirect(url_for("opt_out_queue.index", after=str(after) if after else None))
