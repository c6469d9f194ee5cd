"""Between the password and the code: who has shown the one and has yet to show the other."""

from __future__ import annotations

import hashlib
import time

from flask import session

from cadence_app.accounts.models import User
from cadence_app.accounts.service import load_user

_KEY = "second_step"
_SECONDS = 600


def wait_for_code(user: User) -> None:
    """Notes in the cookie, which is signed, who has shown their password just now."""
    session.clear()
    session[_KEY] = [user.tenant_id, user.id, int(time.time()), _mark(user)]


def waiting() -> User | None:
    """Whose code is awaited; the database session then works for their tenant. None after ten minutes, and
    after their password was changed."""
    noted = session.get(_KEY)
    if not noted or noted[2] < time.time() - _SECONDS:
        return None
    user = load_user(noted[0], noted[1])
    fits = user and user.is_active and user.has_second_factor and _mark(user) == noted[3]
    return user if fits else None


def _mark(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]
