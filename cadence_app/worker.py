"""The worker that runs Cadence's jobs.

Flask-RQ's stock worker starts a fresh interpreter for every job, which costs about a second; most of ours
take milliseconds (a text, a small export). RQ's own worker forks a process that has everything imported,
and keeps the isolation: a job that dies takes nothing with it. benchmarks/ measures both.
"""

from __future__ import annotations

from flask import current_app
from rq.job import Job
from rq.queue import Queue
from rq.worker import Worker


class ForkingWorker(Worker):
    """RQ's forking worker, with a database pool and an application context for each job."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        # A connection shared with the parent would be used by both at once: forget, but don't close, them.
        app.extensions["sqlalchemy"].engine.dispose(close=False)
        with app.app_context():
            super().main_work_horse(job, queue)
