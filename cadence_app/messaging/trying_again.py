"""When a text is tried again whose carrier was busy, when a carrier is asked again what became of one, and
when no more. What a carrier refused is not tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cadence_app.messaging.models import Message, MessageState, Unsent
from cadence_app.work.retrying import Retrying

LOST_SIGHT = "The answer was lost while it was handed over, and the carrier can't tell whether it went."
# A carrier that has no list for us tells by its events within this time, if at all.
EVENTS_WITHIN = timedelta(minutes=10)
# One that could not be asked is asked again for this long.
ASKED_FOR = timedelta(days=1)
_ASK_AGAIN_AFTER = timedelta(seconds=30)
# A busy carrier is asked for about an hour.
_AGAIN = Retrying(timedelta(seconds=5), timedelta(minutes=15), attempts=11)


def try_later(message: Message, wait_seconds: float | None) -> None:
    """Puts off a text that its carrier was too busy to take, by no less than it asked for (seconds); or fails
    it after the last try. The caller commits, and the sweep of texts (jobs.py) finds it."""
    if _AGAIN.over(message.attempts):
        message.end(MessageState.FAILED, Unsent.CARRIER_BUSY, "The carrier was too busy each time.")
        return
    wait = _AGAIN.wait(message.attempts, at_least=timedelta(seconds=wait_seconds or 0))
    message.state, message.next_attempt_at = MessageState.QUEUED, datetime.now(UTC) + wait
    message.detail = "The carrier is busy; it is tried again."


def ask_later(message: Message, wait: timedelta) -> None:
    """Fails a text whose fate is unknown for so long; else it is asked about again in a while."""
    since, now = message.sending_since, datetime.now(UTC)
    if since is None or since < now - wait:
        message.end(MessageState.FAILED, Unsent.LOST_SIGHT, LOST_SIGHT)
    else:
        message.next_attempt_at = now + _ASK_AGAIN_AFTER
