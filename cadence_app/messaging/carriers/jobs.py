"""Jobs beside the webhooks: reading what one could only keep, and the carriers' own lists of blocks."""

from __future__ import annotations

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
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
from cadence_app.sweeps import quick_sweep
from cadence_app.tenancy import use_tenant


@quick_sweep
def sweep_carrier_events() -> None:
    """Reads the events that wait, oldest first."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for event_id in due():
            if received := take_in(event_id):
                dispatch(tenant_id, received.reply_id)
                fetch_soon(tenant_id, received.media_ids)


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
