"""Links that sign in whoever has them: signed, expiring, and of use once.

Nothing of a link is stored. It carries a mark of the state it was made in, the password or the invitation of
that moment, and is worth nothing once that has changed.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from cadence_app import secret_keys
from cadence_app.accounts.models import User
from cadence_app.accounts.service import load_user
from cadence_app.extensions import db

_ADDRESS_LIFE = timedelta(hours=24)


class Purpose(StrEnum):
    """What a link is for, which is also its path."""

    RESET = "reset-password"
    INVITATION = "invitation"
    ADDRESS = "confirm-address"


def make(user: User, purpose: Purpose) -> tuple[str, datetime]:
    """The whole address of a link for this user, and when it expires."""
    token = _serializer(purpose).dumps([user.tenant_id, user.id, _marks(user, purpose)[-1]])
    url = f"{current_app.config['PUBLIC_URL']}/{purpose}/{token}"
    return url, datetime.now(UTC) + _life(purpose)


def user_of(token: str, purpose: Purpose, taking: bool = False) -> User | None:
    """Whom a link is for; the database session then works for their tenant. None for a link that is not
    ours, has expired, was used, or whose user may not sign in. Of two that are `taking` what it gives, the
    second waits for the first to commit, and finds it used."""
    try:
        read = _serializer(purpose).loads(token, max_age=int(_life(purpose).total_seconds()))
    except BadData:
        return None
    tenant_id, user_id, mark = read
    user = load_user(tenant_id, user_id)
    if user and taking:
        db.session.refresh(user, with_for_update=True)
    if user is None or not user.is_active or mark not in _marks(user, purpose):
        return None
    if user.invited != (purpose == Purpose.INVITATION):
        return None
    if purpose == Purpose.ADDRESS and not user.new_email:
        return None
    return user


def _life(purpose: Purpose) -> timedelta:
    if purpose == Purpose.RESET:
        return timedelta(minutes=current_app.config["RESET_LINK_MINUTES"])
    if purpose == Purpose.ADDRESS:
        return _ADDRESS_LIFE
    return timedelta(days=current_app.config["INVITATION_DAYS"])


def _marks(user: User, purpose: Purpose) -> list[str]:
    """The mark of this state under each key, the current one last. That of a link is signed with it, so it is
    no secret by which a comparison's time could be of use."""
    # In one zone, whichever the session of the database that read it is in.
    invited_at = user.invited_at.astimezone(UTC).isoformat() if user.invited_at else ""
    state = {
        # Whoever reads the mail of an address that they left resets nothing.
        Purpose.RESET: f"{user.password_hash} {user.email}",
        Purpose.INVITATION: invited_at,
        Purpose.ADDRESS: f"{user.password_hash} {user.email} {user.new_email}",
    }[purpose]
    said = f"{purpose} {user.id} {state}".encode()
    return [hmac.digest(key.encode(), said, "sha256").hex()[:32] for key in secret_keys.signing()]


def _serializer(purpose: Purpose) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_keys.signing(), salt=f"cadence {purpose}")
