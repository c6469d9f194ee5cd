"""The pages of schedules, the same in both modes, for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import Navigation
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs, service
from cadence_app.reports.filters import Filters, describe
from cadence_app.reports.kinds import KINDS, Kind
from cadence_app.reports.ranges import today
from cadence_app.reports.saved import service as saved_filters
from cadence_app.reports.schedule_forms import ScheduleForm, as_data
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import PERIOD_NAMES
from cadence_app.reports.screens import export_crumbs, page_of
from cadence_app.ui import query_values
from cadence_app.ui.formatting import in_zone, time_tag
from cadence_app.ui.navigation import mode_of, words_for

# What of a schedule a saved filter says nothing of.
_OWN_FIELDS = {"period", "every", "weekday", "month_day", "hour", "recipients", "destinations"}

blueprint = Blueprint("schedules", __name__, url_prefix="/reports/schedules")


@blueprint.get("/")
@admin_required
def index() -> str:
    return render_template(
        "reports/schedules/index.html",
        schedules=[_shown(schedule) for schedule in schedule_runs.all_schedules()],
        kinds=KINDS.values(),
        crumbs=_crumbs()[:-1],
        tabs=mode_of(current_user) == Navigation.TEAMS,
        page_of=page_of,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@admin_required
def new() -> ResponseReturnValue:
    """A form for the kind that the address names; what else the address holds is filled in already."""
    kind = KINDS.get(request.args.get("kind", "")) or abort(404)
    form = ScheduleForm(
        kind, data=_at_first({"recipients": [str(current_user.id)]} | _asked() | _saved(kind))
    )
    if form.validate_on_submit():
        _unless_refused(lambda: schedule_runs.add_schedule(current_user, kind, form.plan))
        flash(f"{kind.title} is scheduled.", "success")
        return redirect(url_for("schedules.index"))
    return _form_page(kind, form, f"Schedule {kind.title}")


@blueprint.route("/<int:schedule_id>/edit", methods=["GET", "POST"])
@admin_required
def edit(schedule_id: int) -> ResponseReturnValue:
    schedule = _find(schedule_id)
    kind = KINDS[schedule.kind]
    shown = as_data(schedule)
    if saved := _saved(kind):
        shown = {name: value for name, value in shown.items() if name in _OWN_FIELDS} | saved
    form = ScheduleForm(kind, data=_at_first(shown))
    if form.validate_on_submit():
        _unless_refused(lambda: schedule_runs.change_schedule(schedule, current_user, form.plan))
        flash(f"The schedule of {kind.title} is changed.", "success")
        return redirect(url_for("schedules.index"))
    return _form_page(kind, form, f"Edit the schedule of {kind.title}")


@blueprint.post("/<int:schedule_id>/pause")
@admin_required
def pause(schedule_id: int) -> ResponseReturnValue:
    schedule_runs.pause(current_user, _find(schedule_id))
    flash("Paused. Nothing is sent until it is resumed.", "info")
    return redirect(url_for("schedules.index"))


@blueprint.post("/<int:schedule_id>/resume")
@admin_required
def resume(schedule_id: int) -> ResponseReturnValue:
    schedule_runs.resume(current_user, _find(schedule_id))
    flash("Resumed.", "success")
    return redirect(url_for("schedules.index"))


@blueprint.post("/<int:schedule_id>/send")
@admin_required
def send(schedule_id: int) -> ResponseReturnValue:
    schedule = _find(schedule_id)
    try:
        export, new = schedule_runs.run_now(current_user, schedule)
    except schedule_runs.OwnerGone:
        flash("It waits: whose it is, is no admin any more. Take it over first.", "warning")
        return redirect(url_for("schedules.index"))
    if export is None:
        flash("The last file is still on its way; the next one begins where it ends.", "warning")
    elif not new:
        flash("That was asked for a moment ago; it is sent once.", "info")
    elif service.enqueue(export):
        flash(f"On its way to {_names(schedule)}.", "success")
    else:
        flash(
            "The request is saved. The queue is out of reach just now; it starts when that is back.",
            "warning",
        )
    return redirect(url_for("schedules.index"))


@blueprint.route("/<int:schedule_id>/delete", methods=["GET", "POST"])
@admin_required
def delete(schedule_id: int) -> ResponseReturnValue:
    """Asks once."""
    schedule = _find(schedule_id)
    if request.method == "POST":
        schedule_runs.delete_schedule(current_user, schedule)
        flash(f"The schedule of {KINDS[schedule.kind].title} is deleted.", "success")
        return redirect(url_for("schedules.index"))
    return render_template("reports/schedules/delete.html", shown=_shown(schedule), crumbs=_crumbs())


def _unless_refused(save: Callable[[], object]) -> None:
    """403 for who is no admin any more by the time it is saved."""
    try:
        save()
    except Refused:
        db.session.rollback()
        abort(403)


def _find(schedule_id: int) -> ExportSchedule:
    return schedule_runs.find_schedule(schedule_id) or abort(404)


def _at_first(data: dict[str, Any]) -> dict[str, Any] | None:
    """What a form shows before it is sent; one that was sent says all by itself."""
    return data if request.method == "GET" else None


def _asked() -> dict[str, Any]:
    """The filters, columns and format that the address holds, as the form of an export sends them."""
    known = {"team", "source", "status", "user", "contact", "words", "format"}
    wanted: dict[str, Any] = {name: value for name, value in request.args.items() if name in known and value}
    return wanted | {"columns": request.args.getlist("columns")}


def _saved(kind: Kind) -> dict[str, Any]:
    """The filters, columns and format of the saved filter that the address names; its days are left
    out, as a schedule has days of its own."""
    saved = saved_filters.find(current_user, query_values.row_id(request.args, "saved") or 0)
    if saved is None or saved.kind != kind.key or request.method != "GET":
        return {}
    opened = saved_filters.opened(saved, kind, today(current_user.tenant.zone), words_for(current_user))
    for text in opened.lost:
        flash(f"{saved.name}: {text}", "warning")
    fields = {name: str(value) for name, value in opened.fields.items() if name != "columns"}
    return fields | {"columns": opened.fields.get("columns", [])}


def _form_page(kind: Kind, form: ScheduleForm, title: str) -> ResponseReturnValue:
    page = render_template(
        "reports/schedules/form.html",
        kind=kind,
        form=form,
        title=title,
        filtered=sum(1 for name in form.filter_names if form[name].data),
        about=kind.about.format(teams=words_for(current_user).teams),
        time_zone=current_user.tenant.time_zone,
        crumbs=_crumbs(),
        saved=saved_filters.saved_for(current_user, kind),
    )
    return page, 422 if form.is_submitted() else 200


def _crumbs() -> list[tuple[str, str]]:
    """The pages above a schedule's."""
    return export_crumbs(("Schedules", url_for("schedules.index")))


def _shown(schedule: ExportSchedule) -> dict[str, Any]:
    """What the list shows of a schedule."""
    zone = current_user.tenant.zone
    return {
        "schedule": schedule,
        "kind": KINDS[schedule.kind],
        "holds": PERIOD_NAMES[schedule.period],
        "filters": describe(Filters.from_stored(schedule.filters), words_for(current_user)),
        "when": schedule.timing.said,
        "next": time_tag(schedule.next_run_at, in_zone(schedule.next_run_at, zone)),
        "last": schedule_runs.last_run(schedule),
        "waits": schedule_runs.waits(schedule),
    }


def _names(schedule: ExportSchedule) -> str:
    names = [user.name for user in schedule.recipients if user.may_export]
    return ", ".join([*names, *(each.name for each in schedule.destinations)]) or "nobody"
