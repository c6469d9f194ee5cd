"""For two sessions at once."""

from __future__ import annotations

from sqlalchemy import text

from cadence_app.extensions import db


def until_somebody_waits() -> None:
    """Until another session waits for a row that this one holds."""
    blocked = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    for _ in range(6000):
        if db.session.scalar(blocked):
            return
        db.session.scalar(text("SELECT pg_sleep(0.005)"))
    raise AssertionError("nobody waits")
