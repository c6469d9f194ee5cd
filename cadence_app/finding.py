"""Ctrl K on every page: finds a person whom the user may see, or a page that they may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user, login_required

from cadence_app.accounts.models import User
from cadence_app.help_pages import PAGES
from cadence_app.messaging import addressing
from cadence_app.ui import query_values
from cadence_app.ui.navigation import (
    Report,
    account_pages,
    main_navigation,
    may_open,
    report_page,
    settings_navigation,
)

blueprint = Blueprint("finding", __name__, url_prefix="/find")

# Enough to choose from; the rest is found by more letters.
_MOST_PAGES = 8


@dataclass(frozen=True)
class Page:
    """A page, and in which part of Cadence it is."""

    label: str
    part: str
    url: str
    icon: str


@blueprint.get("/")
@login_required
def index() -> str:
    """The list of the dialog (static/js/finder.js): before anything is typed, the parts of Cadence."""
    typed = query_values.text(request.args, "q")
    found = addressing.find_people(current_user, typed) if typed and current_user.works_desk else None
    pages = pages_like(current_user, typed) if typed else pages_of(current_user)[:_MOST_PAGES]
    return render_template("finder/_found.html", typed=typed, found=found, pages=pages)


def pages_like(user: User, typed: str) -> list[Page]:
    """The pages that a user may open with every word typed in their name or their part's: those whose name
    begins with it first, then those with all of it in the name."""
    words = typed.casefold().split()
    found = [page for page in pages_of(user) if _has(words, f"{page.label} {page.part}")]

    def order(page: Page) -> tuple[bool, bool]:
        begins = page.label.casefold().startswith(" ".join(words))
        return not begins, not _has(words, page.label)

    return sorted(found, key=order)[:_MOST_PAGES]


def pages_of(user: User) -> list[Page]:
    """Every page that a user may open by itself, the main ones first."""
    pages = [Page(item.label, "", item.url, item.icon) for item in main_navigation(user)]
    if user.works_desk:
        pages += [
            Page("New text", "Messages", url_for("new_text.show"), "message-plus"),
            Page("For me", "Messages", url_for("for_me.index"), "bell"),
            Page("Decide possible opt outs", "Messages", url_for("opt_out_queue.index"), "flag"),
            Page("Add contact", "Contacts", url_for("contacts.new"), "user-plus"),
            Page("Templates", "Campaigns", url_for("text_templates.index"), "template"),
        ]
    for report in Report:
        if may_open(user, report):
            place = report_page(user, report)
            pages.append(Page(_name(place.clicks), "Reports", url_for(place.endpoint), "report-analytics"))
    if user.is_admin:
        pages.append(Page("Settings", "", url_for("settings.index"), "settings"))
        for part, items in settings_navigation(user):
            pages += [Page(item.label, f"Settings, {part}", item.url, item.icon) for item in items]
    pages += [
        Page(label, "Your account", url_for(endpoint), icon) for endpoint, label, icon in account_pages(user)
    ]
    pages.append(Page("Help", "", url_for("help.index"), "help"))
    pages += [Page(title, "Help", url_for("help.show", page=key), "help") for key, title in PAGES.items()]
    return pages


def _name(clicks: tuple[str, ...]) -> str:
    """What a report is called, by the clicks that lead to it: the last that is not what one does there."""
    return next(click for click in reversed(clicks) if click not in {"View", "Export"})


def _has(words: list[str], text: str) -> bool:
    return all(word in text.casefold() for word in words)
