"""Message activity on screen: the Analytics tab of Teams, and Message Activity > View of Legacy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from cadence_app.accounts.models import Navigation, Team
from cadence_app.accounts.service import all_teams
from cadence_app.reports.activity import Figures, activity_of
from cadence_app.reports.activity_forms import ActivityForm
from cadence_app.reports.activity_periods import DEFAULT, PRESETS, Period
from cadence_app.reports.ranges import today, utc_bounds
from cadence_app.reports.screens import only_in
from cadence_app.ui.formatting import day as in_words
from cadence_app.ui.navigation import Report, words_for

blueprint = Blueprint("activity", __name__, url_prefix="/reports")


@dataclass(frozen=True)
class Stat:
    """One total: what it is, its value, and the one of the period before with the change in words."""

    label: str
    value: str
    before: str


@blueprint.get("/analytics")
@login_required
def analytics() -> ResponseReturnValue:
    """Everybody sees the teams they are in, and an auditor every team."""
    only_in(Navigation.TEAMS, Report.MESSAGE_ACTIVITY)
    if current_user.is_auditor:
        return _page("reports/teams/analytics.html", all_teams(), "All")
    return _page("reports/teams/analytics.html", list(current_user.teams), "All my")


@blueprint.get("/message-activity")
@login_required
def message_activity() -> ResponseReturnValue:
    """Admins and auditors, who see every department."""
    only_in(Navigation.LEGACY, Report.MESSAGE_ACTIVITY)
    return _page("reports/legacy/message_activity.html", all_teams(), "All")


def _page(template: str, teams: list[Team], all_of: str) -> ResponseReturnValue:
    words, zone = words_for(current_user), current_user.tenant.zone
    day = today(zone)
    form = ActivityForm(request.args, teams, words, f"{all_of} {words.teams}", day)
    if not form.validate():
        return render_template(template, form=form, presets=PRESETS, day=day, period=None), 422
    period = form.period
    activity = activity_of(current_user, form.chosen_teams, period)
    form.start_date.data, form.end_date.data = period.start, period.end
    # A field shows what was typed before what it holds, and a preset's days were not typed.
    form.start_date.raw_data = form.end_date.raw_data = None
    return render_template(
        template,
        form=form,
        presets=PRESETS,
        shown_range=_shown_range(form, period, day),
        day=day,
        period=period,
        bounds=utc_bounds(period.start, period.end, zone),
        activity=activity,
        stats=_stats(activity.now, activity.before),
        trend=[(in_words(first), [sent, received]) for first, sent, received in activity.trend],
        by_team=[(line.name, [line.figures.sent, line.figures.received]) for line in activity.teams],
        teams=teams,
    )


def _shown_range(form: ActivityForm, period: Period, day: date) -> str | None:
    """The preset that was asked for, or one that means the same days."""
    if form.range.data:
        return str(form.range.data)
    same = [key for key, (_, meant) in PRESETS.items() if meant(day) == period]
    return DEFAULT if DEFAULT in same else next(iter(same), None)


def _stats(now: Figures, before: Figures) -> list[Stat]:
    counts = (("Sent", now.sent, before.sent), ("Received", now.received, before.received))
    shares = (("Delivery %", now.delivery, before.delivery), ("Reply %", now.reply, before.reply))
    return [
        *(Stat(label, f"{mine:,}", _change(mine, its)) for label, mine, its in counts),
        Stat("Unread", f"{now.unread:,}", _change(now.unread, before.unread)),
        *(Stat(label, _percent(mine), _points(mine, its)) for label, mine, its in shares),
    ]


def _percent(value: float | None) -> str:
    return "None sent" if value is None else f"{value}%"


def _change(now: int, before: int) -> str:
    """ "1,143 before, up 8%"."""
    if not before:
        return "None before"
    percent = round(100 * (now - before) / before)
    direction = "up" if now > before else "down"
    moved = "no change" if now == before else f"{direction} {abs(percent) or 'under 1'}%"
    return f"{before:,} before, {moved}"


def _points(now: float | None, before: float | None) -> str:
    """ "94.1% before, down 3.2 points"."""
    if before is None:
        return "None sent before"
    if now is None:
        return f"{before}% before"
    moved = round(abs(now - before), 1)
    direction = "up" if now > before else "down"
    return f"{before}% before, " + (f"{direction} {moved} points" if moved else "no change")
