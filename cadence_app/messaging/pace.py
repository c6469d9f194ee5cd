"""How fast the texts of an inbox go, however many workers send them: each has a slot of its own.

The slots stand in the database, so that neither a worker that is started anew nor a Redis that was flushed
begins a new second. Nobody has slots for more than a second ahead, and a campaign for less, so that what a
person waits for comes in between.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox

AHEAD = timedelta(seconds=1)
CAMPAIGNS_AHEAD = timedelta(seconds=0.5)
# A carrier that is busy and does not say for how long.
BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Slots:
    """What is free of an inbox that the transaction holds: so many slots, the first one at `begins`, by the
    database's clock, and at `first` by time.monotonic(), and one each `gap` seconds."""

    inbox_id: int
    free: int
    begins: datetime
    first: float
    gap: float

    def take(self, count: int) -> list[float]:
        """Reserves so many of them, which the caller commits: when each is (time.monotonic())."""
        if count:
            db.session.execute(
                update(Inbox)
                .where(Inbox.id == self.inbox_id)
                .values(next_text_at=self.begins + timedelta(seconds=count * self.gap))
                .execution_options(synchronize_session=False)
            )
        return [self.first + index * self.gap for index in range(count)]


def slots_of(inbox_id: int, ahead: timedelta) -> Slots | None:
    """The free slots of an inbox, which it holds to the end of the transaction. None, and nobody waits, where
    somebody else holds it."""
    begins = func.greatest(func.coalesce(Inbox.next_text_at, func.clock_timestamp()), func.clock_timestamp())
    row = db.session.execute(
        select(Inbox.texts_per_second, begins, func.extract("epoch", begins - func.clock_timestamp()))
        .where(Inbox.id == inbox_id)
        .with_for_update(skip_locked=True, key_share=True)
    ).one_or_none()
    if row is None:
        return None
    gap, wait = 1 / row[0], max(0.0, float(row[2]))
    left = ahead.total_seconds() - wait
    free = int(left / gap) + 1 if left >= 0 else 0
    return Slots(inbox_id, free, row[1], time.monotonic() + wait, gap)


def hold_up(inbox_id: int, seconds: float) -> None:
    """No text of an inbox has its turn for so long: its carrier said so. The caller commits."""
    later = func.clock_timestamp() + timedelta(seconds=seconds)
    db.session.execute(
        update(Inbox)
        .where(Inbox.id == inbox_id)
        .values(next_text_at=func.greatest(func.coalesce(Inbox.next_text_at, later), later))
        .execution_options(synchronize_session=False)
    )


def turn(inbox_id: int) -> bool:
    """Takes one slot, commits that, and sleeps until it comes. False where there is none within a second."""
    slots = slots_of(inbox_id, AHEAD)
    at = slots.take(1)[0] if slots and slots.free else None
    db.session.commit()
    if at is not None:
        time.sleep(max(0.0, at - time.monotonic()))
    return at is not None
