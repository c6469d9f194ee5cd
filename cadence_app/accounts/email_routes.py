"""Your account > E-mail, and the link that confirms a new address."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts import email_change, links, single_sign_on
from cadence_app.accounts.forms import NewAddressForm
from cadence_app.accounts.passwords import SignInAgain, WrongPassword
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.requests import proof
from cadence_app.extensions import db, limiter

blueprint = Blueprint("email", __name__)


@blueprint.route("/account/email", methods=["GET", "POST"])
@login_required
def index() -> ResponseReturnValue:
    form = NewAddressForm()
    form.ask_password(current_user)
    if form.validate_on_submit():
        try:
            email_change.ask(current_user, form.email.data, proof(form))
        except Refused as refusal:
            form.email.errors = [refusal.sentence]
        except WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        except SignInAgain as again:
            form.email.errors = [str(again)]
        else:
            db.session.commit()
            flash(f"A link is on its way to {current_user.new_email}.", "success")
            return redirect(url_for("email.index"))
        db.session.rollback()
    return render_template("account/email.html", form=form), 422 if form.is_submitted() else 200


@blueprint.post("/account/email/drop")
@login_required
def drop() -> ResponseReturnValue:
    email_change.cancel(current_user)
    db.session.commit()
    flash("Your address stays as it is.", "success")
    return redirect(url_for("email.index"))


@blueprint.route("/confirm-address/<token>", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def confirm(token: str) -> ResponseReturnValue:
    """What the link opens: a button, for programs that read mail follow links too."""
    user = links.user_of(token, links.Purpose.ADDRESS, taking=request.method == "POST")
    # Meanwhile the organisation's sign-in may say who has which address.
    if user is None or not single_sign_on.passwords_allowed():
        return render_template("accounts/link_of_no_use.html", purpose=links.Purpose.ADDRESS), 404
    new = user.new_email
    if request.method == "GET":
        return render_template("accounts/confirm_address.html", user=user)
    try:
        email_change.confirm(user)
    except Refused:
        db.session.rollback()
        return render_template("accounts/address_taken.html", email=new, invited=False), 409
    db.session.commit()
    flash(f"{new} is your address in Cadence now.", "success")
    return redirect(url_for("email.index" if current_user.is_authenticated else "accounts.sign_in"))
