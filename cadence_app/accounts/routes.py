"""Sign-in and sign-out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts import demo_sign_ins, known_devices, signing_in, single_sign_on
from cadence_app.accounts.forms import SignInForm
from cadence_app.accounts.requests import begin_session, end_session, next_page
from cadence_app.accounts.second_step import wait_for_code
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import limiter

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The first page that who asks may open."""
    if not current_user.is_authenticated:
        return redirect(url_for("accounts.sign_in"))
    return redirect(url_for("messaging.desk" if current_user.works_desk else "reports.index"))


@blueprint.route("/login", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("accounts.home"))
    form, error, through_provider = SignInForm(), "", False
    if form.validate_on_submit():
        user = signing_in.sign_in(
            form.email.data, form.password.data, request.remote_addr or "", known_devices.of_request()
        )
        sso = single_sign_on.of_email(form.email.data) if user is None else single_sign_on.of_user(user)
        through_provider = sso is not None
        if sso and not sso.passwords_allowed:
            error = f"{sso.tenant.name} signs in through its own sign-in page, and not with a password here."
        elif user and user.has_second_factor:
            wait_for_code(user)
            return redirect(url_for("second_factor.step", next=request.args.get("next")))
        elif user:
            begin_session(user, Method.PASSWORD)
            return redirect(next_page(request.args.get("next")))
        else:
            error = "That e-mail address and password don't match."
    page = render_template(
        "accounts/login.html",
        form=form,
        error=error,
        through_provider=through_provider,
        demo_sign_ins=demo_sign_ins.shown(),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/logout")
@login_required
def sign_out() -> ResponseReturnValue:
    end_session()
    return redirect(url_for("accounts.sign_in"))
