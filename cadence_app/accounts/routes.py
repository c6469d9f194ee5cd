"""Sign-in and sign-out."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SubmitField
from wtforms.validators import InputRequired, Length

from cadence_app.accounts import demo_sign_ins, service
from cadence_app.extensions import limiter
from cadence_app.ui.fields import no_control_characters

blueprint = Blueprint("accounts", __name__)


class SignInForm(FlaskForm):
    email = EmailField(
        "E-mail", [InputRequired("Enter your e-mail address."), Length(max=254), no_control_characters]
    )
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1000)])
    submit = SubmitField("Sign in")


def _email_tried() -> str:
    # A digest, for what anybody types is no key for Redis.
    email = request.form.get("email", "").strip().lower()
    return f"sign-in {hashlib.sha256(email.encode(errors='replace')).hexdigest()}"


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The first page that who asks may open."""
    if not current_user.is_authenticated:
        return redirect(url_for("accounts.sign_in"))
    return redirect(url_for("messaging.desk" if current_user.works_desk else "reports.index"))


@blueprint.route("/login", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
@limiter.limit("10 per minute", methods=["POST"], key_func=_email_tried)
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("accounts.home"))
    form, error = SignInForm(), ""
    if form.validate_on_submit():
        user = service.sign_in(form.email.data, form.password.data)
        if user:
            session.clear()
            session.permanent = True
            login_user(user)
            return redirect(_next_page())
        error = "That e-mail address and password don't match."
    shown = demo_sign_ins.SIGN_INS if current_app.config["DEMO_SIGN_INS"] else []
    page = render_template("accounts/login.html", form=form, error=error, demo_sign_ins=shown)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/logout")
@login_required
def sign_out() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"))


def _next_page() -> str:
    """Where the person wanted to go; only a path of this site."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc:
        return wanted
    return url_for("accounts.home")
