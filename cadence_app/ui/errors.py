"""Error pages. A blueprint raises an HTTP error; what it says is here or in the error's description.

A program that calls the API gets problem+json instead (problems.py).
"""

from __future__ import annotations

from flask import Flask, current_app, g, render_template
from flask.typing import ResponseReturnValue
from flask_limiter.errors import RateLimitExceeded
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from cadence_app.extensions import db
from cadence_app.ui import problems

_TEXTS = {
    400: ("That request can't be read", "Go back, reload the page and try once more."),
    403: ("This page is not for your role", "Ask an admin of your organization if you need what is on it."),
    404: ("There is nothing here", "The page may have moved, or it belongs to somebody else."),
    405: ("That can't be done here", "Go back and use the buttons of the page."),
    413: ("That is too large", "Send a smaller file or a shorter text."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: ("Something broke on our side", "Nothing you entered was half-saved. Try again in a moment."),
}


class MovedReport(HTTPException):
    """404 for the other mode's path of a report; `url` is where the report lives in this mode."""

    code = 404

    def __init__(self, clicks: tuple[str, ...], url: str) -> None:
        super().__init__()
        self.clicks, self.url = clicks, url


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(MovedReport, _moved_report)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(RateLimitExceeded, _http_error)
    app.register_error_handler(Exception, _crash)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if problems.wanted():
        return problems.problem_response(error)
    code = error.code or 500
    title, text = _TEXTS.get(code, (error.name, error.description or ""))
    return _page(code, title, text), code


def _moved_report(error: MovedReport) -> tuple[str, int]:
    where = " > ".join(error.clicks)
    return _page(404, "This report has moved", f"It is now under {where}.", error.url, "Open the report"), 404


def _csrf_error(error: CSRFError) -> tuple[str, int]:
    return _page(400, "This form was open too long", "Reload the page and send it again."), 400


def _crash(error: Exception) -> ResponseReturnValue:
    """The page of a crash does without the database, which may be what is down: it is shown as to anybody."""
    current_app.logger.exception("unhandled error")
    g.crashed = True
    g._login_user = AnonymousUserMixin()
    db.session.rollback()
    return _http_error(InternalServerError())


def _page(code: int, title: str, text: str, link_url: str = "", link_label: str = "") -> str:
    return render_template(
        "errors/error.html", code=code, title=title, text=text, link_url=link_url, link_label=link_label
    )
