"""Reports: two thin blueprints, one a mode, on one export service, and the files, which have no mode."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app import files
from cadence_app.accounts import downloads
from cadence_app.accounts.models import Navigation
from cadence_app.accounts.roles import reports_required
from cadence_app.reports import service
from cadence_app.reports.history_screen import opt_out_history_page, overview_page
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY
from cadence_app.reports.screens import (
    export_page,
    find_export,
    find_kind,
    kind_only_in,
    kinds_for,
    list_context,
    only_in,
    page_of,
)
from cadence_app.ui.navigation import mode_of

reports = Blueprint("reports", __name__)
teams = Blueprint("reports_teams", __name__, url_prefix="/reports")
legacy = Blueprint("reports_legacy", __name__, url_prefix="/reports")


@reports.get("/reports/")
@login_required
def index() -> ResponseReturnValue:
    """Teams: the first tab. Legacy: the list of reports, each with its action, for admins and auditors."""
    if mode_of(current_user) == Navigation.TEAMS:
        return redirect(url_for("activity.analytics"))
    if not current_user.reads_reports:
        abort(403)
    return render_template(
        "reports/legacy/index.html",
        kinds=[kind for kind in kinds_for(current_user) if kind is not OPT_OUT_HISTORY],
    )


@teams.get("/overview")
@reports_required
def overview() -> ResponseReturnValue:
    only_in(Navigation.TEAMS)
    return overview_page("reports/teams/overview.html")


@teams.get("/exports")
@reports_required
def exports() -> str:
    only_in(Navigation.TEAMS)
    latest = service.latest_requests()
    return render_template(
        "reports/teams/exports.html", kinds=kinds_for(current_user), latest=latest, page_of=page_of
    )


@teams.route("/exports/opt-out-history", methods=["GET", "POST"])
@reports_required
def opt_out_history() -> ResponseReturnValue:
    only_in(Navigation.TEAMS)
    return opt_out_history_page("reports/teams/opt_out_history.html")


@teams.route("/exports/<key>", methods=["GET", "POST"], endpoint="export")
@reports_required
def teams_export(key: str) -> ResponseReturnValue:
    kind = find_kind(key)
    kind_only_in(Navigation.TEAMS, kind)
    return export_page(kind, "reports/teams/export.html")


@legacy.route("/opt-out-changes/export", methods=["GET", "POST"])
@reports_required
def opt_out_changes() -> ResponseReturnValue:
    only_in(Navigation.LEGACY)
    return opt_out_history_page("reports/legacy/opt_out_changes.html")


@legacy.route("/<key>/export", methods=["GET", "POST"], endpoint="export")
@reports_required
def legacy_export(key: str) -> ResponseReturnValue:
    kind = find_kind(key)
    kind_only_in(Navigation.LEGACY, kind)
    return export_page(kind, "reports/legacy/export.html")


@reports.get("/exports/list")
@reports_required
def export_list() -> str:
    """The list of requests by itself, for a page that keeps it fresh."""
    kind = KINDS.get(request.args.get("kind", OPT_OUT_HISTORY.key)) or abort(404)
    if not kind.may_go_to(current_user):
        abort(403)
    return render_template("reports/_list.html", **list_context(kind))


@reports.get("/exports/<int:export_id>/download")
@reports_required
def download(export_id: int) -> ResponseReturnValue:
    export = find_export(export_id)
    if not service.downloadable(export):
        abort(404)
    try:
        chunks = files.chunks(export.file_key)
    except FileNotFoundError:
        abort(404)
    downloads.note(current_user, "export.downloaded", service.said(export))
    response = Response(chunks, mimetype=export.format.mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=export.file_name)
    response.headers["Content-Length"] = str(export.size)
    return response


@reports.post("/exports/<int:export_id>/retry")
@reports_required
def retry(export_id: int) -> ResponseReturnValue:
    export = find_export(export_id)
    if service.retry(export):
        service.enqueue(export)
        flash("Trying again.", "info")
    else:
        flash("A later file of its schedule holds these changes.", "info")
    return redirect(page_of(KINDS[export.kind]))
