"""The page of an export, which both modes' routes show: form, answer to the form, list of requests."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import Navigation
from cadence_app.reports import service
from cadence_app.reports.forms import RangeForm
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export
from cadence_app.reports.ranges import today, utc_bounds
from cadence_app.ui.errors import MovedReport
from cadence_app.ui.navigation import Report, may_open, mode_of, report_page


def only_in(mode: Navigation, report: Report = Report.OPT_OUT_HISTORY) -> None:
    """403 for a user who may not open the report in their mode; 404 for a tenant on the other screens, on a
    page that says where the report is for them."""
    if not may_open(current_user, report):
        abort(403)
    if mode_of(current_user) != mode:
        page = report_page(current_user, report)
        raise MovedReport(page.clicks, url_for(page.endpoint))


def opt_out_history_page(template: str) -> ResponseReturnValue:
    """Shows the page, and takes a request for an export."""
    form = RangeForm()
    start, end = form.start_date.data, form.end_date.data
    if form.validate_on_submit() and start and end:
        export, new = service.request_export(current_user, OPT_OUT_HISTORY, start, end)
        queued = service.enqueue(export)
        flash(*_answer(new, queued))
        return redirect(url_for(request.endpoint or ""))
    zone: ZoneInfo = current_user.tenant.zone
    if not form.is_submitted():
        last = today(zone)
        form.start_date.data, form.end_date.data = last - timedelta(days=29), last
    page = render_template(
        template,
        form=form,
        kind=OPT_OUT_HISTORY,
        exports=service.recent_exports(OPT_OUT_HISTORY),
        downloadable=service.downloadable,
        time_zone=current_user.tenant.time_zone,
        bounds=_bounds(form, zone),
    )
    return page, 422 if form.is_submitted() else 200


def find_export(export_id: int) -> Export:
    return service.find_export(export_id) or abort(404)


def _answer(new: bool, queued: bool) -> tuple[str, str]:
    if not new:
        return f"That export was requested a moment ago; it goes to {current_user.email} once.", "info"
    if not queued:
        return (
            "The request is saved. The queue is out of reach just now; it starts when that is back.",
            "warning",
        )
    return f"Export requested. The CSV goes to {current_user.email}.", "success"


def _bounds(form: RangeForm, zone: ZoneInfo) -> tuple[object, object] | None:
    start, end = form.start_date.data, form.end_date.data
    return utc_bounds(start, end, zone) if start and end and not form.errors else None
