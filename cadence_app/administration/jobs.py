"""The sweep that tells admins of a day they have chosen. What they were told stands in PostgreSQL."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from cadence_app.accounts.models import KeywordPolicy, Tenant
from cadence_app.administration import policy_notices
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant

_EVERY_SECONDS = 300


@rq.job(queue="sweeps")
def sweep_policy_notices() -> None:
    """Tells the admins of each organisation that has chosen a day, where a notice is due. One
    that can't be told now keeps none of the others waiting."""
    chosen = Tenant.keyword_policy == KeywordPolicy.ORGANISATION, Tenant.keyword_policy_from.is_not(None)
    for tenant_id in db.session.scalars(select(Tenant.id).where(*chosen).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        try:
            policy_notices.tell_admins()
        except Exception:
            db.session.rollback()
            current_app.logger.exception("the admins of tenant %s could not be told", tenant_id)


sweep_policy_notices.cron_register(_EVERY_SECONDS)
