"""The sweep that looks for what is to be told."""

from __future__ import annotations

from cadence_app.notifications.telling import tell
from cadence_app.work.sweeps import sweep


@sweep("due_notification_rules")
def sweep_notifications(tenant_id: int, rule_id: int) -> None:
    """Fills the outbox for a rule that has something to tell."""
    tell(rule_id)
