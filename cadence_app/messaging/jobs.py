"""Texts on the queue. The queued row in PostgreSQL is the record; a job only hastens it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy import func, or_, select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.messaging.later import due_text_ids, take_up
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sending import deliver, hand_over_again
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep

# A text that is still queued after this long has lost its job.
_OVERDUE = timedelta(seconds=20)
# A worker that lives has its answer within this time: the carriers' time limits are shorter.
_LOST_SIGHT_OF = timedelta(seconds=30)
_SHARE_SECONDS = 10


@rq.job(queue="texts")
def deliver_text(tenant_id: int, message_id: int) -> None:
    use_tenant(tenant_id)
    deliver(message_id)


def dispatch(tenant_id: int, message_id: int | None) -> None:
    """Queues a text's delivery. Without Redis it stays queued in the database until the sweep."""
    if message_id is None:
        return
    try:
        deliver_text.enqueue(tenant_id, message_id)
    except RedisError:
        current_app.logger.warning("Redis is out of reach: text %s waits for the sweep", message_id)


@rq.job(queue="sweeps")
def sweep_texts() -> None:
    """Delivers the texts whose job was lost or whose carrier was busy, and finds out about those whose worker
    was lost while it handed them over; a campaign sees to its own. Oldest first. One that can't be dealt with
    must not keep the others waiting, nor one tenant's carrier that hangs the texts of all tenants."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        ours = Message.campaign_id.is_(None)
        due = or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= func.now())
        overdue = select(Message.id).where(
            ours, due, Message.state == MessageState.QUEUED, Message.created_at < func.now() - _OVERDUE
        )
        _for_a_while(deliver, db.session.scalars(overdue.order_by(Message.id)).all())
        unsettled = select(Message.id).where(
            ours,
            due,
            Message.state == MessageState.SENDING,
            Message.sending_since < func.now() - _LOST_SIGHT_OF,
        )
        _for_a_while(hand_over_again, db.session.scalars(unsettled.order_by(Message.id)).all())
        db.session.rollback()


@quick_sweep
def sweep_later_texts() -> None:
    """Sends the texts whose time has come. One that can't be dealt with keeps no other waiting."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for text_id in due_text_ids(datetime.now(UTC)):
            try:
                dispatch(tenant_id, take_up(text_id))
            except JobTimeoutException:
                raise
            except Exception:
                db.session.rollback()
                current_app.logger.exception("text %s for a later time could not be sent", text_id)
        db.session.rollback()


def _for_a_while(work: Callable[[int], object], message_ids: Sequence[int]) -> None:
    """Deals with texts until a tenant's share of the sweep is over; the rest has its turn in the next."""
    until = time.monotonic() + _SHARE_SECONDS
    for message_id in message_ids:
        try:
            work(message_id)
            db.session.commit()
        except Exception:
            db.session.rollback()
            current_app.logger.exception("text %s could not be dealt with", message_id)
        if time.monotonic() > until:
            return


sweep_texts.cron_register(10)
