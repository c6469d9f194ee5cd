"""The help inside the app."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template
from flask_login import current_user, login_required

from cadence_app.consent import keywords
from cadence_app.messaging import providers
from cadence_app.ui import problems
from cadence_app.ui.navigation import Report, may_open, report_page
from cadence_app.version import VERSION

blueprint = Blueprint("help", __name__, url_prefix="/help")

PAGES = {
    "desk": "Messages: working together",
    "opt-out-history": "The Opt out history report",
    "what-counts": "What counts as a change",
    "keywords": "Keywords",
    "fewer-opt-outs": "How to keep opt outs few",
    "import": "Importing contacts from a file",
    "toggle": "Changing a status by hand",
    "records": "Records: numbers, merging, erasing",
    "carriers": "Carriers: what becomes of a text",
    "campaigns": "Campaigns, templates and quiet hours",
    "message-activity": "What the figures of message activity mean",
    "roles": "Who may do what",
    "schedules": "Schedules, and delivery to other systems",
    "retention": "How long contacts are kept",
    "notifications": "Notification e-mails",
    "proof": "Proof: what the seals show",
    "api": "The API",
    "webhooks": "Webhooks",
    "signing-in": "Signing in",
}


@blueprint.get("/")
@login_required
def index() -> str:
    return render_template("help/index.html", pages=PAGES, version=VERSION)


@blueprint.get("/<page>")
@login_required
def show(page: str) -> str:
    if page not in PAGES:
        abort(404)
    return render_template(
        f"help/{page}.html",
        pages=PAGES,
        page=page,
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
