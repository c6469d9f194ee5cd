"""Runs the RQ workers, the scheduler and the sender: one process that loads the application, and a fork of it
for each.

Loading takes two seconds of a processor and 100 MB of memory; as programs of their own each of them would
take that again at every start. Whichever dies is started again; all of them end with this process.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import uuid
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from types import FrameType

from flask import Flask
from setproctitle import setproctitle

import config
from cadence_app import create_app, owner_only
from cadence_app.extensions import db, rq
from cadence_app.messaging import listening
from cadence_app.worker import Watch

# Short jobs, by workers that live on. What waits for a carrier, a mail server or a receiver that hangs
# has one worker for minutes at most; another one serves each of these queues meanwhile, or is there for it
# alone.
LIVING = {
    "sweeps": ("sweeps",),
    "mails": ("mails",),
    "webhooks": ("webhooks", "media", "sweeps"),
    "media": ("media", "webhooks", "sweeps"),
    # So many campaigns go at once; more take turns.
    **{f"campaigns {number}": ("campaigns",) for number in (1, 2, 3, 4)},
}
# Long ones, which have a process of their own each.
FORKING = {"reports": ("reports",), "imports": ("imports",)}
SCHEDULER = "scheduler"
# Texts have no jobs: it takes them from the database (messaging/sender.py).
SENDER = "sender"
_CHILDREN = (*LIVING, *FORKING, SCHEDULER, SENDER)
# A worker that lives ends after so many jobs, and a fresh one is started: what libraries leave behind goes.
_JOBS_OF_A_LIFE = 2000
# The sender says more often than this that it goes on: as long as it waits for the database, it can't.
_SENDER_SECONDS = 180
# RQ derives from this how long a worker waits for a Redis that hangs: 55 seconds, not seven minutes.
_WORKER_TTL = 60
_PAUSE_SECONDS = 1
_LOOK_SECONDS = 5
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_fork = get_context("fork")


class Crew:
    """The children by what they do. SIGTERM lets the job at hand finish."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._members: dict[str, ForkProcess] = {}
        self._watches: dict[str, Watch] = {}
        self._stopping = False

    def work(self) -> None:
        """Returns when it was told to stop and every child has ended."""
        for signum in _STOPS:
            signal.signal(signum, self._stop)
        for name in _CHILDREN:
            self._start(name)
        while not self._stopping:
            # A job that outlives its worker keeps the sentinel open: looked at anyway now and then.
            connection.wait([member.sentinel for member in self._members.values()], _LOOK_SECONDS)
            # What dies at once does not take a whole processor to die again.
            time.sleep(_PAUSE_SECONDS)
            self._end_hung()
            for name in _CHILDREN:
                if name not in self._members or not self._members[name].is_alive():
                    self._start(name)
        for member in self._members.values():
            member.join()

    def _end_hung(self) -> None:
        """Kills who is about a job for longer than it may take, and hears no alarm."""
        for name, member in self._members.items():
            if member.is_alive() and self._watches[name].overdue:
                self._app.logger.error("%s hangs and is killed", name)
                member.kill()
                member.join()

    def _start(self, name: str) -> None:
        # A signal between the look and the fork would miss the new child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            if not self._stopping:
                watch = self._watches[name] = Watch()
                member = _fork.Process(target=_run, args=(self._app, name, os.getpid(), watch))
                member.start()
                self._members[name] = member
        except OSError:
            # The machine has no process to spare; it is tried again at the next look.
            self._app.logger.exception("%s could not be started", name)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True
        for member in self._members.values():
            if member.is_alive():
                member.terminate()


def _run(app: Flask, name: str, parent: int, watch: Watch) -> None:
    for signum in _STOPS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    setproctitle(f"cadence: {name}")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with app.app_context():
        # A connection shared with the parent would be used by both at once: forget, but don't close, them.
        db.engine.dispose(close=False)
        if name == SCHEDULER:
            rq.make_cron_scheduler().start()
        elif name == SENDER:
            listening.send_until_stopped(lambda: watch.expect(_SENDER_SECONDS))
        else:
            options = {"name": f"{name.replace(' ', '-')}-{uuid.uuid4().hex[:12]}", "worker_ttl": _WORKER_TTL}
            if name in LIVING:
                worker = rq.make_living_worker(LIVING[name], watch, **options)
                worker.work(max_jobs=_JOBS_OF_A_LIFE)
            else:
                rq.make_worker(FORKING[name], **options).work()


def _end_with(parent: int) -> None:
    """A parent that was killed can't tell its children to stop, and the next one brings others."""
    while os.getppid() == parent:
        time.sleep(_PAUSE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    owner_only.close_umask()
    app = create_app(config.load())
    # Its children share what is here by now: a look for garbage would write into each object it looks at.
    gc.collect()
    gc.freeze()
    Crew(app).work()
