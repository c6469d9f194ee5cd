"""Who a request is from, and putting a new session in its cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from flask import (
    Request,
    Response,
    current_app,
    g,
    has_request_context,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, current_user
from sqlalchemy import inspect

from cadence_app.accounts import known_devices, sessions, signing_in
from cadence_app.accounts.afterwards import after
from cadence_app.accounts.forms import CurrentPasswordForm
from cadence_app.accounts.models import User
from cadence_app.accounts.passwords import Proof
from cadence_app.accounts.service import account_of
from cadence_app.accounts.sessions import Device
from cadence_app.accounts.sign_in_models import Method, SignInSession
from cadence_app.accounts.tries import TooMany
from cadence_app.extensions import db, limiter

# How long a sign-in at the organisation's provider stands for a password.
_JUST_NOW = timedelta(minutes=10)
_KEY = "sign_in"
# What is open to who has yet to set up a second factor.
_SETTING_UP = {"static", "health.healthz", "second_factor.index", "accounts.sign_out"}

# Browsers read a backslash as a slash, and two slashes as the beginning of another site's name.
_PATH = re.compile(r"/(?![/\\]).{0,2000}")

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def asks_by_itself(view: View) -> View:
    """Marks a view that an open page asks for without anybody at it: it keeps no session from timing out."""
    view.asks_by_itself = True  # type: ignore[attr-defined]
    return view


def answers_early(early: Callable[[str], ResponseReturnValue | None]) -> Callable[[View], View]:
    """For a view that an open page asks for by itself: `early` gets the key of the cookie before anybody is
    looked up, and gives the answer where a page that was shown to its user still holds. With None the view
    answers, after all that comes before a view."""

    def mark(view: View) -> View:
        view.early = early  # type: ignore[attr-defined]
        return asks_by_itself(view)

    return mark


def answer_early() -> ResponseReturnValue | None:
    """Before each request, and before anybody is looked up for it."""
    early = getattr(current_app.view_functions.get(request.endpoint or ""), "early", None)
    key = session.get(_KEY) if early else None
    answer: ResponseReturnValue | None = early(key) if early and isinstance(key, str) else None
    return answer


def user_of_request(asked: Request) -> User | None:
    """The user whose session the cookie opens, for Flask-Login."""
    key = session.get(_KEY)
    view = current_app.view_functions.get(asked.endpoint or "")
    found = sessions.find(key, not hasattr(view, "asks_by_itself")) if isinstance(key, str) else None
    if found is None:
        return None
    g.sign_in_session = found
    return found.user


def follow_tenant(tenant_id: int) -> None:
    """Before the database session goes over to a tenant, for whom a link or an address is: who is signed in
    here with another one is nobody there, for their row can't be read then. They are back with their own.
    Once the request's session is closed, while a file still goes out, nobody is looked at any more."""
    if not has_request_context():
        return
    user, away = g.get("_login_user"), g.get("user_away")
    if isinstance(user, User) and not inspect(user).detached and user.tenant_id != tenant_id:
        g.user_away = user.tenant_id, user
        g._login_user = AnonymousUserMixin()
    elif away and away[0] == tenant_id:
        g._login_user = away[1]


def session_in_use() -> SignInSession:
    """The session of who is signed in."""
    found: SignInSession = g.sign_in_session
    return found


def begin_session(user: User, method: Method) -> None:
    """Signs a user in on this browser and commits. Nothing of the cookie from before is kept, so nobody can
    have prepared it."""
    key = sessions.begin(user, method, Device(request.remote_addr or "", request.user_agent.string))
    db.session.commit()
    session.clear()
    session.permanent = True
    session[_KEY] = key
    know_device(user)


def know_device(user: User) -> None:
    """This browser is one that the user has signed in on with the password of now."""
    if user.password_hash:
        known_devices.remember(account_of(user), user.password_hash)


def device_of(user: User) -> str | None:
    """The number of this browser, where the user has signed in on it before."""
    return known_devices.of_request().number(account_of(user), user.password_hash)


def proof(form: CurrentPasswordForm) -> Proof:
    """What who is signed in shows besides the session, for passwords.require()."""
    mine = session_in_use()
    just_now = mine.method == Method.SINGLE_SIGN_ON and mine.created_at > datetime.now(UTC) - _JUST_NOW
    return Proof(form.current.data or "" if "current" in form else "", just_now)


def too_many(early: TooMany) -> Response:
    """The answer to a try that came too early, the same wherever it was made."""
    db.session.rollback()
    page = render_template(
        "errors/error.html",
        code=429,
        title="Too many tries",
        text=str(early).removeprefix("Too many tries. "),
        link_url=request.path if request.url_rule and "GET" in (request.url_rule.methods or ()) else "",
        link_label="Go back",
    )
    response = make_response(page, 429)
    # The limiter's headers would tell of another moment: when its own count of the address is over.
    limiter.context.reset()
    response.headers["Retry-After"] = str(early.seconds)
    if isinstance(early, signing_in.TooManyAt):
        # Told where somebody has the account alone, so not while anybody can time it.
        at = early
        after(response, lambda: signing_in.note_too_many(at))
    return response


def end_session() -> None:
    """Ends the session of who is signed in, and commits: its cookie opens nothing any more."""
    sessions.end(current_user, session_in_use().id)
    db.session.commit()
    session.clear()


def lead_to_second_factor() -> ResponseReturnValue | None:
    """Before each request: who must have a second factor and has none can do nothing but set it up. Single
    sign-on leaves that to the provider."""
    if request.endpoint is None or request.endpoint in _SETTING_UP or not session.get(_KEY):
        return None
    if not current_user.is_authenticated or session_in_use().method == Method.SINGLE_SIGN_ON:
        return None
    if not current_user.needs_second_factor:
        return None
    return redirect(url_for("second_factor.index"))


def next_page(wanted: str | None) -> str:
    """Where the person wanted to go; only a path of this site that can stand in a header."""
    if wanted and _PATH.fullmatch(wanted) and wanted.isprintable():
        return wanted
    return url_for("accounts.home")
