"""Jobs beside the webhooks: reading what one could only keep, and the carriers' own lists of blocks."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.messaging.carriers.intake import due, take_in
from cadence_app.messaging.carriers.reconciling import accounts_with_a_list, take_over_blocks
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.jobs import fetch_soon
from cadence_app.tenancy import use_tenant


@rq.job(queue="sweeps")
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
    nothing here: it opts nobody in."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for account in accounts_with_a_list():
            try:
                take_over_blocks(account)
            except Exception:
                db.session.rollback()
                current_app.logger.exception("the blocks of carrier account %s are out of reach", account.id)


sweep_carrier_events.cron_register(10)
reconcile_blocks.cron_register(3600)
