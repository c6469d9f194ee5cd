"""How many texts wait for who looks at a page: for every page, and for one that asks by itself (live.js)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, has_request_context, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.requests import answers_early
from cadence_app.accounts.roles import desk_required
from cadence_app.messaging import page_freshness, unread_count

blueprint = Blueprint("waiting", __name__, url_prefix="/messages")


def _still_waiting(key: str) -> ResponseReturnValue | None:
    return ("", 204) if page_freshness.still_waiting(key, request.args.get("version")) else None


@blueprint.get("/waiting")
@answers_early(_still_waiting)
@desk_required
def count() -> str:
    """How many there are now; 204 while as many wait as the page says."""
    return render_template("messaging/_waiting.html")


@blueprint.app_context_processor
def _context() -> dict[str, Any]:
    return {"texts_waiting": _waiting}


def _waiting() -> dict[str, str] | None:
    """The number in words and its version; None where no page says it: for nobody, for who does not work at
    the desk, and on the page of a crash, which must do without the database."""
    if not has_request_context() or g.get("crashed") or not current_user.is_authenticated:
        return None
    if not current_user.works_desk:
        return None
    if "waiting" not in g:
        g.waiting = page_freshness.waiting(current_user)
    return {"words": unread_count.in_words(g.waiting.texts), "version": g.waiting.version}
