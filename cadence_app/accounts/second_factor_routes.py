"""The code at sign-in, and the page where the second factor is set up and turned off."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts import one_time_codes, second_factor, signing_in
from cadence_app.accounts.forms import CodeForm, CurrentPasswordForm, FirstCodeForm
from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.passwords import SignInAgain, WrongPassword
from cadence_app.accounts.requests import begin_session, device_of, next_page, proof, session_in_use
from cadence_app.accounts.second_step import waiting
from cadence_app.accounts.sign_in_models import Method
from cadence_app.accounts.tries import TooMany
from cadence_app.extensions import db
from cadence_app.vault import Unreadable, decrypt, encrypt

blueprint = Blueprint("second_factor", __name__)

_SETUP = "second_factor_setup"
_LOST_KEY = "Your second factor can't be checked, as SECRET_KEY was changed. An admin can reset it."


@blueprint.route("/login/code", methods=["GET", "POST"])
def step() -> ResponseReturnValue:
    """The second step of signing in."""
    user = waiting()
    if user is None:
        flash("Sign in once more.", "info")
        return redirect(url_for("accounts.sign_in", next=request.args.get("next")))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            second_factor.check(user, form.code.data, device_of(user))
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
        except TooMany as early:
            raise signing_in.TooManyAt(early.seconds, user, request.remote_addr or "") from early
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
def index() -> ResponseReturnValue:
    """Whether it is on. Without one: the picture to scan, and a form for its first code, whose answer is the
    only page that shows the recovery codes."""
    if current_user.has_second_factor:
        return _manage()
    secret = _secret_being_set_up()
    form = FirstCodeForm()
    form.ask_password(current_user)
    if form.validate_on_submit():
        try:
            codes = second_factor.turn_on(
                current_user, secret, form.code.data, proof(form), session_in_use().id
            )
        except (WrongCode, SignInAgain) as wrong:
            form.code.errors = [str(wrong)]
        except WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        else:
            db.session.commit()
            session.pop(_SETUP)
            return render_template("account/recovery_codes.html", codes=codes)
    session[_SETUP] = encrypt(secret)
    page = render_template(
        "account/two_factor_setup.html",
        form=form,
        secret=one_time_codes.in_groups(secret),
        picture=one_time_codes.qr_code(current_user.email, secret),
    )
    return page, 422 if form.is_submitted() else 200


def _manage() -> ResponseReturnValue:
    form, problem = CurrentPasswordForm(), ""
    form.ask_password(current_user)
    if form.validate_on_submit():
        try:
            if request.form.get("action") == "renew":
                codes = second_factor.renew_codes(current_user, proof(form))
                db.session.commit()
                return render_template("account/recovery_codes.html", codes=codes)
            second_factor.turn_off(current_user, proof(form))
        except WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        except SignInAgain as again:
            problem = str(again)
        else:
            db.session.commit()
            flash("Your second factor is off.", "success")
            return redirect(url_for("second_factor.index"))
    left = second_factor.codes_left(current_user)
    page = render_template("account/two_factor.html", form=form, left=left, problem=problem)
    return page, 422 if form.is_submitted() else 200


def _secret_being_set_up() -> str:
    """The secret of the picture that was shown, which a second try at its code needs; encrypted in the
    cookie until the code was right."""
    try:
        return decrypt(session.get(_SETUP, ""))
    except Unreadable:
        return one_time_codes.new_secret()
