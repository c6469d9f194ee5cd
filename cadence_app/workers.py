"""Runs the RQ workers, the scheduler and the clock: one process that loads the application, and a fork of it
for each.

Loading takes two seconds of a processor and 100 MB of memory; as programs of their own each of them would
take that again at every start. Whichever dies is started again; all of them end with this process.
"""

from __future__ import annotations

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
from cadence_app.messaging import waking

# So many that a person's text never waits for a large export or a campaign.
WORKERS = {
    # Two that serve texts and sweeps, each one first: neither holds up the other when a carrier hangs.
    "texts": ("texts", "sweeps"),
    "sweeps": ("sweeps", "texts"),
    "campaigns": ("campaigns",),
    "mail": ("mails", "reports"),
    "imports": ("imports",),
    # Two as well: a receiver that answers slowly has one for some seconds, the other serves the rest.
    "webhooks": ("webhooks", "media"),
    "media": ("media", "webhooks"),
}
SCHEDULER = "scheduler"
# What has a time to the second, such as a held text, is queued by it and not by the rounds of the sweeps.
CLOCK = "clock"
_CHILDREN = (*WORKERS, SCHEDULER, CLOCK)
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
            for name in _CHILDREN:
                if name not in self._members or not self._members[name].is_alive():
                    self._start(name)
        for member in self._members.values():
            member.join()

    def _start(self, name: str) -> None:
        # A signal between the look and the fork would miss the new child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            if not self._stopping:
                member = _fork.Process(target=_run, args=(self._app, name, os.getpid()))
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


def _run(app: Flask, name: str, parent: int) -> None:
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
        elif name == CLOCK:
            waking.wake_by_the_clock()
        else:
            unique = f"{name}-{uuid.uuid4().hex[:12]}"
            rq.make_worker(WORKERS[name], name=unique, worker_ttl=_WORKER_TTL).work()


def _end_with(parent: int) -> None:
    """A parent that was killed can't tell its children to stop, and the next one brings others."""
    while os.getppid() == parent:
        time.sleep(_PAUSE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    owner_only.close_umask()
    Crew(create_app(config.load())).work()
