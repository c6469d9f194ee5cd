"""The worker that runs Cadence's jobs.

Flask-RQ's stock worker starts a fresh interpreter for every job, which costs about a second; most of ours
take milliseconds (a text, a small export). RQ's own worker forks a process that has everything imported,
and keeps the isolation: a job that dies takes nothing with it. benchmarks/ measures both.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType, TracebackType

from flask import current_app
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import Worker


class TimeIsUp(BaseException):
    """A job's time is over. RQ's own time-out is an Exception, so whatever catches those, of ours or in a
    library, would swallow it, and the job would go on for good; no `except Exception` catches this one."""


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's time limit, by an alarm; a job is ended with TimeIsUp."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        if issubclass(self._exception, JobTimeoutException):
            raise TimeIsUp(f"it took longer than {self._timeout} seconds")
        super().handle_death_penalty(signum, frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An alarm that goes off now is of a job that is done.
        with suppress(TimeIsUp):
            super().__exit__(kind, error, trace)
        signal.alarm(0)


class ForkingWorker(Worker):
    """RQ's forking worker, with a database pool and an application context for each job, and a time limit
    that nothing swallows."""

    death_penalty_class = TimeLimit

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        # A connection shared with the parent would be used by both at once: forget, but don't close, them.
        app.extensions["sqlalchemy"].engine.dispose(close=False)
        with app.app_context():
            super().main_work_horse(job, queue)
