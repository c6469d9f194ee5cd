"""Counts closed days by the clock. What is due stands in PostgreSQL: a day never counted, or a note."""

from __future__ import annotations

import time

from cadence_app.reports.counting import count_days
from cadence_app.work.sweeps import sweep

_EVERY_SECONDS = 60
# A first fill of years is a matter of minutes; no tenant takes more of a turn.
_SHARE_SECONDS = 30


@sweep("due_day_counts", every=_EVERY_SECONDS, queue="sweeps", seconds=1800)
def sweep_day_counts(tenant_id: int, _: int) -> None:
    """Counts an organisation's days, some at a time."""
    until = time.monotonic() + _SHARE_SECONDS
    while count_days() and time.monotonic() < until:
        pass
