"""Making, checking, handing over and ending API tokens by hand, and when one expires.

Whether one still works because of who made it is Standing in models.py; what becomes of it once nobody
answers for it, standing/service.py. What a token may do is Scope and Standing in models.py, asked at every
call in operations.py.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import joinedload

from cadence_app.accounts import admins, audit
from cadence_app.accounts.models import User
from cadence_app.api.models import ApiToken, EndReason, Scope
from cadence_app.extensions import db
from cadence_app.reports.ranges import today
from cadence_app.tenancy import use_tenant

USUAL_DAYS = 365
MOST_DAYS = 730
# So many days before a token expires the admins are told, each time once.
NOTICES = (30, 7, 1)

_FIND = text("SELECT tenant_id, token_id FROM find_api_token(:key)")
_SHAPE = re.compile(r"cad_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_CALL = 200
END_WORDS = {
    EndReason.ENDED: "An admin ended it",
    EndReason.UNUSED: "Its owner is no admin any more, and nobody had used it for 30 days",
    EndReason.NOT_TAKEN_OVER: "Its owner is no admin any more, and nobody took it over within 14 days",
}


class NameTaken(ValueError):
    """The tenant has, or had, a token of this name."""


def create_token(user: User, name: str, scopes: list[Scope], days: int = USUAL_DAYS) -> tuple[ApiToken, str]:
    """Makes a token and commits. It works for the rest of today and `days` whole days of the tenant's zone.

    Returns the token and its text, which can't be had again. Errors: NameTaken, Refused for who is no admin.
    """
    admins.hold_admins(user)
    if db.session.scalar(select(ApiToken.id).where(ApiToken.name == name)):
        raise NameTaken(name)
    zone = user.tenant.zone
    expires_at = datetime.combine(today(zone) + timedelta(days=days + 1), time(), zone)
    # 256 random bits can't be guessed, so a fast hash is as good as a slow one and costs nothing a call.
    key, secret = secrets.token_hex(8), secrets.token_hex(32)
    token = ApiToken(
        tenant_id=user.tenant_id,
        name=name,
        key=key,
        secret_hash=_hash(secret),
        scopes=scopes,
        created_by_id=user.id,
        owner_id=user.id,
        expires_at=expires_at,
        next_notice_at=next_notice(expires_at, datetime.now(UTC)),
    )
    db.session.add(token)
    told = {"scopes": (None, token.scopes), "expires": (None, expires_at)}
    audit.record(user, "token.made", name, **told)
    db.session.commit()
    return token, f"cad_{key}_{secret}"


def next_notice(expires_at: datetime, after: datetime) -> datetime:
    """When the admins are told next that a token expires; once no notice is left, when it does."""
    moments = [expires_at - timedelta(days=notice) for notice in NOTICES]
    return min((moment for moment in moments if moment > after), default=expires_at)


def find_by_text(given: str) -> ApiToken | None:
    """The token whose text this is, whatever its standing, with its owner as they are now; the session then
    works for its tenant. None of a tenant that is suspended."""
    shape = _SHAPE.fullmatch(given)
    found = db.session.execute(_FIND, {"key": shape[1]}).one_or_none() if shape else None
    if shape is None or found is None:
        return None
    use_tenant(found.tenant_id)
    query = (
        select(ApiToken)
        .where(ApiToken.id == found.token_id)
        .options(joinedload(ApiToken.owner).joinedload(User.tenant))
        .execution_options(populate_existing=True)
    )
    token = db.session.scalars(query).one_or_none()
    if token is None or not hmac.compare_digest(token.secret_hash, _hash(shape[2])):
        return None
    return token if token.owner.tenant.suspended_at is None else None


def note_use(token: ApiToken) -> None:
    """Writes when the token was last used and commits, at most once a minute. The first use is in the audit
    log, once however many calls are the first."""
    mine = ApiToken.id == token.id
    if token.last_used_at is None:
        first = update(ApiToken).where(mine, ApiToken.last_used_at.is_(None))
        if db.session.scalar(first.values(last_used_at=func.now()).returning(ApiToken.id)):
            audit.record(token.actor, "token.first_used", token.name)
        db.session.commit()
        return
    if token.last_used_at > datetime.now(UTC) - _NOTED_EVERY:
        return
    stale = ApiToken.last_used_at < func.now() - _NOTED_EVERY
    db.session.execute(update(ApiToken).where(mine, stale).values(last_used_at=func.now()))
    db.session.commit()


def note_refusal(token: ApiToken, call: str, address: str) -> None:
    """Writes which call was refused because the token has ended, or only writes opt outs, and commits; at
    most once a minute. `call` is its method and path, `address` where it came from."""
    stale = or_(ApiToken.refused_at.is_(None), ApiToken.refused_at < func.now() - _NOTED_EVERY)
    said = call[:_LONGEST_CALL].encode("ascii", "replace").decode().replace("\x00", "?")
    values = {"refused_at": func.now(), "refused_call": said, "refused_from": address}
    db.session.execute(update(ApiToken).where(ApiToken.id == token.id, stale).values(values))
    db.session.commit()


def all_tokens() -> list[ApiToken]:
    """The tenant's tokens: those that work first, each lot newest first."""
    query = select(ApiToken).options(joinedload(ApiToken.owner), joinedload(ApiToken.created_by))
    tokens = db.session.scalars(query.order_by(ApiToken.id.desc())).all()
    return sorted(tokens, key=lambda token: not token.usable)


def find_token(token_id: int) -> ApiToken | None:
    return db.session.get(ApiToken, token_id)


def revoke(user: User, token: ApiToken) -> None:
    """Ends a token for good and commits; a second time changes nothing."""
    db.session.refresh(token, with_for_update=True)
    end(user, token, EndReason.ENDED)
    db.session.commit()


def end(actor: audit.Actor, token: ApiToken, reason: EndReason) -> None:
    """Ends a token for good, in the open transaction; a second time changes nothing."""
    if token.revoked_at is not None:
        return
    token.revoked_at = datetime.now(UTC)
    token.revoked_by_id = actor.id if isinstance(actor, User) else None
    token.end_reason = reason
    token.gone_at = token.remind_at = token.next_notice_at = None
    audit.record(actor, "token.ended", token.name, reason=(None, END_WORDS[reason]))


def hand_over(actor: User, token: ApiToken, heir: User) -> None:
    """Lets a token go on, on the right of another admin, in the open transaction."""
    audit.record(actor, "token.handed_over", token.name, owner=(token.owner.name, heir.name))
    token.owner_id = heir.id
    token.gone_at = token.remind_at = None
    db.session.flush()
    db.session.expire(token, ["owner"])


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
