"""Reports: two thin blueprints, one a mode, on one export service, and the files, which have no mode."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts.models import Navigation
from cadence_app.accounts.roles import admin_required
from cadence_app.reports import files, service
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.screens import find_export, only_in, opt_out_history_page
from cadence_app.ui.navigation import mode_of, report_page

reports = Blueprint("reports", __name__)
teams = Blueprint("reports_teams", __name__, url_prefix="/reports")
legacy = Blueprint("reports_legacy", __name__, url_prefix="/reports")


@reports.get("/reports/")
@login_required
def index() -> ResponseReturnValue:
    """Teams: the first tab. Legacy: the list of reports, each with its action, for admins."""
    if mode_of(current_user) == Navigation.TEAMS:
        return redirect(url_for("activity.analytics"))
    if not current_user.is_admin:
        abort(403)
    return render_template("reports/legacy/index.html")


@teams.get("/exports")
@admin_required
def exports() -> str:
    only_in(Navigation.TEAMS)
    return render_template("reports/teams/exports.html", latest=service.recent_exports(OPT_OUT_HISTORY, 1))


@teams.route("/exports/opt-out-history", methods=["GET", "POST"])
@admin_required
def opt_out_history() -> ResponseReturnValue:
    only_in(Navigation.TEAMS)
    return opt_out_history_page("reports/teams/opt_out_history.html")


@legacy.route("/opt-out-changes/export", methods=["GET", "POST"])
@admin_required
def opt_out_changes() -> ResponseReturnValue:
    only_in(Navigation.LEGACY)
    return opt_out_history_page("reports/legacy/opt_out_changes.html")


@reports.get("/exports/list")
@admin_required
def export_list() -> str:
    """The list of requests by itself, for a page that keeps it fresh."""
    return render_template(
        "reports/_list.html",
        exports=service.recent_exports(OPT_OUT_HISTORY),
        downloadable=service.downloadable,
    )


@reports.get("/exports/<int:export_id>/download")
@admin_required
def download(export_id: int) -> ResponseReturnValue:
    export = find_export(export_id)
    if not service.downloadable(export):
        abort(404)
    try:
        chunks = files.chunks(export.file_key)
    except FileNotFoundError:
        abort(404)
    response = Response(chunks, mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=export.file_name)
    response.headers["Content-Length"] = str(export.size)
    return response


@reports.post("/exports/<int:export_id>/retry")
@admin_required
def retry(export_id: int) -> ResponseReturnValue:
    export = find_export(export_id)
    service.retry(export)
    service.enqueue(export)
    flash("Trying again.", "info")
    return redirect(url_for(report_page(current_user).endpoint))
