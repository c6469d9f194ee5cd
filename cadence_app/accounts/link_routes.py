"""A forgotten password, and what the links of mails open."""

from __future__ import annotations

import time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cadence_app.accounts import invitations, links, passwords, single_sign_on
from cadence_app.accounts.forms import AcceptForm, EmailForm, NewPasswordForm
from cadence_app.accounts.links import Purpose
from cadence_app.accounts.requests import begin_session
from cadence_app.accounts.routes import email_tried
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db, limiter

blueprint = Blueprint("links", __name__)

# Longer than it takes to look somebody up and note a mail, so that the time says nothing of who there is.
_ANSWER_AFTER_SECONDS = 0.3


@blueprint.route("/forgot-password", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
@limiter.limit("3 per minute; 10 per hour", methods=["POST"], key_func=lambda: f"reset {email_tried()}")
def forgot() -> ResponseReturnValue:
    form = EmailForm()
    if form.validate_on_submit():
        began = time.monotonic()
        passwords.send_reset_link(form.email.data)
        time.sleep(max(0.0, _ANSWER_AFTER_SECONDS - (time.monotonic() - began)))
        return render_template("accounts/link_sent.html", email=form.email.data)
    page = render_template("accounts/forgot.html", form=form)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/reset-password/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def reset(token: str) -> ResponseReturnValue:
    user = links.user_of(token, Purpose.RESET)
    if user is None:
        return _no_use(Purpose.RESET)
    form = NewPasswordForm()
    if form.validate_on_submit():
        passwords.reset(user, form.password.data)
        db.session.commit()
        flash("Your new password is set. Sign in with it.", "success")
        return redirect(url_for("accounts.sign_in"))
    page = render_template("accounts/reset.html", form=form, email=user.email)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def invitation(token: str) -> ResponseReturnValue:
    user = links.user_of(token, Purpose.INVITATION)
    if user is None:
        return _no_use(Purpose.INVITATION)
    if not single_sign_on.passwords_allowed():
        # Coming in through the organisation's sign-in accepts it.
        return redirect(url_for("single_sign_on.start", email=user.email))
    form = AcceptForm(data={"name": user.name})
    if form.validate_on_submit():
        invitations.accept(user, form.name.data, form.password.data)
        begin_session(user, Method.LINK)
        flash(f"Welcome, {user.name}.", "success")
        return redirect(url_for("accounts.home"))
    page = render_template("accounts/invitation.html", form=form, user=user)
    return page, 422 if request.method == "POST" else 200


def _no_use(purpose: Purpose) -> ResponseReturnValue:
    return render_template("accounts/link_of_no_use.html", reset=purpose == Purpose.RESET), 404
