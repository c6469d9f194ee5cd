"""Runs on the queue. The run's row in PostgreSQL is the record; a job only does it, and a sweep finds lost
ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts.models import Tenant
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.messaging import drafts
from cadence_app.retention import removal, service
from cadence_app.retention.mailing import announce
from cadence_app.retention.models import RetentionRun, RunState
from cadence_app.retention.protecting import on_hold
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep

_EVERY_SECONDS = 60
# A run that no worker has touched for this long has lost its job.
_LOST_AFTER = timedelta(minutes=2)


@job("reports", seconds=4 * 3600)
def advance(tenant_id: int, run_id: int) -> None:
    """Takes a run as far as it goes. Doing so again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    try:
        removal.count(run_id)
        announce(run_id)
        removal.remove(run_id)
    except removal.NotSealed:
        _note(run_id, "The history is not sealed far enough yet. It goes on by itself once it is.")
    except Exception:
        current_app.logger.exception("run %s of retention was cut off", run_id)
        _note(run_id, "It was cut off and goes on by itself; the log says what went wrong.")


@sweep("due_retention_runs", late=_LOST_AFTER, every=_EVERY_SECONDS)
def sweep_retention(tenant_id: int, run_id: int) -> None:
    """Starts a run whose day has come, and queues one whose job was lost."""
    waiting = select(RetentionRun).where(
        RetentionRun.id == run_id,
        RetentionRun.state == RunState.WAITING,
        RetentionRun.remove_at <= func.now(),
    )
    run = db.session.scalars(waiting.with_for_update(skip_locked=True)).one_or_none()
    if run is not None:
        run.state = RunState.REMOVING
        # Were the job lost, it is due again at once.
        run.touched_at = func.now() - _LOST_AFTER * 2
    db.session.commit()
    dispatch(tenant_id, run_id)


@sweep("due_monthly_retention", every=_EVERY_SECONDS)
def sweep_monthly_retention(tenant_id: int, _: int) -> None:
    """Begins a dry run by itself, on the first of each month in the tenant's zone or as soon after as may
    be."""
    tenant = db.session.get_one(Tenant, tenant_id)
    first = datetime.now(tenant.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    this_month = select(RetentionRun.id).where(
        RetentionRun.automatic, RetentionRun.requested_at >= first.astimezone(UTC)
    )
    if db.session.scalar(this_month.limit(1)) is None and service.open_run() is None:
        service.request_dry_run(None)


def dispatch(tenant_id: int, run_id: int) -> bool:
    """Queues a run, unless it waits there already. False where Redis is out of reach; the sweep queues it."""
    return advance.put(f"retention-{run_id}", tenant_id, run_id)


def _note(run_id: int, problem: str) -> None:
    db.session.rollback()
    run = db.session.get(RetentionRun, run_id)
    if run and run.busy:
        run.problem, run.touched_at = problem, func.now()
        db.session.commit()


@sweep("due_drafts", every=_EVERY_SECONDS)
def sweep_drafts(tenant_id: int, draft_id: int) -> None:
    """Deletes what a user began to write and left for 30 days, unless its contact is on legal hold."""
    contact_id = drafts.contact_of(draft_id)
    if contact_id is None:
        return
    lock_contacts([contact_id])
    drafts.delete_due(draft_id, on_hold([contact_id]))
    db.session.commit()
