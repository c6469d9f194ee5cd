"""Done, snoozed, open again: of the open conversation, and of many in the list; and Undo."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from wtforms import Form, ValidationError

from cadence_app.accounts.models import User
from cadence_app.accounts.roles import desk_required
from cadence_app.contacts.tags import BadTag
from cadence_app.extensions import db
from cadence_app.form_fields import LaterField, exact_time
from cadence_app.messaging import answering, batch_words, bulk, desk, desk_choices, snooze_times
from cadence_app.messaging.answering_many import Turned
from cadence_app.messaging.bulk import Seen
from cadence_app.messaging.desk_models import Action, Batch, StateChange
from cadence_app.messaging.desk_which import Which
from cadence_app.messaging.forms import ComposeForm
from cadence_app.messaging.lists import kept_of, which_of
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.routes import thread_page
from cadence_app.ui import query_values

blueprint = Blueprint("done", __name__, url_prefix="/messages")

# So far down a list the next one is looked for.
_LOOKED_THROUGH = 500
_NEW_TEXT = "A new text came in, so it stays open. Read it first."


class _SnoozeForm(Form):
    at = LaterField("Snooze until")


class _NoTime(ValueError):
    """The time to snooze to is none; said at `field`, with what may be meant."""

    def __init__(self, words: str, field: LaterField) -> None:
        super().__init__(words)
        field.errors = [words]
        self.field = field


@blueprint.post("/conversations/<int:conversation_id>/done")
@desk_required
def change(conversation_id: int) -> ResponseReturnValue:
    """Done, Snooze or Open again, as the button says. After the first two the next one of the list is
    opened."""
    found = desk.find_conversation(current_user, conversation_id) or abort(404)
    wanted, seen_id = request.form.get("do", "done"), query_values.row_id(request.form, "seen") or 0
    which, next_id = which_of(request.args), None
    if wanted != "reopen":
        next_id = _next(which, found)
    try:
        if wanted == "done":
            action, made = Action.DONE, answering.done(current_user, found, seen_id)
        elif wanted == "reopen":
            action, made = Action.REOPEN, answering.reopen(current_user, found)
        else:
            until = _until(wanted)
            action, made = Action.SNOOZE, answering.snooze(current_user, found, until, seen_id)
    except answering.Overtaken:
        db.session.rollback()
        return _stays(found, _NEW_TEXT, 409)
    except (answering.Refused, _NoTime) as refused:
        db.session.rollback()
        return _stays(found, str(refused), 422, getattr(refused, "field", None))
    batch = _kept(action, made)
    db.session.commit()
    return redirect(_after(which, found, next_id, batch, request.form.get("by") == "key"))


@blueprint.post("/bulk")
@desk_required
def act() -> ResponseReturnValue:
    """What was chosen, with the rows that were ticked, the one whose own button was pressed, or all that the
    list has."""
    which = which_of(request.form)
    seen = _seen()
    whole_list = "all" in request.form and "one" not in request.form
    ids = desk.ids_of(current_user, which, bulk.MOST) if whole_list else list(seen.texts)
    back = {**kept_of(which), "inbox": which.inbox_id or ""}
    if not ids:
        flash("Select a conversation first.", "warning")
        return redirect(url_for("messaging.desk", **back))
    action = _action(request.form.get("one", "").partition(":")[0] or request.form.get("action", ""))
    assignee_id = query_values.row_id(request.form, "assignee")
    if assignee_id is not None and db.session.get(User, assignee_id) is None:
        abort(400)
    try:
        batch = bulk.act(
            current_user,
            action,
            ids,
            seen,
            whole_list=whole_list,
            assignee_id=assignee_id,
            tag=query_values.text(request.form, "tag", None),
        )
    except BadTag as bad:
        db.session.rollback()
        flash(str(bad), "warning")
        return redirect(url_for("messaging.desk", **back))
    return redirect(url_for("messaging.desk", **back, did=batch.id))


@blueprint.post("/undo/<int:batch_id>")
@desk_required
def undo(batch_id: int) -> ResponseReturnValue:
    """Puts back what one press changed. To the conversation, where it was one; else to the list."""
    batch = bulk.find(current_user, batch_id) or abort(404)
    items = bulk.items_of(batch)
    conversation_id = items[0].conversation_id if len(items) == 1 else None
    flash(batch_words.undone(bulk.undo(current_user, batch)), "success")
    kept = kept_of(which_of(request.args))
    if conversation_id and desk.find_conversation(current_user, conversation_id):
        return redirect(url_for("messaging.conversation", conversation_id=conversation_id, **kept))
    return redirect(url_for("messaging.desk", **(kept | {"inbox": kept["inbox"] or ""})))


@blueprint.post("/choices")
@desk_required
def choose() -> ResponseReturnValue:
    """The order of those who need a reply, and that the line about the upgrade has been read."""
    if "order" in request.form:
        desk_choices.keep(current_user, oldest_first=request.form["order"] == "oldest")
    if "quiet_told" in request.form:
        desk_choices.keep(current_user, quiet_told=True)
    kept = kept_of(which_of(request.args))
    return redirect(url_for("messaging.desk", **(kept | {"inbox": kept["inbox"] or ""})))


def _until(wanted: str) -> datetime:
    """The time to snooze to (UTC). Errors: Refused, _NoTime."""
    if wanted == "at" or exact_time(wanted):
        form = _SnoozeForm(request.form if wanted == "at" else MultiDict({"at": wanted}))
        if form.at.process_errors:
            raise _NoTime(str(form.at.process_errors[0]), form.at)
        try:
            form.at.check(current_user.zone)
        except ValidationError as error:
            raise _NoTime(str(error), form.at) from error
        return form.at.instant
    until = snooze_times.time_of(wanted, current_user.zone)
    if until is None:
        raise answering.Refused("That time is not offered any more. Choose another.")
    return until


def _kept(action: Action, made: StateChange | None) -> Batch | None:
    if made is None:
        return None
    return bulk.keep_one(current_user, action, Turned(made.conversation_id, made.id))


def _next(which: Which, found: Conversation) -> int | None:
    """The conversation after this one in the list that is shown beside it, else the one before; None where
    it is the only one."""
    ids = desk.ids_of(current_user, which, _LOOKED_THROUGH)
    if found.id not in ids:
        return ids[0] if ids else None
    at = ids.index(found.id)
    around = [*ids[at + 1 : at + 2], *ids[max(at - 1, 0) : at]]
    return around[0] if around else None


def _after(which: Which, found: Conversation, next_id: int | None, batch: Batch | None, by_key: bool) -> str:
    kept: dict[str, Any] = kept_of(which) | {"did": batch.id if batch else None}
    if by_key and batch and batch.action == Action.DONE:
        choice = desk_choices.of(current_user)
        if not choice.done_told:
            desk_choices.keep(current_user, done_told=True)
            kept["by"] = "key"
    if batch is None or batch.action == Action.REOPEN:
        return url_for("messaging.conversation", conversation_id=found.id, **kept)
    if next_id is None:
        return url_for("messaging.desk", **(kept | {"inbox": which.inbox_id or ""}))
    return url_for("messaging.conversation", conversation_id=next_id, **kept)


def _stays(
    found: Conversation, why: str, status: int, snoozing: LaterField | None = None
) -> ResponseReturnValue:
    desk.mark_read(found)
    if snoozing is None:
        flash(why, "warning")
    return thread_page(found, ComposeForm(formdata=None), snoozing=snoozing), status


def _action(wanted: str) -> Action:
    if wanted not in set(Action) or wanted == Action.SNOOZE:
        abort(400)
    return Action(wanted)


def _seen() -> Seen:
    """What the page showed: rows as "id:last text", or "action:id:last text" for one's own button, and the
    time at which it was made."""
    one = request.form.get("one", "")
    rows = [one.partition(":")[2]] if one else request.form.getlist("c")[: bulk.MOST]
    texts: dict[int, int] = {}
    for row in rows:
        first, _, last = row.partition(":")
        if all(each.isascii() and each.isdigit() and len(each) < 19 for each in (first, last)):
            texts[int(first)] = int(last)
    try:
        at = datetime.fromtimestamp(float(request.form.get("made_at", "0")), UTC)
    except (ValueError, OverflowError, OSError):
        at = datetime.fromtimestamp(0, UTC)
    return Seen(texts, min(at, datetime.now(UTC)))
