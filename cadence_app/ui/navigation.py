"""The one place that reads a tenant's navigation flag for what its users see."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import request, url_for

from cadence_app.accounts.models import Navigation, User


@dataclass
class Item:
    """One entry of the main navigation. `active`: the page being shown is in it."""

    label: str
    url: str
    icon: str
    active: bool
    children: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Words:
    """What this mode calls a team."""

    team: str
    teams: str

    @property
    def Team(self) -> str:
        return self.team.capitalize()

    @property
    def Teams(self) -> str:
        return self.teams.capitalize()


WORDS = {Navigation.TEAMS: Words("team", "teams"), Navigation.LEGACY: Words("department", "departments")}


@dataclass(frozen=True)
class ReportPage:
    """Where a mode keeps the Opt out history: its endpoint, and the path a person clicks to it."""

    endpoint: str
    clicks: tuple[str, ...]


REPORT_PAGES = {
    Navigation.TEAMS: ReportPage("reports_teams.opt_out_history", ("Reports", "Exports", "Opt out history")),
    Navigation.LEGACY: ReportPage("reports_legacy.opt_out_changes", ("Reports", "Opt-out Changes", "Export")),
}


def words_for(user: User | None) -> Words:
    return WORDS[mode_of(user)] if user else WORDS[Navigation.TEAMS]


def mode_of(user: User) -> Navigation:
    """Which screens this user's tenant is on, as the flag says at this moment."""
    return Navigation(user.tenant.navigation)


def report_page(user: User) -> ReportPage:
    return REPORT_PAGES[mode_of(user)]


def main_navigation(user: User) -> list[Item]:
    """The entries this user may open; the reports are for admins."""
    items = [
        _item("Messages", "messaging.desk", "messages", "/messages"),
        _item("Contacts", "contacts.index", "users", "/contacts"),
    ]
    if user.is_admin:
        items.append(_item("Reports", "reports.index", "report-analytics", "/reports"))
    items.append(_item("Help", "help.index", "help", "/help"))
    return items


def _item(label: str, endpoint: str, icon: str, prefix: str) -> Item:
    active = request.path == prefix or request.path.startswith(prefix + "/")
    return Item(label, url_for(endpoint), icon, active)
