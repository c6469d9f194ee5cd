"""Queues held texts as their time comes: a look at an index twice a second, for the whole installation.

It remembers nothing, so it may die at any moment and run twice. What it misses the sweep of texts finds
(jobs.py).
"""

from __future__ import annotations

import time
from datetime import timedelta

from flask import current_app

from cadence_app.extensions import db
from cadence_app.messaging.jobs import dispatch
from cadence_app.work import due

_PAUSE_SECONDS = 0.5
_PAUSE_AFTER_FAILING = 5
_OF_EACH, _AT_MOST = 100, 1000


def wake_by_the_clock() -> None:
    """Looks for good."""
    while True:
        pause = _PAUSE_SECONDS
        try:
            wake_held()
        except Exception:
            # As while the database restarts.
            current_app.logger.exception("held texts could not be looked for")
            pause = _PAUSE_AFTER_FAILING
        db.session.remove()
        time.sleep(pause)


def wake_held() -> None:
    """Queues the held texts whose time has just come; one that waits in the queue still is not queued
    twice."""
    for tenant_id, message_id in due.find("due_held_texts", timedelta(), _OF_EACH, _AT_MOST):
        dispatch(tenant_id, message_id)
