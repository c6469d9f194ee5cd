"""The sweep of idempotency keys."""

from __future__ import annotations

from cadence_app.api.idempotency import KEPT, forget_old_keys
from cadence_app.work.sweeps import EVERYBODY, sweep


@sweep("due_old_api_keys", late=KEPT, every=3600, queue="sweeps", seconds=1800, of_each=1, at_most=EVERYBODY)
def sweep_idempotency_keys(tenant_id: int, _: int) -> None:
    """Forgets the keys of a tenant whose time is over."""
    forget_old_keys()
