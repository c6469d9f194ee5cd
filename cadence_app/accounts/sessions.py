"""Sign-ins that are kept here, so that each can be seen and ended.

The cookie holds a random key and no more; a session that has ended, or that was used too long ago, is one
that nobody's cookie opens.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Row,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import contains_eager
from sqlalchemy.sql.compiler import SQLCompiler

from cadence_app.accounts import audit, devices
from cadence_app.accounts.models import Tenant, User
from cadence_app.accounts.sign_in_models import Method, SignInSession
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use, use_tenant

_FIND = text("SELECT tenant_id, session_id, last_seen_at FROM find_sign_in_session(:key_hash)")
_SEEN_NOTED_EVERY = timedelta(minutes=1)
# An ended session is still listed nowhere; it is kept for a while for who has to look into something.
_KEPT_DAYS = 30

METHODS = {
    Method.PASSWORD: "Password",
    Method.SECOND_FACTOR: "Password and a second factor",
    Method.LINK: "Link from an e-mail",
    Method.SINGLE_SIGN_ON: "Single sign-on",
}


@dataclass(frozen=True)
class Device:
    """Where a sign-in comes from: the address, and the browser's own User-Agent."""

    ip: str
    user_agent: str


def begin(user: User, method: Method, device: Device) -> str:
    """Begins a session, in the open transaction, and returns the key for the cookie; nothing else has it."""
    key = secrets.token_urlsafe(32)
    db.session.add(
        SignInSession(
            tenant_id=user.tenant_id,
            user_id=user.id,
            key_hash=_hash(key),
            ip=device.ip,
            device=devices.in_words(device.user_agent),
            method=method,
        )
    )
    audit.record(
        user, "user.signed_in", f"{METHODS[method]}, {devices.in_words(device.user_agent)}, {device.ip}"
    )
    return key


def find(key: str, looking: bool = True) -> SignInSession | None:
    """The session that a cookie's key opens, with its user and tenant; the database session then works for
    that tenant. None once it has ended or timed out, or the user may not sign in any more.

    It is noted as seen, unless nobody is `looking`: a page that asks by itself for what is new.
    """
    found = _open(key)
    if found is None:
        return None
    if looking and found.last_seen_at < datetime.now(UTC) - _SEEN_NOTED_EVERY:
        _note_seen(found.session_id)
    query = (
        select(SignInSession)
        .join(SignInSession.user)
        .join(User.tenant)
        .options(contains_eager(SignInSession.user).contains_eager(User.tenant))
        .where(SignInSession.id == found.session_id, *_lets_in())
    )
    return db.session.scalars(query).one_or_none()


class Question:
    """What a page that asks by itself wants to know, of columns of its user (`User`) and tenant (`Tenant`).

    It is put together once and asked in one statement with whether the session still lets its user in: a
    page asks often, and hardly ever is there anything new.
    """

    def __init__(self, *columns: ColumnElement[Any]) -> None:
        self._query = select(*columns).select_from(SignInSession).join(SignInSession.user).join(User.tenant)
        self._made: dict[tuple[timedelta, timedelta], SQLCompiler] = {}

    def ask(self, key: str, **values: int | None) -> Row[Any] | None:
        """The answer for whom a cookie's key lets in, which does not count as having been seen; None for
        nobody. `values` are the parameters in the columns."""
        found = _open(key)
        if found is None:
            return None
        connection = db.session.connection()
        made = self._statement(connection)
        given = {**made.params, "session_id": found.session_id, **values}
        return connection.exec_driver_sql(made.string, given).one_or_none()

    def _statement(self, connection: Connection) -> SQLCompiler:
        limits = _idle(), _longest()
        if limits not in self._made:
            query = self._query.where(SignInSession.id == bindparam("session_id", None, BigInteger))
            query = query.where(*_lets_in())
            made = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
            assert isinstance(made, SQLCompiler)  # noqa: S101 - tells the type checker what a select becomes
            self._made[limits] = made
        return self._made[limits]


def of_user(user: User) -> list[SignInSession]:
    """The sessions of a user that work, the latest used first."""
    query = select(SignInSession).where(SignInSession.user_id == user.id, works())
    return list(
        db.session.scalars(query.order_by(SignInSession.last_seen_at.desc(), SignInSession.id.desc()))
    )


def works() -> ColumnElement[bool]:
    """The condition on SignInSession that it has neither ended nor timed out."""
    return (
        SignInSession.ended_at.is_(None)
        & (SignInSession.last_seen_at > func.now() - _idle())
        & (SignInSession.created_at > func.now() - _longest())
    )


def end(user: User, session_id: int) -> bool:
    """Ends one session of a user, in the open transaction; False where there is no such session."""
    return _end(SignInSession.user_id == user.id, SignInSession.id == session_id) == 1


def end_all(user: User, but: int | None = None) -> int:
    """Ends every session of a user, in the open transaction, except the one with the id `but`; returns how
    many there were."""
    others = [SignInSession.id != but] if but is not None else []
    return _end(SignInSession.user_id == user.id, *others)


def kept_for() -> timedelta:
    """How long a session is kept after it was last used."""
    return timedelta(days=_KEPT_DAYS + current_app.config["SESSION_DAYS"])


def forget_old() -> None:
    """Deletes the tenant's sessions that ended or were last used long ago, and commits."""
    old = delete(SignInSession).where(
        SignInSession.tenant_id == tenant_in_use(), SignInSession.last_seen_at < func.now() - kept_for()
    )
    db.session.execute(old)
    db.session.commit()


def _open(key: str) -> Row[Any] | None:
    """The tenant, id and last use of the session with a cookie's key that nobody has ended; the database
    session then works for that tenant."""
    found = db.session.execute(_FIND, {"key_hash": _hash(key)}).one_or_none()
    if found is not None:
        use_tenant(found.tenant_id)
    return found


def _lets_in() -> tuple[ColumnElement[bool], ...]:
    """The conditions on a session, its user and their tenant that it lets somebody in."""
    return works(), User.active.is_(True), Tenant.suspended_at.is_(None)


def _idle() -> timedelta:
    return timedelta(minutes=current_app.config["SESSION_IDLE_MINUTES"])


def _longest() -> timedelta:
    return timedelta(days=current_app.config["SESSION_DAYS"])


def _note_seen(session_id: int) -> None:
    # Not for one that has timed out, which would bring it back.
    seen = update(SignInSession).where(SignInSession.id == session_id, works())
    db.session.execute(seen.values(last_seen_at=func.now()))
    db.session.commit()


def _end(*conditions: ColumnElement[bool]) -> int:
    ending = update(SignInSession).where(SignInSession.ended_at.is_(None), *conditions)
    done = db.session.execute(ending.values(ended_at=func.now()))
    assert isinstance(done, CursorResult)  # noqa: S101 - tells the type checker that there is a rowcount
    return done.rowcount


def _hash(key: str) -> bytes:
    # The key is random and long, so a plain digest can't be searched for.
    return hashlib.sha256(key.encode()).digest()
