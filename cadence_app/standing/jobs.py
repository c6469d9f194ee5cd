"""The sweep of what goes on by itself: whose right is gone, and which token is about to expire."""

from __future__ import annotations

from cadence_app.standing import absent
from cadence_app.work.sweeps import sweep


@sweep("due_standing")
def sweep_standing(tenant_id: int, _: int) -> None:
    """Notes, tells of and ends what is due in a tenant."""
    absent.look_after()
