"""The browsers that a user is told on: turning them on and off. Each function commits.

A browser's subscription hangs on the session it was made in and goes with it. Whoever signs in again takes
along their own; that of somebody else in the same browser ends.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.alerts import keys, queueing
from cadence_app.alerts.encoding import decoded
from cadence_app.alerts.models import NoticeKind, PushSubscription
from cadence_app.extensions import db
from cadence_app.outbound import gate
from cadence_app.outbound.gate import Refusal, Refused
from cadence_app.outbound.policy import Kind
from cadence_app.vault import encrypt

LONGEST_ENDPOINT = 2000
# Of one user; the one added first makes room.
MOST = 10


class Unusable(ValueError):
    """What a browser gave is no subscription that can be used; says why, for the person."""


@dataclass(frozen=True)
class Given:
    """What a browser's PushSubscription has: where its notices go, and its keys (RFC 8291), base64url."""

    endpoint: str
    p256dh: str
    auth: str


def add(user: User, session: SignInSession, given: Given) -> PushSubscription:
    """Has this user told on this browser from now on, and nobody else. Errors: Unusable."""
    _check(given)
    public_key = keys.public_key()
    values = {
        "user_id": user.id,
        "session_id": session.id,
        "endpoint": encrypt(given.endpoint),
        "p256dh": given.p256dh,
        "auth": encrypt(given.auth),
        "public_key": public_key,
        "device": session.device,
    }
    put = upsert(PushSubscription).values(
        tenant_id=user.tenant_id, endpoint_hash=hash_of(given.endpoint), **values
    )
    made = put.on_conflict_do_update(index_elements=["tenant_id", "endpoint_hash"], set_=values)
    found = db.session.scalars(
        made.returning(PushSubscription), execution_options={"populate_existing": True}
    ).one()
    more = select(PushSubscription.id).where(
        PushSubscription.user_id == user.id, PushSubscription.id != found.id
    )
    old = more.order_by(PushSubscription.id.desc()).offset(MOST - 1)
    db.session.execute(delete(PushSubscription).where(PushSubscription.id.in_(old)))
    db.session.commit()
    return found


def here(user: User, session: SignInSession, endpoint: str) -> bool:
    """Whether this browser, which has a subscription, is one that the user is told on; it is so in this
    session then. That of somebody else here ends: they signed out, or never came back."""
    found = _find(endpoint)
    if found is None:
        return False
    if found.user_id != user.id or found.public_key != keys.public_key():
        db.session.delete(found)
        db.session.commit()
        return False
    if found.session_id != session.id:
        found.session_id, found.device = session.id, session.device
        db.session.commit()
    return True


def of_user(user: User) -> list[PushSubscription]:
    """The user's, the newest first."""
    query = select(PushSubscription).where(PushSubscription.user_id == user.id)
    return list(db.session.scalars(query.order_by(PushSubscription.id.desc())))


def remove(user: User, subscription_id: int) -> bool:
    """Tells the user there no more; False where they have no such browser."""
    gone = delete(PushSubscription).where(
        PushSubscription.id == subscription_id, PushSubscription.user_id == user.id
    )
    removed = db.session.scalar(gone.returning(PushSubscription.id))
    db.session.commit()
    return removed is not None


def try_out(user: User, endpoint: str) -> bool:
    """Puts a notice to one of the user's browsers on its way; False where they have no such."""
    found = _find(endpoint)
    if found is None or found.user_id != user.id:
        return False
    queueing.put_one(found.id, NoticeKind.TEST, "test")
    db.session.commit()
    queueing.wake(user.tenant_id)
    return True


def hash_of(endpoint: str) -> bytes:
    # The address is random and long, so a plain digest can't be searched for.
    return hashlib.sha256(endpoint.encode()).digest()


def _find(endpoint: str) -> PushSubscription | None:
    query = select(PushSubscription).where(PushSubscription.endpoint_hash == hash_of(endpoint))
    return db.session.scalars(query).one_or_none()


def _check(given: Given) -> None:
    """Errors: Unusable."""
    if len(given.endpoint) > LONGEST_ENDPOINT:
        raise Unusable("The address of this browser's push service is too long.")
    try:
        gate.target_of(Kind.PUSH, given.endpoint)
    except Refused as refused:
        if refused.refusal == Refusal.HOST:
            raise Unusable(
                "This browser's push service is not one that Cadence may reach. "
                "Ask whoever runs Cadence to add it, or use another browser."
            ) from refused
        raise Unusable("The address of this browser's push service can't be used.") from refused
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(given.p256dh))
        if len(decoded(given.auth)) != 16:
            raise ValueError("the secret is not of 16 bytes")
    except ValueError as error:
        raise Unusable("This browser's keys can't be used. Turn notices off and on again.") from error
