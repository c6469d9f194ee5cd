"""Settings > Retention: the rule, dry runs, and the one way to remove what a dry run lists. Admins only."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from cadence_app.accounts import downloads
from cadence_app.accounts.roles import admin_required
from cadence_app.retention import holds, jobs, listing, service
from cadence_app.retention.forms import EVERYTHING, KeepForm, RemoveForm
from cadence_app.retention.models import Fate, RetentionRun, RunState
from cadence_app.ui import query_values

blueprint = Blueprint("retention", __name__, url_prefix="/settings/retention")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    form = KeepForm()
    if form.validate_on_submit():
        try:
            service.keep(current_user, form.asked_years)
        except service.Refused as refusal:
            form.years.errors = [str(refusal)]
        else:
            flash("Saved. Nothing is removed before an admin has looked at a dry run.", "success")
            return redirect(url_for("retention.index"))
    tenant = current_user.tenant
    if not form.is_submitted():
        form.years.data = str(tenant.retention_years or EVERYTHING)
    runs = service.latest_runs()
    page = render_template(
        "retention/index.html",
        form=form,
        open_run=next((run for run in runs if not run.finished_at), None),
        runs=[(run, service.totals(run), service.totals(run, Fate.REMOVED)) for run in runs],
        may_run_monthly=service.may_run_monthly(tenant),
        holds=holds.all_holds(),
    )
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/monthly")
@admin_required
def monthly() -> ResponseReturnValue:
    wanted = request.form.get("monthly") == "on"
    try:
        service.set_monthly(current_user, wanted)
    except service.Refused as refusal:
        flash(str(refusal), "error")
    else:
        flash("It runs by itself every month." if wanted else "It does not run by itself.", "success")
    return redirect(url_for("retention.index"))


@blueprint.post("/runs")
@admin_required
def dry_run() -> ResponseReturnValue:
    try:
        run = service.request_dry_run(current_user)
    except service.Refused as refusal:
        flash(str(refusal), "error")
        return redirect(url_for("retention.index"))
    _dispatch(run)
    return redirect(url_for("retention.show", run_id=run.id))


@blueprint.get("/runs/<int:run_id>")
@admin_required
def show(run_id: int) -> str:
    run = _run(run_id)
    after = query_values.row_id(request.args, "after") or 0
    items = service.listed(run, after, service.PAGE + 1)
    return render_template(
        "retention/run.html",
        run=run,
        form=FlaskForm(),
        totals=service.totals(run),
        removed=service.totals(run, Fate.REMOVED),
        kept=service.totals(run, Fate.KEPT),
        years=service.by_year(run, current_user.tenant),
        items=items[: service.PAGE],
        next_after=items[service.PAGE - 1][0].contact_id if len(items) > service.PAGE else None,
        after=after,
    )


@blueprint.get("/runs/<int:run_id>/contacts.csv")
@admin_required
def contacts(run_id: int) -> Response:
    """While it may still be stopped: who would go, by name. Once it is done: what went, with nobody's name;
    the digest of that is in the audit log."""
    run = _run(run_id)
    done = run.state == RunState.DONE
    file = (
        (listing.REMOVED_HEADER, listing.removed_page) if done else (listing.NAMES_HEADER, listing.names_page)
    )
    downloads.note(current_user, "retention.list_downloaded", f"Run {run.id}")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    response = Response(listing.streamed(app, run.tenant_id, *file, run.id), mimetype="text/csv")
    name = f"retention-run-{run.id}-{'removed' if done else 'listed'}.csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@blueprint.route("/runs/<int:run_id>/remove", methods=["GET", "POST"])
@admin_required
def remove(run_id: int) -> ResponseReturnValue:
    run, form = _run(run_id), RemoveForm()
    if form.validate_on_submit():
        try:
            service.approve(current_user, run, form.contacts.data)
        except service.Refused as refusal:
            form.contacts.errors = [str(refusal)]
        else:
            _dispatch(run)
            return redirect(url_for("retention.show", run_id=run.id))
    if run.state not in (RunState.READY, RunState.WAITING):
        flash("This dry run is not waiting for a decision any more.", "info")
        return redirect(url_for("retention.show", run_id=run.id))
    page = render_template("retention/remove.html", run=run, form=form, totals=service.totals(run))
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/runs/<int:run_id>/stop")
@admin_required
def stop(run_id: int) -> ResponseReturnValue:
    run = _run(run_id)
    try:
        service.stop(current_user, run)
    except service.Refused as refusal:
        flash(str(refusal), "error")
    else:
        flash("Stopped. Nothing was removed.", "success")
    return redirect(url_for("retention.show", run_id=run.id))


def _dispatch(run: RetentionRun) -> None:
    if not jobs.dispatch(run.tenant_id, run.id):
        flash("Saved. The queue is out of reach just now; it starts when that is back.", "warning")


def _run(run_id: int) -> RetentionRun:
    return service.find_run(run_id) or abort(404)
