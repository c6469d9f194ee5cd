"""The sweep that makes the runs of schedules that are due."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.reports.schedule_runs import due_schedule_ids, run_due
from cadence_app.reports.service import enqueue
from cadence_app.tenancy import use_tenant

_EVERY_SECONDS = 30


@rq.job(queue="sweeps")
def sweep_schedules() -> None:
    """Makes each run that is due, once however many sweeps run at once. A schedule that can't be run keeps no
    other waiting; it is tried again by the next sweep. A suspended tenant's wait until it is back."""
    working = select(Tenant.id).where(Tenant.suspended_at.is_(None)).order_by(Tenant.id)
    for tenant_id in db.session.scalars(working).all():
        use_tenant(tenant_id)
        for schedule_id in due_schedule_ids(datetime.now(UTC)):
            try:
                export = run_due(schedule_id, datetime.now(UTC))
            except Exception:
                current_app.logger.exception("schedule %s could not be run", schedule_id)
                db.session.rollback()
                continue
            if export:
                enqueue(export)


sweep_schedules.cron_register(_EVERY_SECONDS)
