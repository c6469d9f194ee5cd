"""The help inside the app."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

from flask import Blueprint, abort, current_app, render_template, request
from flask_login import current_user, login_required

from cadence_app.consent import keywords
from cadence_app.messaging import providers
from cadence_app.ui import problems, query_values
from cadence_app.ui.navigation import Report, may_open, report_page
from cadence_app.version import VERSION

blueprint = Blueprint("help", __name__, url_prefix="/help")

GROUPS = {
    "Every day": {
        "desk": "Messages: working together",
        "campaigns": "Campaigns, templates and quiet hours",
        "import": "Importing contacts from a file",
        "records": "Records: numbers, merging, erasing",
        "signing-in": "Signing in",
    },
    "Consent": {
        "what-counts": "What counts as a change",
        "keywords": "Keywords",
        "toggle": "Changing a status by hand",
        "fewer-opt-outs": "How to keep opt outs few",
        "proof": "Proof: what the seals show",
        "retention": "How long contacts are kept",
    },
    "Reports": {
        "opt-out-history": "The Opt out history report",
        "message-activity": "What the figures of message activity mean",
        "schedules": "Schedules, and delivery to other systems",
    },
    "Set up and connect": {
        "roles": "Who may do what",
        "carriers": "Carriers: what becomes of a text",
        "notifications": "Notification e-mails",
        "api": "The API",
        "webhooks": "Webhooks",
    },
}
PAGES = {key: title for pages in GROUPS.values() for key, title in pages.items()}
# So much of a page is shown around the first word found in it.
_AROUND = 90


@dataclass(frozen=True)
class Found:
    """A page that has every word of a search, and the place of the first one in its text, if it is there."""

    key: str
    title: str
    excerpt: str


@blueprint.get("/")
@login_required
def index() -> str:
    search = query_values.text(request.args, "q")
    found = _pages_with(search.casefold().split()) if search else None
    return render_template("help/index.html", groups=GROUPS, search=search, found=found, version=VERSION)


@blueprint.get("/<page>")
@login_required
def show(page: str) -> str:
    if page not in PAGES:
        abort(404)
    return _page(page)


def _page(key: str) -> str:
    return render_template(
        f"help/{key}.html",
        page=key,
        title=PAGES[key],
        groups=GROUPS,
        report=report_page(current_user),
        activity=report_page(current_user, Report.MESSAGE_ACTIVITY),
        may_open_activity=may_open(current_user, Report.MESSAGE_ACTIVITY),
        out_words=[word.upper() for word in keywords.OUT_WORDS],
        in_words=[word.upper() for word in keywords.IN_WORDS],
        help_words=[word.upper() for word in keywords.HELP_WORDS],
        api_problems=problems.CATALOGUE,
        carriers=providers.carriers(),
        reset_minutes=current_app.config["RESET_LINK_MINUTES"],
        idle_minutes=current_app.config["SESSION_IDLE_MINUTES"],
        session_days=current_app.config["SESSION_DAYS"],
    )


def _pages_with(words: list[str]) -> list[Found]:
    """The pages that have all these words, those with them in the title first."""
    found = []
    for key, title in PAGES.items():
        text = _text_of(key)
        in_title = all(word in title.casefold() for word in words)
        if in_title or all(word in f"{title} {text}".casefold() for word in words):
            found.append((not in_title, Found(key, title, _excerpt(text, words))))
    return [each for _, each in sorted(found, key=itemgetter(0))]


def _text_of(key: str) -> str:
    """What a page says to this user, without markup."""
    article = _page(key).partition("<article")[2].partition("</article>")[0]
    text: str = current_app.jinja_env.filters["striptags"](f"<article{article}".replace("<", " <"))
    return text


def _excerpt(text: str, words: list[str]) -> str:
    first = min((place for word in words if (place := text.casefold().find(word)) >= 0), default=0)
    start = text.rfind(" ", 0, max(first - _AROUND, 0)) + 1
    end = text.find(" ", first + _AROUND)
    return ("… " if start else "") + (text[start:end] + " …" if end >= 0 else text[start:])
