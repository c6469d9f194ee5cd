"""When something that failed is tried again: each wait is twice the one before, up to a longest one, and a
tenth more or less. Deliveries of webhooks have steps of their own (webhooks/delivering.py).

The tenth is so that what failed together, as when a server went away, does not come back together. Full
jitter (anything from nothing to the whole wait) would spread it more; but it would also ask again at once
whoever has just said that he is busy, and halve the time for which something is tried, which the docs
promise. Few workers do the asking here, one thing after the other, so a tenth is enough.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

_SPREAD = 0.1
# Workers are forks of one process: a generator of ours would give all of them the same numbers.
_random = random.SystemRandom()


@dataclass(frozen=True)
class Retrying:
    """`first` and `longest` are the waits after the first failure and after many; `attempts` is how often it
    is tried in all, None for what is never given up."""

    first: timedelta
    longest: timedelta
    attempts: int | None = None

    def over(self, attempts: int) -> bool:
        """Whether so many tries, all of which failed, are enough."""
        return self.attempts is not None and attempts >= self.attempts

    def wait(self, attempts: int, at_least: timedelta = timedelta()) -> timedelta:
        """How long to wait after so many failed tries (1 or more), and not less than somebody asked us to."""
        # More of them are no time that can be said, and are past any longest wait.
        doublings = min(max(attempts, 1) - 1, 24)
        return max(spread(min(self.first * 2**doublings, self.longest)), at_least)


def spread(wait: timedelta) -> timedelta:
    """A wait, a tenth more or less."""
    return wait * _random.uniform(1 - _SPREAD, 1 + _SPREAD)
