"""The list of posts that could not be read, for admins. The same page in both modes."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import accounts, unread
from cadence_app.messaging.carriers.models import UnreadDecision, UnreadPost
from cadence_app.messaging.carriers.unread_forms import HandledForm, OptOutForm
from cadence_app.messaging.jobs import dispatch
from cadence_app.ui import query_values

blueprint = Blueprint("unread_texts", __name__, url_prefix="/settings/unread-texts")

_DECIDED = "Somebody has decided about it meanwhile."


@blueprint.get("/")
@admin_required
def index() -> str:
    after = query_values.row_id(request.args, "after") or 0
    first, more_first = unread.waiting(first=True)
    quiet, more_quiet = unread.waiting(first=False, after=after)
    return render_template(
        "messaging/carriers/unread_posts.html",
        first=first,
        more_first=more_first,
        quiet=quiet,
        more_quiet=more_quiet,
        after=after,
        decided=unread.recently_decided(),
        first_total=unread.count(first=True),
        total=unread.count(first=False),
        today=datetime.now(current_user.tenant.zone).date(),
    )


@blueprint.post("/read")
@admin_required
def read() -> ResponseReturnValue:
    """Marks the quiet posts of a page as read."""
    count = unread.mark_read(current_user, query_values.row_ids(request.form, "post", 100))
    flash(f"Marked as read: {count}.", "success")
    return redirect(url_for("unread_texts.index"))


@blueprint.get("/<int:post_id>")
@admin_required
def show(post_id: int) -> ResponseReturnValue:
    post = unread.find(post_id) or abort(404)
    form, inboxes = OptOutForm(number=unread.number_of(post)), accounts.all_inboxes()
    form.offer(inboxes)
    form.inbox.data = next((inbox.id for inbox in inboxes if inbox.number == post.recipient), None)
    return _page(post, HandledForm(), form), 200


@blueprint.post("/<int:post_id>/handled")
@admin_required
def handled(post_id: int) -> ResponseReturnValue:
    post = unread.find(post_id) or abort(404)
    form, other = HandledForm(), OptOutForm(formdata=None, number=unread.number_of(post))
    other.offer(accounts.all_inboxes())
    if not form.validate_on_submit():
        return _page(post, form, other), 422
    try:
        unread.handle(current_user, post, form.note.data or "")
    except unread.Decided:
        flash(_DECIDED, "warning")
    else:
        flash("Noted as handled.", "success")
    return redirect(url_for("unread_texts.index"))


@blueprint.post("/<int:post_id>/opt-out")
@admin_required
def opt_out(post_id: int) -> ResponseReturnValue:
    post = unread.find(post_id) or abort(404)
    form, inboxes = OptOutForm(), accounts.all_inboxes()
    form.offer(inboxes)
    if not form.validate_on_submit():
        return _page(post, HandledForm(formdata=None), form), 422
    inbox: Inbox = next(inbox for inbox in inboxes if inbox.id == form.inbox.data)
    team = inbox.team.name
    try:
        received = unread.opt_out(current_user, post, form.e164, inbox, form.why.data or "")
    except unread.Decided:
        flash(_DECIDED, "warning")
        return redirect(url_for("unread_texts.index"))
    dispatch(received.reply_id)
    flash(f"{form.e164} is opted out of {team}.", "success")
    return redirect(url_for("unread_texts.index"))


def _page(post: UnreadPost, handled: HandledForm, opt_out: OptOutForm) -> str:
    return render_template(
        "messaging/carriers/unread_post.html",
        post=post,
        handled=handled,
        opt_out=opt_out,
        is_open=post.decision == UnreadDecision.OPEN,
    )
