"""The Opt out history on screen: one form of days and filters, and the address is the state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.service import all_teams
from cadence_app.reports import changes, trends
from cadence_app.reports.changes import Cursor, Page
from cadence_app.reports.filters import CARRIED
from cadence_app.reports.forms import ExportForm
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.ranges import presets, today, usual
from cadence_app.reports.scope import Scope
from cadence_app.reports.screens import (
    asked_of,
    form_context,
    list_context,
    page_of,
    take_request,
)


def opt_out_history_page(template: str) -> ResponseReturnValue:
    """Shows the report that the address asks for, and takes a request to export what the form says."""
    if request.method == "POST":
        form = ExportForm(OPT_OUT_HISTORY)
        if form.validate_on_submit():
            take_request(OPT_OUT_HISTORY, form)
            return redirect(page_of(OPT_OUT_HISTORY, **_state(form)))
    else:
        form = ExportForm(OPT_OUT_HISTORY, formdata=asked_of(OPT_OUT_HISTORY), meta={"csrf": False})
    valid = request.method == "GET" and form.validate()
    page = render_template(
        template,
        **form_context(OPT_OUT_HISTORY, form),
        **list_context(OPT_OUT_HISTORY),
        filtered=_filtered(form),
        presets=_presets(form, partial(page_of, OPT_OUT_HISTORY)),
        report=_report(form) if valid else None,
    )
    return page, 200 if valid else 422


def overview_page(template: str) -> ResponseReturnValue:
    """Shows the totals and charts of the history for the days and the team that the address asks for."""
    form = ExportForm(OPT_OUT_HISTORY, formdata=asked_of(OPT_OUT_HISTORY), meta={"csrf": False})
    valid = form.validate()
    scope = Scope(*form.asked_days, current_user.tenant.zone, form.asked_filters) if valid else None
    page = render_template(
        template,
        form=form,
        filtered=_filtered(form),
        presets=_presets(form, lambda **query: url_for(str(request.endpoint), **query)),
        trends=trends.trends_of(scope) if scope else None,
        history_url=page_of(OPT_OUT_HISTORY, **_state(form)) if valid else page_of(OPT_OUT_HISTORY),
        time_zone=current_user.tenant.time_zone,
    )
    return page, 200 if valid else 422


def _state(form: ExportForm) -> dict[str, Any]:
    """The form as the query of an address, without what is as it is at first."""
    state: dict[str, Any] = {name: form[name].data for name in form.filter_names if form[name].data}
    if form.asked_columns:
        state["columns"] = form.asked_columns
    if form.format.data != Format.CSV:
        state["format"] = form.format.data
    start, end = form.start_date.data, form.end_date.data
    if (start, end) != usual(today(current_user.tenant.zone)):
        state |= {"start_date": start, "end_date": end}
    return state


def _filtered(form: ExportForm) -> int:
    """How many filters are set."""
    return sum(1 for name in form.filter_names if form[name].data)


def _presets(form: ExportForm, address: Callable[..., str]) -> list[tuple[str, str, bool]]:
    """Name, address and whether it is what the form shows, of each usual range with the filters kept."""
    kept = {name: value for name, value in _state(form).items() if name not in {"start_date", "end_date"}}
    ranges = presets(today(current_user.tenant.zone))
    shown = form.start_date.data, form.end_date.data
    # Two may mean the same days, as on the last of a month of thirty.
    current = next((name for name, start, end in ranges if (start, end) == shown), None)
    return [
        (name, address(start_date=start, end_date=end, **kept), name == current)
        for name, start, end in ranges
    ]


def _report(form: ExportForm) -> dict[str, Any]:
    scope = Scope(*form.asked_days, current_user.tenant.zone, form.asked_filters)
    page, astray = _page(scope)
    state = _state(form)
    past_end = not page.changes and "older" in request.args and not astray
    return {
        # Further pages stay instant: they count nothing.
        "trends": None if page.newer or past_end else trends.trends_of(scope),
        "past_end": past_end,
        "left_out": trends.count(scope.left_out) if scope.left_out else 0,
        "left_out_url": page_of(OPT_OUT_HISTORY, **state | {"source": CARRIED}) + "#changes",
        "page": page,
        "conversations": changes.conversations_of(current_user, page.changes),
        "own_team_ids": {team.id for team in current_user.teams},
        "team_names": {team.id: team.name for team in all_teams()},
        "astray": astray,
        "newest_url": page_of(OPT_OUT_HISTORY, **state),
        "newer_url": page_of(OPT_OUT_HISTORY, **state, newer=page.newer) if page.newer else None,
        "older_url": page_of(OPT_OUT_HISTORY, **state, older=page.older) if page.older else None,
    }


def _page(scope: Scope) -> tuple[Page, bool]:
    """The page that the address asks for, and whether its place could not be read."""
    for name, find in (("older", changes.older_than), ("newer", changes.newer_than)):
        if text := request.args.get(name):
            cursor = Cursor.parse(text)
            return (find(scope, cursor), False) if cursor else (changes.newest(scope), True)
    return changes.newest(scope), False
