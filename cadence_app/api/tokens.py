"""Making, checking and revoking API tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, time, timedelta
from datetime import date as Day

from sqlalchemy import func, or_, select, text, update

from cadence_app.accounts.models import User
from cadence_app.api.models import ApiToken, Scope
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant

_FIND = text("SELECT tenant_id, token_id FROM find_api_token(:key)")
_SHAPE = re.compile(r"cad_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_USE_NOTED_EVERY = timedelta(minutes=1)


class NameTaken(ValueError):
    """The tenant has, or had, a token of this name."""


def create_token(user: User, name: str, scopes: list[Scope], last_day: Day | None) -> tuple[ApiToken, str]:
    """Makes a token and commits. `last_day` is the last day, in the tenant's zone, on which it works.

    Returns the token and its text, which can't be had again. Errors: NameTaken.
    """
    if db.session.scalar(select(ApiToken.id).where(ApiToken.name == name)):
        raise NameTaken(name)
    # 256 random bits can't be guessed, so a fast hash is as good as a slow one and costs nothing a call.
    key, secret = secrets.token_hex(8), secrets.token_hex(32)
    token = ApiToken(
        tenant_id=user.tenant_id,
        name=name,
        key=key,
        secret_hash=_hash(secret),
        scopes=[str(scope) for scope in scopes],
        created_by_id=user.id,
        expires_at=(
            datetime.combine(last_day + timedelta(days=1), time(), user.tenant.zone) if last_day else None
        ),
    )
    db.session.add(token)
    db.session.commit()
    return token, f"cad_{key}_{secret}"


def find_by_text(given: str) -> ApiToken | None:
    """The usable token whose text this is; the session then works for its tenant."""
    shape = _SHAPE.fullmatch(given)
    found = db.session.execute(_FIND, {"key": shape[1]}).one_or_none() if shape else None
    if shape is None or found is None:
        return None
    use_tenant(found.tenant_id)
    token = db.session.get(ApiToken, found.token_id, populate_existing=True)
    if token is None or not hmac.compare_digest(token.secret_hash, _hash(shape[2])):
        return None
    return token if token.usable and token.created_by.tenant.suspended_at is None else None


def note_use(token: ApiToken) -> None:
    """Writes when the token was last used and commits, at most once a minute."""
    if token.last_used_at and token.last_used_at > datetime.now(UTC) - _USE_NOTED_EVERY:
        return
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < func.now() - _USE_NOTED_EVERY)
    db.session.execute(update(ApiToken).where(ApiToken.id == token.id, stale).values(last_used_at=func.now()))
    db.session.commit()


def all_tokens() -> list[ApiToken]:
    """The tenant's tokens: those that work first, each lot newest first."""
    tokens = db.session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).all()
    return sorted(tokens, key=lambda token: not token.usable)


def find_token(token_id: int) -> ApiToken | None:
    return db.session.get(ApiToken, token_id)


def revoke(user: User, token: ApiToken) -> None:
    """Ends a token for good and commits; a second time changes nothing."""
    if token.revoked_at is None:
        token.revoked_at, token.revoked_by_id = datetime.now(UTC), user.id
    db.session.commit()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
