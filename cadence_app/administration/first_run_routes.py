"""Settings > First steps: what is left to do before the first text, for admins."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.administration import first_run
from cadence_app.administration.first_run_models import Registration
from cadence_app.extensions import db

blueprint = Blueprint("first_run", __name__, url_prefix="/settings/first-steps")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """The list, dismissed or not; the form's button says what an admin answers."""
    if request.method == "POST":
        match request.form.get("do", ""):
            case "registered":
                first_run.say_registration(current_user, Registration.REGISTERED)
            case "not_needed":
                first_run.say_registration(current_user, Registration.NOT_NEEDED)
            case "unsaid":
                first_run.say_registration(current_user, Registration.UNSAID)
            case "keywords":
                first_run.say_keywords_seen(current_user)
            case "dismiss":
                first_run.dismiss(current_user, True)
            case "bring_back":
                first_run.dismiss(current_user, False)
            case _:
                flash("Press one of the buttons beside a step.", "warning")
        db.session.commit()
        back = "settings.index" if request.form.get("from") == "settings" else "first_run.index"
        return redirect(url_for(back))
    return render_template("administration/first_steps.html", steps=first_run.checklist(current_user))


def shown() -> first_run.Checklist | None:
    """For the pages that show the list while it is of use."""
    return first_run.shown(current_user)


def address_of(step: first_run.Step) -> str:
    """Where a step is done; the page of inboxes, with their numbers, where this installation has no
    simulator."""
    endpoint = step.endpoint
    if endpoint == "help.carriers":
        return url_for("help.show", page="carriers")
    return url_for(endpoint if endpoint in current_app.view_functions else "inboxes.index")
