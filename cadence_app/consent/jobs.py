"""Sealing and checking on the queue. What is due stands in PostgreSQL; a job only does it."""

from __future__ import annotations

from flask import current_app

from cadence_app.consent import seal_checks, seals
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep

_LONGEST_SECONDS = 4 * 3600
_EVERY_SECONDS = 60


@job("reports", _LONGEST_SECONDS)
def seal_history(tenant_id: int) -> None:
    """Seals a tenant's closed days. Running it again, or twice at once, does no harm."""
    use_tenant(tenant_id)
    seals.seal_closed_days()


@job("reports", _LONGEST_SECONDS)
def run_check(tenant_id: int, check_id: int) -> None:
    use_tenant(tenant_id)
    try:
        seal_checks.run(check_id)
    except Exception:
        current_app.logger.exception("check %s of the seals failed", check_id)
        seal_checks.fail(check_id)


@sweep("due_seals", late=seals.GRACE, every=_EVERY_SECONDS)
def sweep_seals(tenant_id: int, _: int) -> None:
    """Queues the sealing of a tenant that has a closed day without a seal. A large one would keep texts
    waiting here, so it goes where the exports do."""
    seal_history.put(f"seal-{tenant_id}", tenant_id)


@sweep("due_seal_checks", late=seal_checks.LOST_AFTER, every=_EVERY_SECONDS)
def sweep_seal_checks(tenant_id: int, check_id: int) -> None:
    """Queues a check whose job was lost."""
    dispatch_check(tenant_id, check_id)


def dispatch_check(tenant_id: int, check_id: int) -> bool:
    """Queues a check. False where Redis is out of reach; the sweep queues it later."""
    return run_check.put(f"seal-check-{check_id}", tenant_id, check_id)
