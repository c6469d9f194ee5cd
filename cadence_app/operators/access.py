"""Who is signed in as an operator. The sign-in has nothing to do with a tenant's: an account of its own, a
session key of its own, and no page of a tenant opens with it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from cadence_app.accounts import known_devices
from cadence_app.operators import service
from cadence_app.operators.models import Operator

blueprint = Blueprint("operator", __name__, url_prefix="/operator")

_HELD = "operator"
_WAITING = "operator_second_step"
_WAIT_SECONDS = 600

P = ParamSpec("P")
R = TypeVar("R")


def operator_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """A signed-in operator, as g.operator: everybody else is asked to sign in as one, and who has no second
    factor yet to set it up."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | ResponseReturnValue:
        if not g.operator.has_second_factor:
            return redirect(url_for("operator.second_factor"))
        return view(*args, **kwargs)

    return sign_in_required(checked)


def sign_in_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """The same for what an operator without a second factor may open too."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | ResponseReturnValue:
        g.operator = service.operator_of(session.get(_HELD, ""))
        if g.operator is None:
            return redirect(url_for("operator.sign_in"))
        return view(*args, **kwargs)

    return checked


def begin_session(operator: Operator) -> None:
    """Signs an operator in on this browser. The caller commits."""
    service.sign_in(operator, request.remote_addr or "")
    hold(operator)
    known_devices.remember(service.account_of(operator), operator.password_hash)
    current_app.logger.info("operator %s signed in", operator.email)


def hold(operator: Operator) -> None:
    """Puts the operator's session in this browser's cookie; nothing of the cookie from before is kept."""
    session.clear()
    session.permanent = True
    session[_HELD] = service.session_of(operator, service.session_end())


def end_session(operator: Operator) -> None:
    service.end_sessions(operator)
    session.clear()


def wait_for_code(operator: Operator) -> None:
    """Notes in the cookie, which is signed, who has shown their password just now."""
    session.clear()
    session[_WAITING] = [operator.id, int(time.time()), _mark(operator)]


def waiting() -> Operator | None:
    """Whose code is awaited; None after ten minutes, and after their password or second factor was
    changed."""
    noted = session.get(_WAITING)
    if not noted or noted[1] < time.time() - _WAIT_SECONDS:
        return None
    operator = service.operator_with(noted[0])
    fits = operator and operator.active and operator.has_second_factor and _mark(operator) == noted[2]
    return operator if fits else None


def _mark(operator: Operator) -> str:
    state = f"{operator.password_hash} {operator.second_factor_secret}"
    return hashlib.sha256(state.encode()).hexdigest()[:16]
