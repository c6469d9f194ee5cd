"""Your account: what every user sees and changes of themselves."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts import audit, passwords, sessions
from cadence_app.accounts.forms import ChangePasswordForm, ProfileForm
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.requests import end_session, know_device, session_in_use
from cadence_app.extensions import db

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.route("/", methods=["GET", "POST"])
@login_required
def profile() -> ResponseReturnValue:
    form = ProfileForm(
        data={
            "name": current_user.name,
            "time_zone": current_user.time_zone or "",
            "shortcuts": current_user.shortcuts,
            "undo_seconds": current_user.undo_seconds,
        }
    )
    form.offer_zones(current_user.tenant.time_zone, current_user.time_zone or "")
    if form.validate_on_submit():
        zone = form.time_zone.data or None
        audit.record(
            current_user,
            "user.profile_changed",
            current_user.email,
            name=(current_user.name, form.name.data),
            time_zone=(current_user.time_zone, zone),
            shortcuts=(current_user.shortcuts, form.shortcuts.data),
            undo_seconds=(current_user.undo_seconds, form.undo_seconds.data),
        )
        current_user.name, current_user.time_zone = form.name.data, zone
        current_user.shortcuts = form.shortcuts.data
        current_user.undo_seconds = form.undo_seconds.data
        db.session.commit()
        flash("Your profile is saved.", "success")
        return redirect(url_for("account.profile"))
    return render_template("account/profile.html", form=form), 422 if form.is_submitted() else 200


@blueprint.route("/password", methods=["GET", "POST"])
@login_required
def password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            passwords.change(current_user, form.current.data, form.password.data, session_in_use().id)
        except (passwords.WrongPassword, passwords.SignInAgain) as wrong:
            form.current.errors = [str(wrong)]
        except Refused as refusal:
            form.password.errors = [refusal.sentence]
        else:
            know_device(current_user)
            db.session.commit()
            flash("Your password is changed. Other sessions of yours have ended.", "success")
            return redirect(url_for("account.password"))
    return render_template("account/password.html", form=form), 422 if form.is_submitted() else 200


@blueprint.get("/sessions")
@login_required
def list_sessions() -> str:
    return render_template(
        "account/sessions.html",
        sessions=sessions.of_user(current_user),
        this=session_in_use().id,
        methods=sessions.METHODS,
    )


@blueprint.post("/sessions/<int:session_id>/end")
@login_required
def end_one(session_id: int) -> ResponseReturnValue:
    if session_id == session_in_use().id:
        end_session()
        return redirect(url_for("accounts.sign_in"))
    if not sessions.end(current_user, session_id):
        abort(404)
    audit.record(current_user, "user.session_ended", current_user.email)
    db.session.commit()
    flash("That session has ended.", "success")
    return redirect(url_for("account.list_sessions"))


@blueprint.post("/sessions/end-all")
@login_required
def end_all() -> ResponseReturnValue:
    """Signs out everywhere, here too."""
    sessions.end_all(current_user)
    audit.record(current_user, "user.signed_out_everywhere", current_user.email)
    end_session()
    flash("You are signed out everywhere.", "success")
    return redirect(url_for("accounts.sign_in"))
