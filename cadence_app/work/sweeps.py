"""The sweeps: what looks by the clock for work that is due, so that nothing waits on a job that was lost.

Each is a function of one row, or of one tenant, and the name of the query that finds what is due (due.py):

    @sweep("due_mails", late=timedelta(seconds=15))
    def sweep_mails(tenant_id: int, mail_id: int) -> None: ...

One job looks round every ten seconds, for a job is a process of its own (worker.py). It does the sweeps that
only queue what is due. One that itself waits for somebody else, such as a carrier, names a queue, and gets a
job of its own once something is due. docs/work.md lists them all; a test compares it with what is declared.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant
from cadence_app.work import due
from cadence_app.work.queueing import A_MOMENT, Job, OnTheClock, job
from cadence_app.work.units import on_its_own

ROUND_SECONDS = 10
# For `at_most`, where once an hour everybody is due.
EVERYBODY = 1_000_000
# No tenant's work takes more of a sweep than this; the rest has its turn in the next.
_SHARE_SECONDS = 10
# How long a sweep without a job of its own may take, so that all of them end before their job's time is up.
_PART_OF_ROUND_SECONDS = 15
_LONGEST_ROUND_SECONDS = 600
# One with a job of its own ends well before its time is up.
_PART_OF_JOB = 0.6


@dataclass(frozen=True)
class Sweep:
    """Called without anything, it does everything that is due, one by one, each in its own tenant. One that
    fails keeps none of the others waiting, and is due still. Twice at once must do no harm.

    `query` finds what is due; None for one that finds it itself, whose `work` has no arguments. `late` is for
    how long it must have been due; a function where the configuration says it. `given` are further arguments
    of the query. `own` is the job that it is, for one that waits for others."""

    name: str
    work: Callable[..., object]
    query: str | None
    every: int
    late: timedelta | Callable[[], timedelta]
    of_each: int
    at_most: int
    given: Callable[[], Mapping[str, Any]]
    own: Job[[str]] | None

    def __call__(self) -> None:
        if self.query is None:
            self.work()
            return
        spent = defaultdict[int, float](float)
        until = time.monotonic() + self._longest
        for tenant_id, row_id in self._due(self.of_each, self.at_most):
            begins = time.monotonic()
            if begins > until:
                return
            if spent[tenant_id] > _SHARE_SECONDS:
                continue
            use_tenant(tenant_id)
            with on_its_own("%s failed for %s of tenant %s", self.name, row_id, tenant_id):
                self.work(tenant_id, row_id)
            # Nothing stays open for the next one.
            db.session.rollback()
            spent[tenant_id] += time.monotonic() - begins

    def take_turn(self) -> None:
        """Its part of a round of all: nothing before it is time again, else a sweep, or the job for one."""
        if not self._is_time():
            return
        if self.own is None:
            self()
        elif self.query is None or self._due(1, 1):
            self.own.put(self.name.replace("_", "-"), self.name)

    def _due(self, of_each: int, at_most: int) -> list[due.Due]:
        late = self.late if isinstance(self.late, timedelta) else self.late()
        return due.find(self.query or "", late, of_each, at_most, self.given())

    @property
    def _longest(self) -> float:
        return self.own.seconds * _PART_OF_JOB if self.own else _PART_OF_ROUND_SECONDS

    def _is_time(self) -> bool:
        """Whether its last turn is long enough ago; then this is one. Redis knows, which had the job too."""
        if self.every <= ROUND_SECONDS:
            return True
        # Rounds are not exactly apart: one that comes a little early is meant.
        pause = self.every - ROUND_SECONDS // 2
        return bool(rq.get_queue("sweeps").connection.set(f"cadence:swept:{self.name}", 1, nx=True, ex=pause))


def _nothing() -> Mapping[str, Any]:
    return {}


_declared: dict[str, Sweep] = {}


def sweep(
    query: str | None,
    *,
    every: int = ROUND_SECONDS,
    queue: str | None = None,
    seconds: int = A_MOMENT,
    late: timedelta | Callable[[], timedelta] = timedelta(),
    of_each: int = 100,
    at_most: int = 2000,
    given: Callable[[], Mapping[str, Any]] = _nothing,
) -> Callable[[Callable[..., object]], Sweep]:
    """Declares a sweep. `every` is in seconds; `queue` gives it a job of its own, which takes so many
    `seconds` at most. Errors: ValueError for a second one of a name."""

    def declare(work: Callable[..., object]) -> Sweep:
        name = work.__name__
        if name in _declared:
            raise ValueError(f"there are two sweeps named {name}")
        own = Job[[str]](queue, seconds).does(run_sweep) if queue else None
        _declared[name] = Sweep(name, work, query, every, late, of_each, at_most, given, own)
        return _declared[name]

    return declare


def declared() -> list[Sweep]:
    """All of them, by name."""
    return [_declared[name] for name in sorted(_declared)]


def run_sweep(name: str) -> None:
    """A sweep that has a job of its own."""
    _declared[name]()


@job("sweeps", _LONGEST_ROUND_SECONDS)
def run_sweeps() -> None:
    """A round. A sweep that fails keeps none of the others from running."""
    for each in declared():
        with on_its_own("%s failed", each.name):
            each.take_turn()
        # The next one begins without a tenant.
        db.session.remove()


rq.cron_jobs.append(OnTheClock(run_sweeps, "sweeps", ROUND_SECONDS))
