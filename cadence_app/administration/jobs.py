"""The sweep that tells admins of a day they have chosen. What they were told stands in PostgreSQL."""

from __future__ import annotations

from cadence_app.administration import policy_notices
from cadence_app.work.sweeps import sweep


@sweep("due_policy_notices", every=300, queue="sweeps")
def sweep_policy_notices(tenant_id: int, _: int) -> None:
    """Tells the admins of an organisation that has chosen a day, where a notice is due."""
    policy_notices.tell_admins()
