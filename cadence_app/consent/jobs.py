"""Sealing and checking on the queue. What is due stands in PostgreSQL; a job only does it."""

from __future__ import annotations

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.consent import seal_checks, seals
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant

_EVERY_SECONDS = 60
_LONGEST_SECONDS = 4 * 3600


@rq.job(queue="reports")
def seal_history(tenant_id: int) -> None:
    """Seals a tenant's closed days. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    seals.seal_closed_days()


@rq.job(queue="reports")
def run_check(tenant_id: int, check_id: int) -> None:
    use_tenant(tenant_id)
    try:
        seal_checks.run(check_id)
    except Exception:
        current_app.logger.exception("check %s of the seals failed", check_id)
        seal_checks.fail(check_id)


@rq.job(queue="sweeps")
def sweep_seals() -> None:
    """Queues the sealing of every tenant that has a closed day without a seal, and the checks whose job
    was lost. Large ones would keep texts waiting here, so they go where the exports do."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        if seals.days_to_seal():
            _enqueue("seal_history", f"seal-{tenant_id}", tenant_id)
        for check_id in seal_checks.lost_checks():
            dispatch_check(tenant_id, check_id)
        db.session.rollback()


def dispatch_check(tenant_id: int, check_id: int) -> bool:
    """Queues a check. False where Redis is out of reach; the sweep queues it later."""
    return _enqueue("run_check", f"seal-check-{check_id}", tenant_id, check_id)


def _enqueue(name: str, job_id: str, *arguments: int) -> bool:
    """Puts a job on the queue, unless it waits there already."""
    queue = rq.get_queue("reports")
    try:
        if job_id not in queue.get_job_ids():
            queue.enqueue(
                f"cadence_app.consent.jobs.{name}",
                args=arguments,
                job_id=job_id,
                job_timeout=_LONGEST_SECONDS,
                result_ttl=0,
            )
    except RedisError:
        current_app.logger.warning("Redis is out of reach: %s waits for the sweep", job_id)
        return False
    return True


sweep_seals.cron_register(_EVERY_SECONDS)
