"""The one place that reads a tenant's navigation flag for what its users see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flask import request, url_for

from cadence_app.accounts.models import Navigation, Role, Tenant, User


@dataclass
class Item:
    """One entry of the main navigation. `active`: the page being shown is in it."""

    label: str
    url: str
    icon: str
    active: bool


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


# What the two sets of screens are called where somebody chooses between them.
SCREENS = {Navigation.TEAMS: "Teams screens", Navigation.LEGACY: "Legacy screens"}
WORDS = {Navigation.TEAMS: Words("team", "teams"), Navigation.LEGACY: Words("department", "departments")}


class Report(StrEnum):
    """A report that both modes have, each at its own place."""

    OPT_OUT_HISTORY = "opt_out_history"
    MESSAGE_ACTIVITY = "message_activity"
    CONSENT_EVIDENCE = "consent_evidence"


@dataclass(frozen=True)
class ReportPage:
    """Where a mode keeps a report: its endpoint, the path a person clicks to it, and whether agents too may
    open it."""

    endpoint: str
    clicks: tuple[str, ...]
    for_agents: bool = False


REPORT_PAGES = {
    (Report.OPT_OUT_HISTORY, Navigation.TEAMS): ReportPage(
        "reports_teams.opt_out_history", ("Reports", "Exports", "Opt out history")
    ),
    (Report.OPT_OUT_HISTORY, Navigation.LEGACY): ReportPage(
        "reports_legacy.opt_out_changes", ("Reports", "Opt-out Changes", "Export")
    ),
    (Report.MESSAGE_ACTIVITY, Navigation.TEAMS): ReportPage(
        "activity.analytics", ("Reports", "Analytics"), for_agents=True
    ),
    (Report.MESSAGE_ACTIVITY, Navigation.LEGACY): ReportPage(
        "activity.message_activity", ("Reports", "Message Activity", "View")
    ),
    (Report.CONSENT_EVIDENCE, Navigation.TEAMS): ReportPage(
        "evidence_report.evidence", ("Reports", "Evidence")
    ),
    (Report.CONSENT_EVIDENCE, Navigation.LEGACY): ReportPage(
        "evidence_report.consent_evidence", ("Reports", "Consent Evidence", "View")
    ),
}


# The pages under Settings, all for admins only, by group in the order they are shown: label, endpoint, icon.
# "{Teams}" stands for the mode's word.
SETTINGS = {
    "Organization": (
        ("Organization", "organisation.index", "building"),
        ("First steps", "first_run.index", "checks"),
        ("Screens", "screens.index", "adjustments"),
        ("Custom fields", "custom_fields.index", "list"),
        ("Tags", "tags.index", "tag"),
    ),
    "People": (
        ("Notification e-mails", "notifications.index", "bell"),
        ("Users", "people.index", "users"),
        ("Left behind", "standing.index", "user"),
        ("{Teams}", "teams.index", "users-group"),
    ),
    "Texting": (
        ("Keywords", "keywords.index", "message-off"),
        ("Campaigns and quiet hours", "campaign_settings.edit", "clock"),
        ("Carriers", "carriers.index", "phone"),
        ("Texts not read", "unread_texts.index", "mail"),
        ("Inboxes", "inboxes.index", "inbox"),
    ),
    "Connections": (
        ("API tokens", "api_screens.index", "key"),
        ("Webhooks", "webhooks.index", "webhook"),
        ("Destinations", "destinations.index", "upload"),
        ("Single sign-on", "single_sign_on_settings.index", "login-2"),
    ),
    "Records": (
        ("Retention", "retention.index", "calendar-time"),
        ("Audit log", "audit_log.index", "history"),
    ),
}


# The pages under Your account: endpoint, label, icon, and whether they are for who works at the desk only.
ACCOUNT = (
    ("account.profile", "Profile", "user", False),
    ("email.index", "E-mail", "mail", False),
    ("account.password", "Password", "lock", False),
    ("second_factor.index", "Two-factor", "shield-lock", False),
    ("account.list_sessions", "Sessions", "device-mobile", False),
    ("alerts.index", "Notifications", "bell", True),
)


def words_for(user: User | None) -> Words:
    return words_of(user.tenant) if user else WORDS[Navigation.TEAMS]


def words_of(tenant: Tenant) -> Words:
    return WORDS[screens_of(tenant)]


def mode_of(user: User) -> Navigation:
    """Which screens this user sees, as the flag of their tenant says at this moment."""
    return screens_of(user.tenant)


def screens_of(tenant: Tenant) -> Navigation:
    return tenant.navigation


def report_page(user: User, report: Report = Report.OPT_OUT_HISTORY) -> ReportPage:
    """Where this user's mode keeps a report."""
    return REPORT_PAGES[report, mode_of(user)]


def may_open(user: User, report: Report) -> bool:
    return opens(user.role, mode_of(user), report)


def opens(role: Role, mode: Navigation, report: Report) -> bool:
    """Whether a role may open a report where a mode keeps it."""
    return role != Role.AGENT or REPORT_PAGES[report, mode].for_agents


def menu(role: Role, mode: Navigation) -> list[tuple[str, str, str, str]]:
    """The entries of the main navigation that a role has in a mode: label, endpoint, icon and the path that
    is theirs. Reports is there where the mode has at least one report for them."""
    entries = []
    if role != Role.AUDITOR:
        entries.append(("Messages", "messaging.desk", "messages", "/messages"))
        entries.append(("Contacts", "contacts.index", "users", "/contacts"))
        entries.append(("Campaigns", "campaigns.index", "send", "/campaigns"))
    if any(opens(role, mode, report) for report in Report):
        entries.append(("Reports", "reports.index", "report-analytics", "/reports"))
    return entries


def main_navigation(user: User) -> list[Item]:
    """The entries this user may open."""
    return [_item(*entry) for entry in menu(user.role, mode_of(user))]


def settings_navigation(user: User) -> list[tuple[str, list[Item]]]:
    """The groups of settings pages with their entries, in the words of the user's mode."""
    words = words_for(user)
    return [
        (group, [_page(label.format(Teams=words.Teams), *where) for label, *where in pages])
        for group, pages in SETTINGS.items()
    ]


def account_pages(user: User) -> list[tuple[str, str, str]]:
    """The pages of a user's own account: endpoint, label and icon."""
    return [
        (endpoint, label, icon)
        for endpoint, label, icon, for_desk in ACCOUNT
        if user.works_desk or not for_desk
    ]


def _page(label: str, endpoint: str, icon: str) -> Item:
    area = endpoint.split(".")[0]
    return Item(label, url_for(endpoint), icon, (request.endpoint or "").split(".")[0] == area)


def _item(label: str, endpoint: str, icon: str, prefix: str) -> Item:
    active = request.path == prefix or request.path.startswith(prefix + "/")
    return Item(label, url_for(endpoint), icon, active)
