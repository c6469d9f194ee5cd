"""The pages of exports, which both modes' routes show: form, answer to the form, list of requests."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from cadence_app.accounts.models import Navigation, User
from cadence_app.reports import service
from cadence_app.reports.destinations.service import chosen
from cadence_app.reports.filters import Filters, describe
from cadence_app.reports.forms import ExportForm
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY, PLAIN_KINDS, Kind
from cadence_app.reports.models import Export, Format
from cadence_app.reports.ranges import today, usual, utc_bounds
from cadence_app.reports.saved.service import saved_for
from cadence_app.ui.errors import MovedReport
from cadence_app.ui.navigation import REPORT_PAGES, Report, may_open, mode_of, report_page, words_for

# Requests that a page shows at once; the others are behind a click.
_LATEST = 3
# How the category of a flash begins that reports/_answer.html shows, and not the head of the page.
_ANSWER = "export-"


def only_in(mode: Navigation, report: Report = Report.OPT_OUT_HISTORY) -> None:
    """403 for a user who may not open the report in their mode; 404 for a tenant on the other screens, on a
    page that says where the report is for them."""
    if not may_open(current_user, report):
        abort(403)
    if mode_of(current_user) != mode:
        page = report_page(current_user, report)
        raise MovedReport(page.clicks, url_for(page.endpoint))


def kind_only_in(mode: Navigation, kind: Kind) -> None:
    """The same 404 for a kind that both modes show on a plain page."""
    if mode_of(current_user) == mode:
        return
    raise MovedReport(clicks_of(kind, mode_of(current_user)), page_of(kind))


def clicks_of(kind: Kind, mode: Navigation) -> tuple[str, ...]:
    """The path that a person clicks to a kind's page in a mode."""
    if kind is OPT_OUT_HISTORY:
        return REPORT_PAGES[Report.OPT_OUT_HISTORY, mode].clicks
    return (
        ("Reports", "Exports", kind.title) if mode == Navigation.TEAMS else ("Reports", kind.title, "Export")
    )


def page_of(kind: Kind, **query: Any) -> str:
    """The address of a kind's page on this user's screens."""
    if kind is OPT_OUT_HISTORY:
        return url_for(report_page(current_user).endpoint, **query)
    teams = mode_of(current_user) == Navigation.TEAMS
    return url_for("reports_teams.export" if teams else "reports_legacy.export", key=kind.key, **query)


def export_page(kind: Kind, template: str) -> ResponseReturnValue:
    """Shows a kind's form and requests, and takes a request for an export."""
    form = ExportForm(kind) if request.method == "POST" else _at_first(kind)
    if form.validate_on_submit():
        take_request(kind, form)
        return redirect(page_of(kind))
    page = render_template(template, **form_context(kind, form), **list_context(kind))
    return page, 422 if form.is_submitted() else 200


def export_crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    """The pages above one of exports in this user's mode."""
    crumbs = [("Reports", url_for("reports.index"))]
    if mode_of(current_user) == Navigation.TEAMS:
        crumbs.append(("Exports", url_for("reports_teams.exports")))
    return [*crumbs, *more]


def asked_of(kind: Kind) -> MultiDict[str, str]:
    """What the address asks for; where it names no days, those a form shows at first."""
    asked = MultiDict(request.args)
    if kind.dated and not {"start_date", "end_date"} & asked.keys():
        start, end = usual(today(current_user.tenant.zone))
        asked["start_date"], asked["end_date"] = start.isoformat(), end.isoformat()
    return asked


def take_request(kind: Kind, form: ExportForm) -> None:
    """Records and queues what a valid form asks for, and says so below the form of the next page."""
    export, new = service.request_export(
        current_user,
        kind,
        *form.asked_days,
        form.asked_filters,
        form.asked_columns,
        Format(form.format.data),
        chosen(form.asked_destinations),
    )
    queued = service.enqueue(export)
    said, tone = _answer(export, new, queued)
    flash(said, f"{_ANSWER}{tone}")


def find_kind(key: str) -> Kind:
    """The kind with a plain page; 403 where its files are not for this user."""
    kind = PLAIN_KINDS.get(key) or abort(404)
    if not kind.may_go_to(current_user):
        abort(403)
    return kind


def kinds_for(user: User) -> list[Kind]:
    """The kinds whose files a user may have, in the order in which lists show them."""
    return [kind for kind in KINDS.values() if kind.may_go_to(user)]


def find_export(export_id: int) -> Export:
    """The tenant's request; 403 where its file is not for this user."""
    export = service.find_export(export_id) or abort(404)
    if not KINDS[export.kind].may_go_to(current_user):
        abort(403)
    return export


def form_context(kind: Kind, form: ExportForm) -> dict[str, Any]:
    """What reports/_form.html shows, beside the kind."""
    words = words_for(current_user)
    return {
        "form": form,
        "saved": saved_for(current_user, kind),
        "about": kind.about.format(teams=words.teams),
        "time_zone": current_user.tenant.time_zone,
        "bounds": _bounds(form, current_user.tenant.zone) if kind.dated else None,
    }


def list_context(kind: Kind) -> dict[str, Any]:
    """What reports/_list.html shows: the latest requests, and those before them."""
    exports = service.recent_exports(kind)
    words = words_for(current_user)
    return {
        "kind": kind,
        "exports": exports[:_LATEST],
        "earlier": exports[_LATEST:],
        "downloadable": service.downloadable,
        "superseded": service.superseded,
        "asked": lambda export: describe(Filters.from_stored(export.filters), words),
    }


def _at_first(kind: Kind) -> ExportForm:
    """The form with what the address holds filled in."""
    return ExportForm(kind, formdata=asked_of(kind), meta={"csrf": False})


def _answer(export: Export, new: bool, queued: bool) -> tuple[str, str]:
    if not new:
        return f"That export was requested a moment ago; it goes to {current_user.email} once.", "info"
    if not queued:
        return (
            "The request is saved. The queue is out of reach just now; it starts when that is back.",
            "warning",
        )
    to = [current_user.email, *(each.destination.name for each in export.deliveries)]
    file = export.format.upper()
    return f"Export requested. The {file} goes to {', '.join(to)}, usually within a minute.", "success"


def _bounds(form: ExportForm, zone: ZoneInfo) -> tuple[object, object] | None:
    start, end = form.start_date.data, form.end_date.data
    return utc_bounds(start, end, zone) if start and end and not form.errors else None
