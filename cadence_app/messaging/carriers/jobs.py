"""The job that reads what a webhook could only keep."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.messaging.carriers.intake import due, take_in
from cadence_app.messaging.jobs import dispatch
from cadence_app.tenancy import use_tenant


@rq.job(queue="sweeps")
def sweep_carrier_events() -> None:
    """Reads the texts that wait, oldest first."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for event_id in due():
            if received := take_in(event_id):
                dispatch(tenant_id, received.reply_id)


sweep_carrier_events.cron_register(10)
