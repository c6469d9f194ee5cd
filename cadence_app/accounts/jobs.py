"""The sweep of old sessions and of old failures."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts import tries
from cadence_app.accounts.models import Tenant
from cadence_app.accounts.sessions import forget_old
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant


@rq.job(queue="sweeps")
def sweep_sessions() -> None:
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        forget_old()
    tries.forget_old()


sweep_sessions.cron_register(3600)
