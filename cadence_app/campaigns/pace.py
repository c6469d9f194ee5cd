"""How fast the campaigns of an inbox send, however many workers send them."""

from __future__ import annotations

import time

from sqlalchemy import case, func, literal_column, update

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox


def wait_for_turn(inbox_id: int) -> None:
    """Takes the inbox's next turn, commits that, and sleeps until it comes. The turns stand in the database,
    so a worker that is killed and started anew does not begin a new second."""
    gap = literal_column("interval '1 second'") / Inbox.texts_per_second
    free = case(
        (Inbox.next_text_at > func.clock_timestamp(), Inbox.next_text_at), else_=func.clock_timestamp()
    )
    taken = (
        update(Inbox)
        .where(Inbox.id == inbox_id)
        .values(next_text_at=free + gap)
        .returning(func.extract("epoch", Inbox.next_text_at - gap - func.clock_timestamp()))
        .execution_options(synchronize_session=False)
    )
    seconds = float(db.session.scalars(taken).one())
    db.session.commit()
    if seconds > 0:
        time.sleep(seconds)
