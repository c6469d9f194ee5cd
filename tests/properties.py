"""How long a property that fails may look for a smaller example before it says so."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.internal.conjecture import engine

# Hypothesis takes five minutes at most, which is no setting of its own. Whoever wants a smaller example runs
# the test again: it goes on from the one that was found.
SECONDS_TO_SHRINK = 15


def say_soon() -> None:
    """For all properties of this process: as much as is found within SECONDS_TO_SHRINK, and one failure
    rather than each other one that comes up on the way."""
    engine.MAX_SHRINKING_SECONDS = SECONDS_TO_SHRINK
    settings.register_profile("soon", report_multiple_bugs=False, print_blob=True)
    settings.load_profile("soon")
