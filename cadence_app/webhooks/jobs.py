"""Webhooks on the queue. PostgreSQL has the ledger and the deliveries; a job only hastens them."""

from __future__ import annotations

from cadence_app.tenancy import use_tenant
from cadence_app.webhooks import delivering, log, notices, outbox
from cadence_app.work.leases import held
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import EVERYBODY, sweep


@job("webhooks")
def deliver_webhooks(tenant_id: int, endpoint_id: int) -> None:
    """Sends what is due to an endpoint. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    with held(f"webhook endpoint {endpoint_id}") as mine:
        if mine:
            delivering.deliver_due(endpoint_id)
    # Looked at after letting go: a change that came meanwhile may have woken a job that found it held.
    if mine and any(outbox.has_work(endpoint) for endpoint in outbox.usable_endpoints([endpoint_id])):
        dispatch(tenant_id, endpoint_id)


@job("webhooks")
def tell_admins(tenant_id: int, endpoint_id: int) -> None:
    use_tenant(tenant_id)
    with held(f"webhook notice {endpoint_id}") as mine:
        if mine:
            notices.tell_turned_off(endpoint_id)


@sweep("due_webhook_endpoints")
def sweep_webhooks(tenant_id: int, endpoint_id: int) -> None:
    """Queues an endpoint that has something to send."""
    dispatch(tenant_id, endpoint_id)


@sweep("due_webhook_notices")
def sweep_webhook_notices(tenant_id: int, endpoint_id: int) -> None:
    """Queues the mail about an endpoint that was turned off."""
    tell_admins.put(f"webhook-notice-{endpoint_id}", tenant_id, endpoint_id)


@sweep(
    "due_webhook_logs",
    late=log.kept_for,
    every=3600,
    queue="webhooks",
    seconds=1800,
    of_each=1,
    at_most=EVERYBODY,
)
def prune_webhook_log(tenant_id: int, _: int) -> None:
    """Forgets what is old in a tenant's log."""
    log.prune()


def dispatch(tenant_id: int, endpoint_id: int) -> bool:
    """Wakes the sending to an endpoint. False where Redis is out of reach; the sweep wakes it later."""
    return deliver_webhooks.put(f"webhooks-{endpoint_id}", tenant_id, endpoint_id)
