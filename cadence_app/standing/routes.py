"""Settings > Left behind: what goes on on the right of people who are no admins any more."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.admins import hold_admins
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.extensions import db
from cadence_app.standing import service
from cadence_app.standing.choosing import chosen, context

blueprint = Blueprint("standing", __name__, url_prefix="/settings/left-behind")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """Takes the choices that were made; what has none goes on waiting."""
    problem = ""
    if request.method == "POST":
        try:
            hold_admins(current_user)
            errands = service.left_behind(hold=True)
            choices = chosen(errands, service.heirs(), request.form)
            decided = [errand for errand in errands if errand.field in choices]
            service.settle(current_user, decided, choices)
        except Refused as refusal:
            db.session.rollback()
            problem = refusal.sentence
        else:
            db.session.commit()
            if decided or not errands:
                flash("Decided." if len(decided) == len(errands) else "Decided. The rest waits.", "success")
                return redirect(url_for("standing.index"))
            problem = "Choose for at least one of them."
    page = render_template(
        "standing/index.html", problem=problem, **context(service.left_behind(), service.heirs())
    )
    return page, 422 if problem else 200
