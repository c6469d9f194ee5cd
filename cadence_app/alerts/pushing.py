"""Sending notices to browsers by their push services (RFC 8030), encrypted for the one browser (RFC 8291).

Who may still be told, and what, is asked as a notice is about to go. No transaction is open while a service
answers, so one that is on the wire when its user is deactivated arrives; nothing goes after it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from flask import current_app
from sqlalchemy import delete, func, select
from sqlalchemy.orm import contains_eager

from cadence_app.accounts.models import Tenant, User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.alerts import keys, wording
from cadence_app.alerts.encoding import decoded, encoded
from cadence_app.alerts.models import PushNotice, PushSubscription
from cadence_app.extensions import db
from cadence_app.outbound.gate import Failure
from cadence_app.outbound.policy import Kind
from cadence_app.outbound.posting import Outgoing, Poster, Reply
from cadence_app.vault import Unreadable, decrypt
from cadence_app.work.retrying import Retrying

# What a service says of a subscription that is no more (RFC 8030, section 7.3).
_GONE = (404, 410)
_BUSY = 429
_AGAIN = Retrying(timedelta(seconds=30), timedelta(minutes=15), attempts=12)
_AT_ONCE = 32
# After this long a run makes room for other tenants; what is left goes on in the next one.
_RUN_SECONDS = 10


@dataclass(frozen=True)
class _Going:
    """A notice that is about to go, as it was put there then."""

    notice_id: int
    queued_at: datetime
    subscription_id: int
    outgoing: Outgoing


def send_due() -> None:
    """Sends what is due in the tenant in use, until nothing is or the run's time is over. One worker at a
    time for each tenant."""
    ends = time.monotonic() + _RUN_SECONDS
    with Poster(Kind.PUSH) as poster:
        while time.monotonic() < ends:
            found, going = _next_batch()
            if going:
                _note(going, poster.post([each.outgoing for each in going]))
            if not found:
                break
    db.session.rollback()


def has_due() -> bool:
    query = select(PushNotice.id).where(PushNotice.next_attempt_at <= func.now())
    return db.session.scalar(query.limit(1)) is not None


def _next_batch() -> tuple[int, list[_Going]]:
    """How many notices were due, and those of them that go. What nobody is to be told any more is deleted."""
    due = (
        select(PushNotice)
        .join(PushNotice.subscription)
        .join(PushSubscription.session)
        .join(PushSubscription.user)
        .join(User.tenant)
        .where(PushNotice.next_attempt_at <= func.now())
        .options(
            contains_eager(PushNotice.subscription).options(
                contains_eager(PushSubscription.session),
                contains_eager(PushSubscription.user).contains_eager(User.tenant),
            )
        )
    )
    query = due.order_by(PushNotice.next_attempt_at, PushNotice.id).limit(_AT_ONCE)
    found = db.session.scalars(query.execution_options(populate_existing=True)).all()
    # Held first, as who signs out holds theirs before the notices that go with it, in whatever order.
    browsers = select(PushSubscription.id).where(
        PushSubscription.id.in_({notice.subscription_id for notice in found})
    )
    held = browsers.order_by(PushSubscription.id).with_for_update(read=True, key_share=True)
    there = set(db.session.scalars(held))
    # Dropped in the order in which queueing.put() writes them, so that neither waits for the other.
    notices = sorted(found, key=lambda notice: (notice.subscription_id, notice.id))
    signer, going = keys.signer(), []
    for notice in notices:
        if notice.subscription_id not in there:
            continue
        outgoing = _outgoing(notice, signer) if signer and _may_be_told(notice) else None
        if outgoing:
            going.append(_Going(notice.id, notice.queued_at, notice.subscription_id, outgoing))
        else:
            _drop(notice.id, notice.queued_at)
    db.session.commit()
    return len(notices), going


def _may_be_told(notice: PushNotice) -> bool:
    subscription = notice.subscription
    user: User = subscription.user
    tenant: Tenant = user.tenant
    session: SignInSession = subscription.session
    return (
        user.active
        and user.works_desk
        and tenant.suspended_at is None
        and session.ended_at is None
        and notice.useless_after > datetime.now(UTC)
    )


def _outgoing(notice: PushNotice, signer: keys.Signer) -> Outgoing | None:
    """None where there is nothing to say, or its browser can't be reached with our key any more."""
    subscription, said = notice.subscription, wording.said_of(notice)
    if said is None or subscription.public_key != signer.public_key:
        return None
    try:
        endpoint, auth = decrypt(subscription.endpoint), decrypt(subscription.auth)
    except Unreadable:
        return None
    body = http_ece.encrypt(
        json.dumps(asdict(said), ensure_ascii=False).encode(),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(subscription.p256dh),
        auth_secret=decoded(auth),
        version="aes128gcm",
    )
    left = max(int((notice.useless_after - datetime.now(UTC)).total_seconds()), 0)
    headers = {
        "authorization": signer.authorization(endpoint),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(left),
        "urgency": "normal",
        # One that waits at the service while the phone is off gives way to this one: 32 characters at most.
        "topic": encoded(hashlib.sha256(notice.tag.encode()).digest()[:24]),
        "user-agent": "Cadence/1.0",
    }
    return Outgoing(endpoint, headers, body)


def _note(going: Sequence[_Going], replies: Sequence[Reply]) -> None:
    """Writes what came of a batch, in one transaction. The subscriptions are held first, as who signs out
    holds theirs before the notices that go with it."""
    held = select(PushSubscription).where(PushSubscription.id.in_({each.subscription_id for each in going}))
    rows = db.session.scalars(held.order_by(PushSubscription.id).with_for_update(of=PushSubscription))
    there = {subscription.id: subscription for subscription in rows}
    for each, reply in sorted(zip(going, replies, strict=True), key=lambda pair: pair[0].subscription_id):
        if each.subscription_id not in there:
            continue
        status = reply.status or 0
        if status in _GONE or reply.failure == Failure.REFUSED:
            gone = there.pop(each.subscription_id)
            db.session.execute(
                delete(PushSubscription)
                .where(PushSubscription.id == gone.id)
                .execution_options(synchronize_session=False)
            )
        elif 200 <= status < 300:
            _drop(each.notice_id, each.queued_at)
            there[each.subscription_id].worked_at = datetime.now(UTC)
            db.session.flush()
        elif status and status != _BUSY and status < 500:
            current_app.logger.warning("a push service refused a notice: %s %r", status, reply.body[:200])
            _drop(each.notice_id, each.queued_at)
        else:
            _try_again(each, reply)
    db.session.commit()


def _try_again(going: _Going, reply: Reply) -> None:
    held = select(PushNotice).where(PushNotice.id == going.notice_id).with_for_update()
    notice = db.session.scalars(held.execution_options(populate_existing=True)).one_or_none()
    if notice is None:
        return
    notice.attempts += 1
    wait = _AGAIN.wait(notice.attempts, timedelta(seconds=reply.wait))
    if _AGAIN.over(notice.attempts) or datetime.now(UTC) + wait > notice.useless_after:
        db.session.delete(notice)
    else:
        notice.next_attempt_at = func.now() + wait
    db.session.flush()


def _drop(notice_id: int, queued_at: datetime) -> None:
    """Unless it was put there anew meanwhile: then there is something new to tell."""
    one = delete(PushNotice).where(PushNotice.id == notice_id, PushNotice.queued_at == queued_at)
    db.session.execute(one.execution_options(synchronize_session=False))
