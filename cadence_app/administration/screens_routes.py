"""Settings > Screens: which screens the organisation is on, and what the other ones would look like."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.models import Navigation, Role
from cadence_app.accounts.roles import admin_required
from cadence_app.administration import organisation
from cadence_app.extensions import db
from cadence_app.reports.kinds import KINDS
from cadence_app.reports.screens import clicks_of
from cadence_app.ui.navigation import REPORT_PAGES, SCREENS, WORDS, Report, Words, menu, mode_of, opens

blueprint = Blueprint("screens", __name__, url_prefix="/settings/screens")


@dataclass(frozen=True)
class Preview:
    """What the users of a mode see: the menu of each role, labels and icons, and whether agents have message
    activity."""

    mode: Navigation
    name: str
    words: Words
    menus: dict[Role, list[tuple[str, str]]]
    agents_read_activity: bool


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """Both menus and where each report moves; sending the form moves everybody."""
    now = mode_of(current_user)
    other = Navigation.LEGACY if now == Navigation.TEAMS else Navigation.TEAMS
    if request.method == "POST":
        # What was confirmed, lest two presses move the organisation there and back.
        wanted = request.form.get("screens", str(other))
        if wanted not in set(Navigation):
            abort(404)
        organisation.set_navigation(current_user, current_user.tenant, Navigation(wanted))
        db.session.commit()
        flash(f"Everybody is on the {SCREENS[Navigation(wanted)]} from their next page on.", "success")
        return redirect(url_for("screens.index"))
    return render_template(
        "administration/screens.html", now=preview_of(now), other=preview_of(other), moves=moves(now, other)
    )


def preview_of(mode: Navigation) -> Preview:
    menus = {role: [(label, icon) for label, _, icon, _ in menu(role, mode)] for role in Role}
    agents = opens(Role.AGENT, mode, Report.MESSAGE_ACTIVITY)
    return Preview(mode, SCREENS[mode], WORDS[mode], menus, agents)


def moves(now: Navigation, other: Navigation) -> list[tuple[str, str, str]]:
    """Each report with the clicks to it in one mode and in the other."""
    plain = {"Message activity": Report.MESSAGE_ACTIVITY, "Consent evidence": Report.CONSENT_EVIDENCE}
    reports = [
        (title, " > ".join(REPORT_PAGES[report, now].clicks), " > ".join(REPORT_PAGES[report, other].clicks))
        for title, report in plain.items()
    ]
    kinds = [
        (kind.title, " > ".join(clicks_of(kind, now)), " > ".join(clicks_of(kind, other)))
        for kind in KINDS.values()
    ]
    return [*reports, *kinds]
