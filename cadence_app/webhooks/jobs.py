"""Webhooks on the queue. PostgreSQL has the ledger and the deliveries; a job only hastens them."""

from __future__ import annotations

import uuid

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant
from cadence_app.webhooks import delivering, log, notices, outbox
from cadence_app.work.leases import held
from cadence_app.work.sweeps import quick_sweep

_LONGEST_SECONDS = 180
_PRUNE_SECONDS = 3600


@rq.job(queue="webhooks")
def deliver_webhooks(tenant_id: int, endpoint_id: int) -> None:
    """Sends what is due to an endpoint. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    with held(f"webhook endpoint {endpoint_id}") as mine:
        if mine:
            delivering.deliver_due(endpoint_id)
    # Looked at after letting go: a change that came meanwhile may have woken a job that found it held.
    if mine and any(outbox.has_work(endpoint) for endpoint in outbox.usable_endpoints([endpoint_id])):
        dispatch(tenant_id, endpoint_id)


@rq.job(queue="webhooks")
def tell_admins(tenant_id: int, endpoint_id: int) -> None:
    use_tenant(tenant_id)
    with held(f"webhook notice {endpoint_id}") as mine:
        if mine:
            notices.tell_turned_off(endpoint_id)


@quick_sweep
def sweep_webhooks() -> None:
    """Queues every endpoint that has something to send and no job, and the mails about those turned off."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        for endpoint in outbox.usable_endpoints():
            if outbox.has_work(endpoint):
                dispatch(tenant_id, endpoint.id)
        for endpoint_id in notices.untold():
            _enqueue("tell_admins", f"webhook-notice-{endpoint_id}-", tenant_id, endpoint_id)
        db.session.rollback()


@rq.job(queue="webhooks")
def prune_webhook_log() -> None:
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        log.prune()


def dispatch(tenant_id: int, endpoint_id: int) -> bool:
    """Wakes the sending to an endpoint. False where Redis is out of reach; the sweep wakes it later."""
    return _enqueue("deliver_webhooks", f"webhooks-{endpoint_id}-", tenant_id, endpoint_id)


def _enqueue(name: str, prefix: str, tenant_id: int, endpoint_id: int) -> bool:
    """Puts a job on the queue, unless one of the prefix waits there already; one that runs does not count."""
    queue = rq.get_queue("webhooks")
    try:
        if not any(job_id.startswith(prefix) for job_id in queue.get_job_ids()):
            queue.enqueue(
                f"cadence_app.webhooks.jobs.{name}",
                args=(tenant_id, endpoint_id),
                job_id=f"{prefix}{uuid.uuid4().hex}",
                job_timeout=_LONGEST_SECONDS,
                result_ttl=0,
            )
    except RedisError:
        current_app.logger.warning("Redis is out of reach: endpoint %s waits for the sweep", endpoint_id)
        return False
    return True


prune_webhook_log.cron_register(_PRUNE_SECONDS)
