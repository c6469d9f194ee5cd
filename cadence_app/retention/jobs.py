"""Runs on the queue. The run's row in PostgreSQL is the record; a job only does it, and a sweep finds lost
ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import func, or_, select, true

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.retention import removal, service
from cadence_app.retention.mailing import announce
from cadence_app.retention.models import BUSY_STATES, RetentionRun, RunState
from cadence_app.tenancy import use_tenant

_EVERY_SECONDS = 60
_LONGEST_SECONDS = 4 * 3600
# A run that no worker has touched for this long has lost its job.
_LOST_AFTER = timedelta(minutes=2)


@rq.job(queue="reports")
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


@rq.job(queue="sweeps")
def sweep_retention() -> None:
    """Begins the monthly runs, starts those whose day has come, and queues the ones whose job was lost."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        tenant = db.session.get_one(Tenant, tenant_id)
        if tenant.retention_monthly:
            _begin_monthly(tenant)
        for run_id in _to_do():
            dispatch(tenant_id, run_id)
        db.session.rollback()


def dispatch(tenant_id: int, run_id: int) -> bool:
    """Queues a run, unless it waits there already. False where Redis is out of reach; the sweep queues it."""
    queue, job_id = rq.get_queue("reports"), f"retention-{run_id}"
    try:
        if job_id not in queue.get_job_ids():
            queue.enqueue(
                "cadence_app.retention.jobs.advance",
                args=(tenant_id, run_id),
                job_id=job_id,
                job_timeout=_LONGEST_SECONDS,
                result_ttl=0,
            )
    except RedisError:
        current_app.logger.warning("Redis is out of reach: %s waits for the sweep", job_id)
        return False
    return True


def _begin_monthly(tenant: Tenant) -> None:
    """A dry run by itself, on the first of each month in the tenant's zone or as soon after as may be."""
    first = datetime.now(tenant.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    this_month = select(RetentionRun.id).where(
        RetentionRun.automatic, RetentionRun.requested_at >= first.astimezone(UTC)
    )
    if db.session.scalar(this_month.limit(1)) is None and service.open_run() is None:
        service.request_dry_run(None)


def _to_do() -> list[int]:
    """The ids of the tenant's runs that a worker has something to do about."""
    waiting = select(RetentionRun).where(
        RetentionRun.state == RunState.WAITING, RetentionRun.remove_at <= func.now()
    )
    for run in db.session.scalars(waiting.with_for_update(skip_locked=True)).all():
        run.state = RunState.REMOVING
        run.touched_at = func.now() - _LOST_AFTER * 2
    db.session.commit()
    unannounced = (RetentionRun.state == RunState.READY) & (RetentionRun.automatic == true())
    query = select(RetentionRun.id).where(
        or_(RetentionRun.state.in_(BUSY_STATES), unannounced),
        RetentionRun.touched_at < func.now() - _LOST_AFTER,
    )
    return list(db.session.scalars(query))


def _note(run_id: int, problem: str) -> None:
    db.session.rollback()
    run = db.session.get(RetentionRun, run_id)
    if run and run.busy:
        run.problem, run.touched_at = problem, func.now()
        db.session.commit()


sweep_retention.cron_register(_EVERY_SECONDS)
