"""Settings: the first page, which leads to each of the others."""

from __future__ import annotations

from flask import Blueprint, render_template

from cadence_app.accounts.roles import admin_required

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings/")
@admin_required
def index() -> str:
    return render_template("settings/index.html")
