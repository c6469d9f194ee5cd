"""The ledger as a feed: every change once, in the order of its id, and none skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from cadence_app.consent.models import OptOutChange, Source
from cadence_app.extensions import db


@dataclass(frozen=True)
class Feed:
    """`cursor` is where the next call goes on; `more` tells that it will find something at once."""

    changes: list[OptOutChange]
    cursor: int
    more: bool


def changes_after(
    cursor: int,
    limit: int,
    since: datetime | None = None,
    team_ids: Sequence[int] = (),
    sources: Sequence[Source] = (),
) -> Feed:
    """The tenant's changes after a cursor (0: from the first one), oldest first.

    A transaction that is still open may hold an id lower than one that can be seen already. The feed ends
    before it and goes on once it has ended, so a change that is committed late is late, but never missed.
    Must not run in a transaction that holds its snapshot (REPEATABLE READ).
    """
    end = settled()
    query = select(OptOutChange).where(OptOutChange.id > cursor, OptOutChange.id <= end)
    if since:
        query = query.where(OptOutChange.changed_at >= since)
    if team_ids:
        query = query.where(OptOutChange.team_id.in_(team_ids))
    if sources:
        query = query.where(OptOutChange.source.in_(sources))
    changes = list(db.session.scalars(query.order_by(OptOutChange.id).limit(limit + 1)))
    if len(changes) > limit:
        return Feed(changes[:limit], changes[limit - 1].id, more=True)
    return Feed(changes, max(cursor, end), more=False)


def settled() -> int:
    """The id up to which the tenant's feed is complete: no change with a lower one is still to come."""
    return int(db.session.scalars(select(func.settled_change_id())).one())
