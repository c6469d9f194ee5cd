"""The sweep of idempotency keys."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.api.idempotency import forget_old_keys
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant


@rq.job(queue="sweeps")
def sweep_idempotency_keys() -> None:
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        forget_old_keys()


sweep_idempotency_keys.cron_register(3600)
