"""Your account > Notifications: mails, and the browsers that notices go to.

What notices.js sends and gets is JSON; the form needs no script.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts.requests import session_in_use
from cadence_app.accounts.roles import desk_required
from cadence_app.alerts import choices, keys, subscribing
from cadence_app.alerts.forms import ChoiceForm
from cadence_app.alerts.subscribing import Given
from cadence_app.extensions import db, limiter

blueprint = Blueprint("alerts", __name__, url_prefix="/account/notifications")


@blueprint.route("", methods=["GET", "POST"])
@desk_required
def index() -> ResponseReturnValue:
    choice = choices.choice_of(current_user)
    stored = {
        "mentions": choice.mentions,
        "assignments": choice.assignments,
        "waiting": choice.waiting_from is not None,
    }
    form = ChoiceForm(data=stored)
    if form.validate_on_submit():
        choices.choose(current_user, form.mentions.data, form.assignments.data, form.waiting.data)
        db.session.commit()
        flash("Your choices are saved.", "success")
        return redirect(url_for("alerts.index"))
    page = render_template(
        "alerts/index.html",
        form=form,
        browsers=subscribing.of_user(current_user),
        this_session=session_in_use().id,
        public_key=keys.public_key(),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/browsers")
@desk_required
@limiter.limit("30 per minute")
def add() -> ResponseReturnValue:
    """Turns notices on in this browser: `endpoint`, `p256dh` and `auth` of its PushSubscription."""
    given = Given(*(_said(name) for name in ("endpoint", "p256dh", "auth")))
    try:
        subscribing.add(current_user, session_in_use(), given)
    except subscribing.Unusable as problem:
        return {"problem": str(problem)}, 422
    return {}, 201


@blueprint.post("/browsers/here")
@desk_required
def here() -> ResponseReturnValue:
    """Whether the user is told on this browser, which has the subscription `endpoint`."""
    return {"on": subscribing.here(current_user, session_in_use(), _said("endpoint"))}


@blueprint.post("/browsers/test")
@desk_required
@limiter.limit("10 per minute")
def try_out() -> ResponseReturnValue:
    """Sends a notice to this browser."""
    if not subscribing.try_out(current_user, _said("endpoint")):
        return {"problem": "Notices are off here. Turn them on first."}, 409
    return {}, 202


@blueprint.post("/browsers/<int:subscription_id>/remove")
@login_required
def remove(subscription_id: int) -> ResponseReturnValue:
    """Of the user's own, whatever their role is by now."""
    if not subscribing.remove(current_user, subscription_id):
        abort(404)
    flash("You get no notices there any more.", "success")
    return redirect(url_for("alerts.index"))


def _said(name: str) -> str:
    """A text of the JSON that was sent; empty for anything else."""
    sent: Any = request.get_json(silent=True)
    value = sent.get(name) if isinstance(sent, dict) else None
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""
