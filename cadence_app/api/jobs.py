"""The sweep of idempotency keys."""

from __future__ import annotations

from cadence_app.api.idempotency import KEPT, forget_old_keys
from cadence_app.work.sweeps import sweep


@sweep("due_old_api_keys", late=KEPT, every=3600, queue="sweeps", of_each=1)
def sweep_idempotency_keys(tenant_id: int, _: int) -> None:
    """Forgets those of a tenant whose time is over."""
    forget_old_keys()
