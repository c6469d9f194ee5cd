"""Jobs beside the webhooks: reading what one could only keep, reading back what none brought, and the
carriers' own lists of blocks."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.messaging.carriers import read_back, unread
from cadence_app.messaging.carriers.intake import due, take_in
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.reconciling import (
    accounts_with_a_list,
    has_a_list,
    note_self_managed,
    take_over_blocks,
)
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.jobs import fetch_soon
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep

_LONGEST_SECONDS = 1800


@quick_sweep
def sweep_carrier_events() -> None:
    """Reads the events that wait, oldest first."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for event_id in due():
            if received := take_in(event_id):
                dispatch(tenant_id, received.reply_id)
                fetch_soon(tenant_id, received.media_ids)


@quick_sweep
def sweep_read_backs() -> None:
    """Queues the reading back of each account that is due for it: hourly, and at once after a gap."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for account_id in read_back.claim_due():
            _queue_read_back(tenant_id, account_id)


def _queue_read_back(tenant_id: int, account_id: int) -> None:
    try:
        rq.get_queue("sweeps").enqueue(
            "cadence_app.messaging.carriers.jobs.read_account_back",
            args=(tenant_id, account_id),
            job_timeout=_LONGEST_SECONDS,
            result_ttl=0,
        )
    except RedisError:
        current_app.logger.warning("Redis is out of reach: account %s is read back later", account_id)


@rq.job(queue="sweeps")
def read_account_back(tenant_id: int, account_id: int) -> None:
    """Takes in the texts that an account's carrier has and did not bring. Twice at once does no harm."""
    use_tenant(tenant_id)
    for received in read_back.read_back(account_id):
        dispatch(tenant_id, received.reply_id)
        fetch_soon(tenant_id, received.media_ids)


@rq.job(queue="sweeps")
def discard_read_posts() -> None:
    """Deletes the posts that nobody could read and an admin has read, 90 days later."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        unread.discard_old(datetime.now(UTC))


@rq.job(queue="sweeps")
def reconcile_blocks() -> None:
    """Takes over the blocks that carriers have and we do not know of. One that they do not have changes
    nothing here: it opts nobody in. Notes as well which numbers' opt outs they leave to us."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for account in accounts_with_a_list():
            _ask(account)


@rq.job(queue="sweeps")
def reconcile_account(tenant_id: int, account_id: int) -> None:
    """As reconcile_blocks(), for one account."""
    use_tenant(tenant_id)
    if account := db.session.get(CarrierAccount, account_id):
        _ask(account)


def ask_soon(account: CarrierAccount) -> None:
    """Has a carrier asked about an account that was just entered. Without Redis the hourly sweep does it."""
    if not has_a_list(account):
        return
    try:
        reconcile_account.enqueue(account.tenant_id, account.id)
    except RedisError:
        current_app.logger.warning("Redis is out of reach: account %s waits for the sweep", account.id)


def _ask(account: CarrierAccount) -> None:
    account_id = account.id
    for about in (take_over_blocks, note_self_managed):
        try:
            about(account)
        except Exception:
            db.session.rollback()
            current_app.logger.exception("the blocks of carrier account %s are out of reach", account_id)


reconcile_blocks.cron_register(3600)
discard_read_posts.cron_register(3600)
