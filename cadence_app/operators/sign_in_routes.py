"""How an operator signs in, their second factor, and the log of operators' accounts."""

from __future__ import annotations

from flask import current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from cadence_app.accounts import known_devices, one_time_codes, tries
from cadence_app.accounts.afterwards import after
from cadence_app.accounts.forms import CodeForm, CurrentPasswordForm, FirstCodeForm
from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.passwords import WrongPassword
from cadence_app.accounts.requests import too_many
from cadence_app.extensions import db, limiter
from cadence_app.operators import access, log, service
from cadence_app.operators import second_factor as factor
from cadence_app.operators.access import blueprint, operator_required, sign_in_required
from cadence_app.operators.forms import SignInForm
from cadence_app.vault import Unreadable, decrypt, encrypt

_SETUP = "operator_second_factor_setup"
_LOST_KEY = (
    "Your second factor can't be checked, as SECRET_KEY was changed. Take it away on the server with "
    "flask cadence operator-reset-second-factor."
)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    form, error = SignInForm(), ""
    status = 422 if form.is_submitted() else 200
    if not form.validate_on_submit():
        return render_template("operators/sign_in.html", form=form, error=error), status
    email, ip, early = form.email.data, request.remote_addr or "", None
    try:
        operator = service.show_password(email, form.password.data, ip, known_devices.of_request())
    except tries.TooMany as too_early:
        operator, early = None, too_early
    if operator:
        if operator.has_second_factor:
            access.wait_for_code(operator)
            return redirect(url_for("operator.code"))
        access.begin_session(operator)
        db.session.commit()
        return redirect(url_for("operator.index"))
    current_app.logger.warning("an operator's sign-in failed from %s", ip)
    error = "That e-mail address and password don't match."
    response = (
        too_many(early)
        if early
        else current_app.make_response(
            (render_template("operators/sign_in.html", form=form, error=error), 422)
        )
    )
    return after(response, lambda: service.note_failure(email, ip, early))


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """The second step of signing in."""
    operator = access.waiting()
    if operator is None:
        flash("Sign in once more.", "info")
        return redirect(url_for("operator.sign_in"))
    form = CodeForm()
    if form.validate_on_submit():
        device = known_devices.of_request().number(service.account_of(operator), operator.password_hash)
        try:
            factor.check(operator, form.code.data, device)
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
            service.note_wrong_code(operator, request.remote_addr or "", None)
        except tries.TooMany as early:
            service.note_wrong_code(operator, request.remote_addr or "", early)
            raise
        except Unreadable:
            form.code.errors = [_LOST_KEY]
        else:
            access.begin_session(operator)
            db.session.commit()
            return redirect(url_for("operator.index"))
    return render_template("operators/code.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/second-factor", methods=["GET", "POST"])
@sign_in_required
def second_factor() -> ResponseReturnValue:
    """Without one: the picture to scan, and a form for its first code, whose answer is the only page that
    shows the recovery codes. With one: new recovery codes; it is never turned off."""
    if g.operator.has_second_factor:
        return _renew()
    secret = _secret_being_set_up()
    form = FirstCodeForm()
    if form.validate_on_submit():
        try:
            codes = factor.turn_on(g.operator, secret, form.code.data, form.current.data)
        except WrongCode as wrong:
            form.code.errors = [str(wrong)]
        except WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        else:
            access.hold(g.operator)
            db.session.commit()
            return render_template("operators/recovery_codes.html", codes=codes)
        db.session.rollback()
    session[_SETUP] = encrypt(secret)
    page = render_template(
        "operators/second_factor_setup.html",
        form=form,
        secret=one_time_codes.in_groups(secret),
        picture=one_time_codes.qr_code(g.operator.email, secret),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.get("/log")
@operator_required
def show_log() -> str:
    return render_template("operators/log.html", entries=log.latest(), words=log.words)


@blueprint.post("/sign-out")
@sign_in_required
def sign_out() -> ResponseReturnValue:
    log.record(g.operator, "signed_out", g.operator.email)
    access.end_session(g.operator)
    db.session.commit()
    return redirect(url_for("operator.sign_in"))


def _renew() -> ResponseReturnValue:
    form = CurrentPasswordForm()
    if form.validate_on_submit():
        try:
            codes = factor.renew_codes(g.operator, form.current.data)
        except WrongPassword as wrong:
            form.current.errors = [str(wrong)]
        else:
            db.session.commit()
            return render_template("operators/recovery_codes.html", codes=codes)
    return render_template("operators/second_factor.html", form=form), 422 if form.is_submitted() else 200


def _secret_being_set_up() -> str:
    """As in accounts/second_factor_routes.py: encrypted in the cookie until its code was right."""
    try:
        return decrypt(session.get(_SETUP, ""))
    except Unreadable:
        return one_time_codes.new_secret()
