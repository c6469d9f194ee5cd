"""The sweep that makes the runs of schedules that are due."""

from __future__ import annotations

from datetime import UTC, datetime

from cadence_app.reports.schedule_runs import run_due
from cadence_app.reports.service import enqueue
from cadence_app.work.sweeps import sweep


# One whose owner is gone, or whose last file is on its way, stays due: many of those must not hide others.
@sweep("due_schedules", of_each=1000)
def sweep_schedules(tenant_id: int, schedule_id: int) -> None:
    """Makes the run of a schedule that is due, once however many sweeps run at once. A suspended tenant's
    waits until it is back."""
    if export := run_due(schedule_id, datetime.now(UTC)):
        enqueue(export)
