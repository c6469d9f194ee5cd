"""Who may open a page. Every route that is not for everybody carries one of these, or login_required."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort
from flask_login import current_user, login_required

from cadence_app.accounts.models import User

P = ParamSpec("P")
R = TypeVar("R")


def admin_required(view: Callable[P, R]) -> Callable[P, R]:
    """A signed-in admin: others get 403, and who is not signed in is asked to."""
    return _only(lambda user: user.is_admin, view)


def reports_required(view: Callable[P, R]) -> Callable[P, R]:
    """A signed-in admin or auditor, who read every report."""
    return _only(lambda user: user.reads_reports, view)


def desk_required(view: Callable[P, R]) -> Callable[P, R]:
    """A signed-in admin or agent, who work with conversations and contacts."""
    return _only(lambda user: user.works_desk, view)


def _only(may: Callable[[User], bool], view: Callable[P, R]) -> Callable[P, R]:
    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not may(current_user):
            abort(403)
        return view(*args, **kwargs)

    return login_required(checked)  # type: ignore[no-any-return]
