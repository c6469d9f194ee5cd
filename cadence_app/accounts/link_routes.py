"""A forgotten password, and what the links of mails open."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cadence_app.accounts import (
    email_addresses,
    invitations,
    links,
    passwords,
    service,
    single_sign_on,
    tries,
)
from cadence_app.accounts.afterwards import after
from cadence_app.accounts.forms import AcceptForm, EmailForm, NewPasswordForm
from cadence_app.accounts.links import Purpose
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.requests import begin_session, know_device
from cadence_app.accounts.sign_in_models import Method
from cadence_app.accounts.tries import Kind
from cadence_app.extensions import db, limiter

blueprint = Blueprint("links", __name__)


@blueprint.route("/forgot-password", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def forgot() -> ResponseReturnValue:
    form = EmailForm()
    if form.validate_on_submit():
        email = form.email.data
        network = tries.network_of(request.remote_addr or "")
        # Asked for is counted, found or not, and never given back.
        tries.begin((Kind.MAIL, email_addresses.folded(email)), (Kind.NETWORK, network))
        sent = make_response(render_template("accounts/link_sent.html", email=email))
        # The time that the answer takes says nothing of who there is.
        return after(sent, lambda: passwords.send_reset_link_to(email))
    page = render_template("accounts/forgot.html", form=form)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/reset-password/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def reset(token: str) -> ResponseReturnValue:
    user = links.user_of(token, Purpose.RESET, taking=request.method == "POST")
    if user is None:
        return _no_use(Purpose.RESET)
    form = NewPasswordForm()
    if form.validate_on_submit() and _taken(lambda: passwords.reset(user, form.password.data), form):
        # Who reads the mail of the address may try here, whatever strangers do elsewhere.
        know_device(user)
        db.session.commit()
        flash("Your new password is set. Sign in with it.", "success")
        return redirect(url_for("accounts.sign_in"))
    page = render_template("accounts/reset.html", form=form, email=user.email)
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def invitation(token: str) -> ResponseReturnValue:
    user = links.user_of(token, Purpose.INVITATION, taking=request.method == "POST")
    if user is None:
        return _no_use(Purpose.INVITATION)
    email = user.email
    if service.is_taken(email):
        return _address_taken(email)
    if not single_sign_on.passwords_allowed():
        # Coming in through the organisation's sign-in accepts it.
        return redirect(url_for("single_sign_on.start", email=user.email))
    form = AcceptForm(data={"name": user.name})
    try:
        if form.validate_on_submit() and _taken(
            lambda: invitations.accept(user, form.name.data, form.password.data), form
        ):
            begin_session(user, Method.LINK)
            flash(f"Welcome, {user.name}.", "success")
            return redirect(url_for("accounts.home"))
    except service.AddressTaken:
        return _address_taken(email)
    page = render_template("accounts/invitation.html", form=form, user=user)
    return page, 422 if request.method == "POST" else 200


def _taken(change: Callable[[], None], form: NewPasswordForm) -> bool:
    """Makes a change that a new password is part of; False where that is no good, as its field then says."""
    try:
        change()
    except service.AddressTaken:
        raise
    except Refused as refusal:
        form.password.errors = [refusal.sentence]
        return False
    return True


def _address_taken(email: str) -> ResponseReturnValue:
    """Says so to who reads the mail of the address, and nothing of where it is taken."""
    return render_template("accounts/address_taken.html", email=email, invited=True), 409


def _no_use(purpose: Purpose) -> ResponseReturnValue:
    return render_template("accounts/link_of_no_use.html", purpose=purpose), 404
