"""Handing texts to their carriers, many at once: threads that know no database.

Each text waits for its slot (pace.py) and is then given to its carrier by one of the threads; what came of it
is written by whoever gave it (write()). A carrier that hangs has its threads for as long as the gate lets it
(outbound/policy.py), and no more of them than its inboxes' texts.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask, current_app

from cadence_app.messaging.pace import BUSY_SECONDS
from cadence_app.messaging.providers.base import NotTaken, Outgoing, Provider, Sent

# A text that was decided about longer ago is not handed over any more: this process was stopped, or its
# carrier has all its threads, and somebody else may be about to ask what became of it. With the longest that
# a carrier is waited for (outbound/policy.py) it is below holding.LOST_SIGHT_OF.
_FRESH_SECONDS = 10
# So many outcomes are written in one transaction.
_AT_A_TIME = 64
# Writing them is tried so often, for minutes: as while the database restarts, or another one takes over.
_TRIES = 60
_LOOK_AGAIN = 0.05


@dataclass(frozen=True)
class Leaving:
    """A text that is gone as soon as it is committed: all that its carrier is told, without a database. It is
    handed over at `at`, and `decided` is when it was decided about (both time.monotonic())."""

    message_id: int
    tenant_id: int
    inbox_id: int
    provider: Provider
    outgoing: Outgoing
    decided: float
    at: float = 0.0


class NotTried(Exception):
    """The carrier was not asked to take the text, which is to wait for so long: it had no time."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Outcome:
    """What came of a text: its receipt, or the error. With one that is none of NotTaken, Refused, NotTried
    and what means that there is no carrier, nobody knows whether it went."""

    text: Leaving
    result: Sent | Exception


def call(text: Leaving) -> Outcome:
    """Gives a text to its carrier at once, in this thread."""
    if time.monotonic() - text.decided > _FRESH_SECONDS:
        return Outcome(text, NotTried(0.0))
    try:
        return Outcome(text, text.provider.send(text.outgoing))
    except Exception as error:
        return Outcome(text, error)


class Calls:
    """So many carriers at most are asked at once, `most` texts are under way, and three quarters of the
    threads are for one tenant, whose carrier may hang. `room` is for how many more texts there is room."""

    def __init__(self, at_once: int, most: int) -> None:
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._threads = ThreadPoolExecutor(at_once, "carrier")
        self._most, self._of_a_tenant = most, max(1, at_once * 3 // 4)
        self._waiting: list[tuple[float, int, Leaving]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._asking: Counter[int] = Counter()
        self._held_up: dict[int, float] = {}
        self._over: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._unwritten: list[Outcome] = []
        self._tries, self._closed = 0, False
        # Texts whose outcome nobody has written yet.
        self.under_way = 0
        threading.Thread(target=self._let_go, name="slots", daemon=True).start()

    @property
    def room(self) -> int:
        return self._most - self.under_way

    def give(self, texts: Collection[Leaving]) -> None:
        """Has texts handed over, each at its time."""
        with self._changed:
            self.under_way += len(texts)
            for text in texts:
                heapq.heappush(self._waiting, (text.at, next(self._order), text))
            self._changed.notify()

    def write(self, seconds: float, note: Callable[[Sequence[Outcome]], None]) -> int:
        """Has the outcomes written that are there, after waiting so long at most for the first: how many.
        What could not be written is tried again the next time."""
        with suppress(queue.Empty):
            found = self._over.get(seconds > 0 and not self._unwritten, seconds)
            while found is not None:
                self._unwritten.append(found)
                found = self._over.get_nowait() if len(self._unwritten) < _AT_A_TIME else None
        if count := len(self._unwritten):
            self._tries += 1
            # Past that the carrier is asked what became of them, by whoever finds them.
            if self._tries <= _TRIES:
                note(self._unwritten)
            self._tries = 0
            self._unwritten.clear()
            with self._changed:
                self.under_way -= count
        return count

    @property
    def busy(self) -> bool:
        """Whether a carrier has had no time for one of them."""
        return bool(self._held_up)

    def nudge(self) -> None:
        """Ends a wait for outcomes. From any thread."""
        self._over.put(None)

    def close(self) -> None:
        """Ends the threads; what has not gone by then does not."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._threads.shutdown(wait=False)

    def _let_go(self) -> None:
        """Gives the threads what has its slot, in the order of the slots."""
        while True:
            with self._changed:
                while not self._closed and (not self._waiting or self._waiting[0][0] > time.monotonic()):
                    self._changed.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                if self._closed:
                    return
                _, order, text = heapq.heappop(self._waiting)
                if self._asking[text.tenant_id] >= self._of_a_tenant:
                    heapq.heappush(self._waiting, (time.monotonic() + _LOOK_AGAIN, order, text))
                    continue
                self._asking[text.tenant_id] += 1
            try:
                self._threads.submit(self._ask, text)
            except RuntimeError:
                # The machine has no thread to spare. It is queued all the same, for those that are there.
                self._app.logger.exception("no further thread could be started")

    def _ask(self, text: Leaving) -> None:
        wait = self._held_up.get(text.inbox_id, 0.0) - time.monotonic()
        try:
            with self._app.app_context():
                outcome = call(text) if wait <= 0 else Outcome(text, NotTried(wait))
        finally:
            with self._changed:
                self._asking[text.tenant_id] -= 1
        if isinstance(outcome.result, NotTaken):
            self._held_up[text.inbox_id] = time.monotonic() + (outcome.result.wait_seconds or BUSY_SECONDS)
        self._over.put(outcome)
