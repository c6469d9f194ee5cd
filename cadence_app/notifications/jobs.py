"""The job that looks for what is to be told."""

from __future__ import annotations

from flask import current_app
from rq.timeouts import JobTimeoutException
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db
from cadence_app.notifications.telling import due_rule_ids, tell
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep


@quick_sweep
def sweep_notifications() -> None:
    """Fills the outbox for every rule that has something to tell. One that can't be told now waits for the
    next sweep, and keeps nothing else waiting."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for rule_id in due_rule_ids():
            try:
                tell(rule_id)
            except JobTimeoutException:
                raise
            except Exception:
                db.session.rollback()
                current_app.logger.exception("notification rule %s could not be told", rule_id)
