"""The code at sign-in, and the page where the second factor is set up and turned off."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RequestLimit
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_required

from cadence_app.accounts import passwords, second_factor, signing_in
from cadence_app.accounts.forms import CodeForm, CurrentPasswordForm
from cadence_app.accounts.requests import begin_session, next_page
from cadence_app.accounts.second_step import waiting
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db, limiter
from cadence_app.vault import Unreadable, decrypt, encrypt

blueprint = Blueprint("second_factor", __name__)

_SETUP = "second_factor_setup"
_TRIES = "5 per minute; 30 per hour"
_LOST_KEY = "Your second factor can't be checked, as SECRET_KEY was changed. An admin can reset it."


def whose_code() -> str:
    """The key that tries at codes are counted by: the user, from wherever they come."""
    user = current_user if current_user.is_authenticated else waiting()
    return f"code of user {user.id}" if user else f"code from {get_remote_address()}"


def _too_often(limit: RequestLimit) -> None:
    if user := waiting():
        signing_in.note_user(user, request.remote_addr or "")


@blueprint.route("/login/code", methods=["GET", "POST"])
@limiter.limit(_TRIES, methods=["POST"], key_func=whose_code, on_breach=_too_often)
def step() -> ResponseReturnValue:
    """The second step of signing in."""
    user = waiting()
    if user is None:
        flash("Sign in once more.", "info")
        return redirect(url_for("accounts.sign_in", next=request.args.get("next")))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            second_factor.check(user, form.code.data)
        except second_factor.WrongCode as wrong:
            form.code.errors = [str(wrong)]
        except Unreadable:
            form.code.errors = [_LOST_KEY]
        else:
            begin_session(user, Method.SECOND_FACTOR)
            if second_factor.codes_left(user) == 0:
                flash("You have no recovery code left. Make new ones under Two-factor.", "warning")
            return redirect(next_page(request.args.get("next")))
    return render_template("accounts/code.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/account/two-factor", methods=["GET", "POST"])
@login_required
@limiter.limit(_TRIES, methods=["POST"], key_func=whose_code)
def index() -> ResponseReturnValue:
    """Whether it is on. Without one: the picture to scan, and a form for its first code, whose answer is the
    only page that shows the recovery codes."""
    if current_user.has_second_factor:
        return _manage()
    secret = _secret_being_set_up()
    form = CodeForm()
    if form.validate_on_submit():
        try:
            codes = second_factor.turn_on(current_user, secret, form.code.data)
        except second_factor.WrongCode as wrong:
            form.code.errors = [str(wrong)]
        else:
            db.session.commit()
            session.pop(_SETUP)
            return render_template("account/recovery_codes.html", codes=codes)
    session[_SETUP] = encrypt(secret)
    page = render_template(
        "account/two_factor_setup.html",
        form=form,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        picture=second_factor.qr_code(current_user, secret),
    )
    return page, 422 if form.is_submitted() else 200


def _manage() -> ResponseReturnValue:
    form = CurrentPasswordForm()
    if form.validate_on_submit():
        try:
            if request.form.get("action") == "renew":
                codes = second_factor.renew_codes(current_user, form.current.data)
                db.session.commit()
                return render_template("account/recovery_codes.html", codes=codes)
            second_factor.turn_off(current_user, form.current.data)
        except passwords.WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        else:
            db.session.commit()
            flash("Your second factor is off.", "success")
            return redirect(url_for("second_factor.index"))
    left = second_factor.codes_left(current_user)
    page = render_template("account/two_factor.html", form=form, left=left)
    return page, 422 if form.is_submitted() else 200


def _secret_being_set_up() -> str:
    """The secret of the picture that was shown, which a second try at its code needs; encrypted in the
    cookie until the code was right."""
    try:
        return decrypt(session.get(_SETUP, ""))
    except Unreadable:
        return second_factor.new_secret()
