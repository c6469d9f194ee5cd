"""The workers that run Cadence's jobs.

Flask-RQ's stock worker starts a fresh interpreter for every job, which costs about a second; most of ours
take milliseconds. A LivingWorker does short jobs itself, one after the other. A ForkingWorker forks a process
for each, which costs about 0.2 s: for long jobs with much memory, which give it back at their end.

A job takes no other with it. One that dies ends its worker, and one that hangs is ended: by an alarm when its
time is up, and where even that is not heard, as in a library's C code, by who watches the worker from another
process (Watch). Either way a fresh worker is started (workers.py), the others go on meanwhile, and what the
job was for is due still in PostgreSQL.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from multiprocessing import get_context
from types import FrameType, TracebackType

from flask import current_app
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import SimpleWorker, Worker

# A job that is still there so long after its time has not heard the alarm.
_GRACE_SECONDS = 60


class TimeIsUp(BaseException):
    """A job's time is over. RQ's own time-out is an Exception, so whatever catches those, of ours or in a
    library, would swallow it, and the job would go on for good; no `except Exception` catches this one."""


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's time limit, by an alarm; a job is ended with TimeIsUp. `rang`: one was, in this process."""

    rang = False

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        if issubclass(self._exception, JobTimeoutException):
            TimeLimit.rang = True
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


class Watch:
    """Until when a process must have ended what it is about, or have said so anew: seen by its parent."""

    def __init__(self) -> None:
        # One double is written at once; a lock could be held by a process that is killed.
        self._until = get_context("fork").RawValue("d", 0.0)

    def expect(self, seconds: float) -> None:
        self._until.value = time.monotonic() + seconds

    def over(self) -> None:
        """It is about nothing any more that takes long."""
        self._until.value = 0.0

    @property
    def overdue(self) -> bool:
        until: float = self._until.value
        return 0.0 < until < time.monotonic()


class LivingWorker(SimpleWorker):
    """RQ's worker that does its jobs itself, each in an application context of its own."""

    death_penalty_class = TimeLimit
    watch: Watch | None = None

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        seconds = job.timeout or queue.DEFAULT_TIMEOUT
        if self.watch:
            self.watch.expect(seconds + _GRACE_SECONDS)
        with current_app._get_current_object().app_context():  # type: ignore[attr-defined]
            done: bool = super().perform_job(job, queue, execution)
        if self.watch:
            self.watch.over()
        if TimeLimit.rang:
            # It was ended anywhere, so nobody knows what it left behind in this process.
            self._stop_requested = True
        return done
